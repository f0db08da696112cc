"""The console's parts: what its pages work with, its door, its jobs, its first account."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from quitus_collector.adapters.signing_in.oidc import CompanySignIn, Provider
from quitus_collector.domain.account import Account, APIToken
from quitus_collector.errors import CollectorError
from quitus_collector.services.attempts import Attempts
from quitus_collector.services.audit import Refusals
from quitus_collector.services.jobs import Task, Worker
from quitus_collector.services.signing_in import Door, Sightings
from quitus_collector.wiring import accounts, notifying
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.figures import Figures

log = logging.getLogger(__name__)
# How often a process looks for jobs that another one queued.
LOOK_EVERY_S = 2.0
# How often it is looked whether a day is over whose figures nobody counted.
MEASURE_EVERY_S = 3600.0
# How often it is looked whether there is something new to tell.
WATCH_EVERY_S = 600.0
# How often it is looked whether what people will want to see is counted already.
FORESEE_EVERY_S = 300.0


class Console:
    """One console on a collector's folder."""

    def __init__(self, collector: Collector) -> None:
        """Touches nothing yet."""
        self.collector = collector
        # By address: at the sign-in, by wrong tokens, and by the company's sign-in.
        self.attempts, self.token_attempts, self.returns = Attempts(), Attempts(), Attempts()
        self._wanted = threading.Event()
        self._following = threading.Lock()

    @cached_property
    def door(self) -> Door:
        """What signing in works with."""
        return accounts.door(self.collector)

    @cached_property
    def sightings(self) -> Sightings:
        """Writes down who was here."""
        return Sightings(self.door)

    @cached_property
    def company_sign_in(self) -> CompanySignIn | None:
        """The company's own sign-in; None without one."""
        config = self.collector.config
        table = config.console.oidc
        if table is None:
            return None
        return CompanySignIn(
            Provider(
                issuer=table.issuer,
                client_id=table.client_id,
                secret_file=config.home / table.client_secret_file,
                returns_to=table.address.rstrip("/"),
                scopes=table.scopes,
                roles_claim=table.roles_claim,
                name_claim=table.name_claim,
                roles=table.roles,
                authority=config.home / table.authority if table.authority else None,
                credentials=config.credentials,
            )
        )

    @cached_property
    def figures(self) -> Figures:
        """Positions, counted once for all."""
        return Figures(self.collector)

    @cached_property
    def refusals(self) -> Refusals:
        """Writes down who was not let in."""
        return Refusals(self.collector.store, self.collector.clock)

    def acting_as(self, who: Account | APIToken) -> Collector:
        """The collector in the hands of a person, or of a program, which reads English."""
        # By one thread at a time, and before it is copied: everyone who comes would load it anew.
        with self._following:
            if self.collector.follow_rules():
                self.figures.expire()
            _ = self.collector.catalogue
        language = who.language if isinstance(who, Account) else "en"
        return self.collector.acting_as(who.actor, language)

    def _has_devices(self) -> bool:
        watched = self.figures.watch().value
        return sum(watched.conditions.values()) > 0

    def wake(self) -> None:
        """There is a job to do."""
        self._wanted.set()

    @contextmanager
    def working(
        self, tasks: Mapping[str, Task], foresee: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Does jobs in the background while the block lasts.

        `foresee` has counted what people who come will want to see, where it is not there already.
        """
        over = threading.Event()
        worker = Worker(self.collector.store, self.collector.clock, tasks, over)

        def work() -> None:
            while not over.is_set():
                try:
                    did = worker.work_once()
                except CollectorError as error:
                    # The database is away: its jobs wait, as everything does.
                    log.warning("no job can be taken", extra={"reason": str(error)})
                    did = False
                if not did:
                    self._wanted.wait(LOOK_EVERY_S)
                    self._wanted.clear()

        def measure() -> None:
            self.figures.keep_up(over)

        def watch() -> None:
            notifying.look(self.collector, self.figures.position().value)

        def look_ahead() -> None:
            if foresee is not None and self._has_devices():
                foresee()

        rounds = [
            (measure, MEASURE_EVERY_S, "past days are not counted"),
            (look_ahead, FORESEE_EVERY_S, "nothing is counted in advance"),
        ]
        if notifying.is_wanted(self.collector):
            rounds.append((watch, WATCH_EVERY_S, "nobody is told what is new"))
        threads = [
            threading.Thread(target=work, name="work", daemon=True),
            *(
                threading.Thread(
                    target=_again, args=(over, *each), name=each[0].__name__, daemon=True
                )
                for each in rounds
            ),
        ]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            over.set()
            self.wake()
            self.figures.background.close()
            for each in threads:
                each.join(timeout=10)


def _again(over: threading.Event, do: Callable[[], None], every_s: float, failed: str) -> None:
    """Does it every so often until all is over; the next round comes whatever became of one."""
    while not over.is_set():
        try:
            do()
        except CollectorError as error:
            log.warning(failed, extra={"reason": str(error)})
        except Exception:
            # A fault of ours.
            log.exception(failed)
        over.wait(every_s)
