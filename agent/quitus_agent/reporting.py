"""Saying to the collector what this device has to say, in order and until it is heard."""

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from quitus.v1 import inventory_pb2
from quitus_agent import wire
from quitus_agent.errors import (
    AgentError,
    CollectorUnreachable,
    ComeBackLater,
    ReportRefused,
)
from quitus_agent.spool import Accepted, Spool
from quitus_agent.statement import Statement

Send = Callable[[inventory_pb2.ReportRequest], inventory_pb2.ReportResponse]
Result = TypeVar("Result")
# Waiting between attempts: at random up to this, doubled each time, up to the most. Full jitter
# keeps a fleet that lost its collector at one moment from coming back at one moment.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0


class Waiting(NamedTuple):
    """A report to deliver, and the file that keeps it; None where the disk could not take it."""

    statement: Statement
    path: Path | None


def queue(spool: Spool, said: Statement) -> list[Waiting]:
    """Everything to deliver, oldest first, ending with what the device says now.

    What the collector holds already, or what waits already, is not kept a second time.
    """
    waiting = []
    for path in spool.waiting():
        try:
            waiting.append(Waiting(spool.load(path), path))
        except AgentError as error:
            # Later reports say all that it said.
            _warn(f"{error}: it is left out")
            spool.drop(path)
    last = waiting[-1].statement if waiting else None
    if last and last.digest == said.digest:
        return waiting
    kept = None
    if last or spool.accepted().digest != said.digest:
        try:
            kept = spool.add(said)
        except OSError as error:
            _warn(f"this report is sent, but cannot be kept meanwhile: {error.strerror}")
    return [*waiting, Waiting(said, kept)]


def deliver(spool: Spool, waiting: list[Waiting], send: Send) -> Accepted:
    """Sends what waits, one after the other; returns the last receipt.

    What `send` raises leaves everything that was not accepted where it is.
    """
    accepted = spool.accepted()
    while waiting:
        report = waiting[0]
        accepted = _said(report.statement, accepted, send)
        try:
            spool.accept(accepted)
            if report.path:
                spool.drop(report.path)
        except OSError as error:
            # Without the receipt on disk no further one may be asked for: the next run shows the
            # one before, which the collector takes for a lost answer.
            _warn(f"the report was accepted, but its receipt could not be kept: {error.strerror}")
            return accepted
        waiting.pop(0)
    return accepted


def patiently(attempt: Callable[[], Result], patience_s: float) -> Result:
    """Tries again, for so long, while the collector is away or busy; raises the last reason."""
    ends = time.monotonic() + patience_s
    longest = FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except (CollectorUnreachable, ComeBackLater) as error:
            least = error.after_s if isinstance(error, ComeBackLater) else 0.0
            pause = least + random.uniform(0, longest)  # noqa: S311 - a delay, not a secret
            if time.monotonic() + pause > ends:
                raise
        time.sleep(pause)
        longest = min(2 * longest, LONGEST_PAUSE_S)


def _said(statement: Statement, accepted: Accepted, send: Send) -> Accepted:
    """The receipt for one report, said as briefly as the collector allows."""
    request = wire.report_request(statement, accepted)
    answer = send(request)
    if answer.full_wanted:
        request = wire.full_request(statement, accepted)
        answer = send(request)
    if not answer.receipt:
        raise ReportRefused("the collector did not take the report in")
    return Accepted(
        digest=request.digest,
        receipt=answer.receipt,
        rows={digest: each.source for digest, each in statement.rows.items()},
        installs=answer.installs,
        accepted_at=datetime.now(UTC),
    )


def _warn(sentence: str) -> None:
    print(f"quitus-agent: {sentence}", file=sys.stderr)
