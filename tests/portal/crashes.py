"""`python -m tests.portal.crashes CASES SEED`: submissions that die anywhere, at the real site.

Each case is a sealed declaration. A process of its own submits it and dies at a random step:
between two writes to the network, before or after a commit. The site has faults of its own, and
takes in whatever it is sent: it looks for no duplicates. Then other processes, of which some die
too, do what a person would: ask, and submit again where the site has nothing. In the end there has
to be one receipt, and the collector has to know it.
"""

import os
import random
import ssl
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from quitus_collector.adapters.portals import description
from quitus_collector.adapters.portals.form import WebPortal
from quitus_collector.adapters.portals.https import travel
from quitus_collector.adapters.sql.store import SQLStore, SQLUnitOfWork
from quitus_collector.domain.filing import Facts, Filing, Policy, Sealed, State
from quitus_collector.errors import CollectorError
from quitus_collector.services import submission
from quitus_collector.services.ports import Paper
from tests.builders import NOON
from tests.fakes.clock import FakeClock
from tests.portal.client import CREDENTIALS, PortalSite, serving

DOCUMENT = b'{"company": {"name": "\xc5\x92uvres", "siren": "999000110"}, "totals": {"gap": 2}}'
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 400
DIED, DONE, SAID = 9, 0, 3
ROUNDS = 8
LATE = 30  # how many of the last steps half of the cases die in
Step = Callable[[], None]


class CountedStore(SQLStore):
    """Steps before a transaction, before its commit and after it."""

    def __init__(self, url: str, step: Step) -> None:
        super().__init__(url)
        self._step = step

    @contextmanager
    def writing(self) -> Iterator[SQLUnitOfWork]:
        self._step()
        with super().writing() as work:
            yield work
            self._step()
        self._step()


class CountedTransport(httpx.BaseTransport):
    """Steps at everything that the connection does."""

    def __init__(self, inner: httpx.BaseTransport, step: Step) -> None:
        self._inner, self._step = inner, step

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        def trace(_name: str, _info: Any) -> None:
            self._step()

        request.extensions["trace"] = trace
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def attempt(url: str, folder: Path, filing: Filing, hours: int, timeout_s: int, die_at: int) -> int:
    """What a person does next, in a process of its own; `die_at` is a step, 0 for never.

    Gives DIED, DONE, or SAID where the step was refused.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os._exit(DIED)

    def transport(context: ssl.SSLContext, proxy: str) -> httpx.BaseTransport:
        return CountedTransport(travel(context, proxy), step)

    status = 4
    try:
        described = description.read(folder, "site")
        assert isinstance(described, description.FormPortal)
        described = described.model_copy(update={"timeout_s": timeout_s})
        portal = WebPortal(described, CREDENTIALS, transport)
        clock = FakeClock(NOON + timedelta(hours=hours))
        is_open = filing.state in (State.SUBMITTING, State.UNCERTAIN)
        act = submission.ask if is_open else submission.submit
        act(CountedStore(url, step), clock, portal, filing.id, actor="operator")
        status = DONE
    except CollectorError as error:
        print(f"{filing.id}: {error}", file=sys.stderr)
        status = SAID
    finally:
        (folder / "steps").write_text(str(steps))
        os._exit(status)


def a_filing(number: int) -> Filing:
    sealed = Sealed(sha256(PDF).hexdigest(), "B-T", NOON)
    return Filing(
        id=f"case-{number}",
        reference=f"Q{number:08d}",
        publisher="microsoft",
        document=DOCUMENT,
        facts=Facts((), 1, 1, 0, 0),
        policy=Policy(),
        drafted_by="operator",
        drafted_at=NOON,
        state=State.SEALED,
        sealed=sealed,
    )


def faults(draw: random.Random) -> tuple[dict[str, object], int]:
    """What the site does wrong this time, and how long the client waits for it."""
    page = f"POST /declaration/{draw.randint(1, 3)}"
    choice: dict[str, object] = draw.choices(
        [
            {},
            {"drop": "before"},
            {"drop": "after"},
            {"error_once": page},
            {"error_after": True},
            {"lost_page": True},
            {"hold": True},
        ],
        weights=[40, 14, 14, 14, 8, 7, 3],
    )[0]
    return choice, 1 if "hold" in choice else 20


class Cases:
    """All of them on one database and one site."""

    def __init__(self, folder: Path, site: PortalSite) -> None:
        self.folder, self.site = folder, site
        self.url = f"sqlite:///{folder / 'quitus.db'}"
        self.seen: Counter[str] = Counter()
        store = SQLStore(self.url, create=True)
        store.upgrade()
        store.close()

    def run(self, number: int, draw: random.Random, steps: int) -> None:
        filing = a_filing(number)
        self._keep(filing)
        wrong, timeout_s = faults(draw) if steps else ({}, 20)
        self.site.tell(reset=True, detects_duplicates=False, **wrong)
        die_at = draw.randint(1, steps) if steps else 0
        if steps and draw.random() < 0.5:
            die_at = draw.randint(steps - LATE, steps)
        status = attempt(self.url, self.folder, filing, 0, timeout_s, die_at)
        self.seen["died" if status == DIED else "ended"] += 1
        # Those who come later wait for the site as long as they would.
        self.site.tell(hold=False)
        for hours in range(1, ROUNDS):
            filing = self._read(filing.id)
            known = self.site.receipts(filing.reference)
            assert len(known) <= 1, (number, wrong, die_at, known)
            self.seen[f"then {filing.state}"] += hours == 1
            if filing.state is State.SUBMITTED:
                break
            again = draw.randint(1, steps) if hours == 1 and draw.random() < 0.3 else 0
            died = attempt(self.url, self.folder, filing, hours, 20, again) == DIED
            self.seen["died again"] += died
        assert filing.receipt, (number, wrong, die_at, filing)
        assert [each["number"] for each in known] == [filing.receipt.number], (number, wrong)
        assert known[0]["pdf"] == sha256(PDF).hexdigest()
        self.seen["tried again"] += len(filing.attempts) > 1

    def _keep(self, filing: Filing) -> None:
        store = SQLStore(self.url)
        with store.writing() as work:
            work.filings.add(filing)
            work.papers.add(filing.id, Paper.SEALED, PDF)
        store.close()

    def _read(self, filing_id: str) -> Filing:
        # Closed before the next fork: no process may use a connection of another one.
        store = SQLStore(self.url)
        with store.reading() as work:
            filing = work.filings.get(filing_id)
        store.close()
        return replace(filing)


def main() -> None:
    cases, seed = int(sys.argv[1]), int(sys.argv[2])
    # Processes die here, not the machine: the disk need not be waited for.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as name, serving(Path(name)) as site:
        folder = site.describe()
        run = Cases(folder, site)
        run.run(0, random.Random(seed), 0)
        steps = int((folder / "steps").read_text())
        run.seen.clear()
        for number in range(1, cases + 1):
            run.run(number, random.Random(f"{seed} {number}"), steps)
    told = ", ".join(f"{name} {count}" for name, count in sorted(run.seen.items()))
    print(f"{cases} cases, {steps} steps each, seed {seed}: {told}")


if __name__ == "__main__":
    main()
