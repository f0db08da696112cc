"""What a scheduler starts every hour: it enrols first, and reports when that is due.

A fleet must not call at once, neither on the day of its installation nor on any other: each device
keeps its own moment.
"""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from quitus_agent import managed, wiring
from quitus_agent.config import Config
from quitus_agent.errors import AgentError, NotEnrolled, UsageError
from quitus_agent.inventory import Inventory
from quitus_agent.places import RUNNING
from quitus_agent.spool import Accepted, Spool, Trouble

# A run that is due a little later is due now, or reports would move by an hour each day. Half of
# the hour between two runs: schedulers start them up to half an hour early or late.
SLACK = timedelta(minutes=30)
ENTITY_MARK = "{entity}"


def report(settings: Config, patience_s: float = 0) -> tuple[Accepted, Inventory] | None:
    """Enrols and reports where that is due; None where it is not. Raises AgentError.

    A join token that was kept for this device is taken away once there is an identity.
    """
    from quitus_agent import identity

    try:
        known = identity.load(settings.state)
    except NotEnrolled:
        from quitus_agent import device

        time.sleep(moment_s(device.hostname(), settings.spread_minutes))
        _enrol(settings)
    else:
        managed.forget_token()
        accepted = Spool(settings.state, known.device_id).accepted()
        wait_s = moment_s(known.device_id, settings.spread_minutes)
        # As of when it would report: else a wide spread would put the next report off each time.
        then = datetime.now(UTC) + timedelta(seconds=wait_s)
        if not is_due(accepted.accepted_at, then, settings.interval_hours):
            return None
        time.sleep(wait_s)
    return wiring.report(settings.state, RUNNING, patience_s, last_use=settings.last_use)


def is_due(accepted_at: datetime | None, now: datetime, interval_hours: int) -> bool:
    """Whether it is time for a report again; a last one in the future was a wrong clock's."""
    if accepted_at is None or accepted_at > now:
        return True
    return now - accepted_at >= timedelta(hours=interval_hours) - SLACK


def moment_s(name: str, spread_minutes: int) -> int:
    """The second within so many minutes that is this device's own."""
    within = spread_minutes * 60
    return int.from_bytes(sha256(name.encode()).digest()[:8]) % within if within else 0


def token_path(settings: Config) -> Path | None:
    """The file that holds the join token of this device's entity; None where none is set."""
    name = settings.token_file.replace(ENTITY_MARK, settings.entity)
    return Path(name) if name else None


def _enrol(settings: Config) -> None:
    from quitus_agent import join_token

    try:
        address = settings.collector_address()
        file = token_path(settings)
        if given := managed.token():
            try:
                token = join_token.parse(given)
            except UsageError as error:
                raise UsageError(f"the token that was given at installation {error}") from error
        elif file:
            token = wiring.read_token(file)
        else:
            raise NotEnrolled("this device is not enrolled, and no join token was given for it")
        wiring.enrol(settings.state, address, token, None, again=False)
    except AgentError as error:
        # Nobody sees what a scheduled run prints: `status` tells it.
        with suppress(OSError):
            settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        Spool(settings.state, "").note(Trouble(str(error), datetime.now(UTC)))
        raise
    managed.forget_token()
