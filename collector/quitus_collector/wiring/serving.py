"""Reports come in: through the listeners of one process or several, or in a file."""

import asyncio
import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_collector.adapters.authority import company as company_certificates
from quitus_collector.adapters.authority import x509
from quitus_collector.adapters.authority.folder import LiveAuthority
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.device import Device, EnrolmentRequest
from quitus_collector.entrypoints import workers
from quitus_collector.errors import (
    AgentTooOld,
    CatalogueError,
    CollectorError,
    DeviceRefused,
    InvalidRequest,
    Quarantined,
    UnknownDevice,
    UsageError,
)
from quitus_collector.services import (
    access,
    enrolment,
)
from quitus_collector.services.audit import Refusals, note_refusal
from quitus_collector.services.enrolment import Applicant
from quitus_collector.services.ports import Clock, CompanyProof, Store
from quitus_collector.services.recognition import Recogniser, refresh
from quitus_collector.services.reporting import accept_offline, accept_reports

if TYPE_CHECKING:
    from quitus_collector.entrypoints.grpc.servicers import UseCases, WantedAgent

from quitus_collector.wiring.agents import LiveRelease
from quitus_collector.wiring.collector import Collector, catalogue_of
from quitus_collector.wiring.operation import in_use, pseudonym_key

log = logging.getLogger(__name__)
# Told the enrolment and the inventory port once both answer.
Ready = Callable[[int, int], None]


def import_report(collector: Collector, file: Path) -> Device:
    """Takes in a report that a device wrote to a file; returns the device.

    Refusals go to the audit log, as they do on the wire.
    """
    from quitus_collector.entrypoints import offline

    try:
        found = offline.read(file, partial(x509.signer_of, collector.authority.trust_roots_pem()))
        return accept_offline(
            collector.store,
            collector.clock,
            found.signer,
            found.report,
            collector.config.oldest_agent,
        )
    except (DeviceRefused, UnknownDevice, InvalidRequest) as error:
        note_refusal(
            collector.store, collector.clock, collector.actor, f"file {file.name}", str(error)
        )
        raise type(error)(f"{file}: {error}") from error
    except (AgentTooOld, Quarantined, UsageError) as error:
        raise type(error)(f"{file}: {error}") from error


def supervise(
    collector: Collector,
    count: int,
    command: Callable[[int, str, str], Sequence[str]],
    ready: Ready,
) -> int:
    """Serves devices with several processes, until told to stop; returns an exit status.

    `command` starts one of them, by its number from 1, on the two addresses it is to share.
    """
    in_use(collector.config.home, fcntl.LOCK_SH)
    # What no worker could do either is told once; what is made once is made before they start.
    collector.store.close()
    pseudonym_key(collector.config.home)
    _ = collector.authority
    addresses = (collector.config.enrolment_address, collector.config.inventory_address)
    with (
        workers.reserved(*addresses) as (enrolment_at, inventory_at),
        tempfile.TemporaryDirectory(prefix="quitus-metrics-") as folder,
    ):
        ports = (int(each.rpartition(":")[2]) for each in (enrolment_at, inventory_at))
        supervisor = workers.Supervisor(
            count,
            lambda number: command(number, enrolment_at, inventory_at),
            partial(ready, *ports),
            os.environ | {workers.METRICS: folder},
        )
        with _watched(collector, supervisor.pids, lambda: supervisor.restarts, Path(folder)):
            return asyncio.run(supervisor.run())


@contextmanager
def _watched(
    collector: Collector,
    pids: Callable[[], Mapping[int, int]],
    restarts: Callable[[], int] = lambda: 0,
    folder: Path | None = None,
) -> Iterator[None]:
    """Tells who watches how things are, where the settings say so.

    `pids` are those of the processes that serve now, by their numbers.
    """
    from quitus_collector.adapters import metrics
    from quitus_collector.entrypoints import health

    def ready() -> None:
        if not pids():
            raise CollectorError("no process serves yet, or any more")
        collector.store.check_schema()

    def gauges() -> Iterator[metrics.Gauge]:
        try:
            ready()
        except CollectorError:
            yield metrics.Gauge("quitus_ready", 0)
        else:
            yield metrics.Gauge("quitus_ready", 1)
        serving = pids()
        yield metrics.Gauge("quitus_workers", len(serving))
        for number, pid in serving.items():
            yield from metrics.memory(pid, str(number))
        with suppress(CollectorError):
            authority = x509.Authority(collector.config.authority)
            ends = {name: root.not_valid_after_utc for name, root in authority.roots.items()}
            for name, at in (ends | {"issuing": authority.issuing_ends_at}).items():
                label = ("certificate", name)
                yield metrics.Gauge("quitus_certificate_ends_seconds", at.timestamp(), label)

    if not collector.config.health_address:
        yield
        return
    with health.serving(
        collector.config.health_address,
        ready,
        lambda: metrics.exposition(folder, gauges(), restarts()),
    ) as port:
        log.info("health and metrics are told", extra={"port": port})
        yield


def serve(collector: Collector, ready: Ready, *, supervised: bool = False) -> None:
    """Serves devices until told to stop; `ready` gets the enrolment and the inventory port."""
    from quitus_collector.adapters import metrics
    from quitus_collector.entrypoints.grpc import handshakes, server

    in_use(collector.config.home, fcntl.LOCK_SH)
    store, clock = collector.store, collector.clock
    live = LiveAuthority(
        collector.config.authority, collector.config.names, clock, collector.validity
    )
    upkeep = _Upkeep(collector, live)
    refusals = Refusals(store, clock)
    recogniser = Recogniser(lambda: catalogue_of(collector.config.home))
    try:
        refresh(store, recogniser.catalogue)
    except CatalogueError as error:
        log.warning("the fleet is not recognised anew", extra={"reason": str(error)})

    def identity() -> server.Identity:
        shown = live.server()
        roots = live.current().trust_roots_pem()
        return server.Identity(shown.private_key, shown.chain, roots)

    def tick() -> None:
        refusals.flush()
        upkeep.tick()

    # One writer: SQLite has a single one anyway, and nothing here is worth a queue of locks.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="store") as executor:
        served = use_cases(
            store,
            live.current,
            clock,
            refusals,
            recogniser,
            reentry=timedelta(days=collector.config.certificates.reentry),
            pseudonym_key=pseudonym_key(collector.config.home),
            executor=executor,
            oldest_agent=collector.config.oldest_agent,
            wanted_agent=LiveRelease(collector.config.home).for_agent,
        )

        def handshake_failed(reason: str) -> None:
            metrics.handshake_failed(reason)
            _quietly(executor.submit, refusals.note, "unknown", reason)

        handshakes.watch(handshake_failed)
        serving = server.serve(
            served,
            identity,
            enrolment_address=collector.config.enrolment_address,
            inventory_address=collector.config.inventory_address,
            limits=server.Limits(**collector.config.limits.model_dump()),
            ready=ready,
            tick=tick,
            answered=metrics.answered,
            supervised=supervised,
        )
        alone = {1: os.getpid()}
        try:
            with nullcontext() if supervised else _watched(collector, lambda: alone):
                asyncio.run(serving)
        finally:
            _quietly(executor.submit(refusals.flush, now_whatever=True).result)


class _Upkeep:
    """Renews the issuing authority in time, or says each day that a person has to."""

    def __init__(self, collector: Collector, live: LiveAuthority) -> None:
        self._collector = collector
        self._live = live
        self._warned_at: datetime | None = None

    def tick(self) -> None:
        clock, authority = self._collector.clock, self._live.current()
        now = clock.now()
        if now < authority.issuing_renews_at:
            return
        if self._live.keep_up():
            with self._collector.store.writing() as work:
                work.audit.add(Event(now, Kind.AUTHORITY_RENEWED, "collector", authority.active))
        elif not self._warned_at or now - self._warned_at >= timedelta(days=1):
            self._warned_at = now
            log.warning(
                "the issuing authority nears its end: run quitus-collector authority renew",
                extra={"ends_at": authority.issuing_ends_at},
            )


def use_cases(
    store: Store,
    authority: Callable[[], x509.Authority],
    clock: Clock,
    refusals: Refusals,
    recogniser: Recogniser,
    *,
    reentry: timedelta,
    pseudonym_key: bytes,
    executor: Executor,
    oldest_agent: str = "",
    wanted_agent: "WantedAgent" = lambda _: None,
) -> "UseCases":
    """What the listeners serve, on this store and the authority as it is at each call."""
    from quitus_collector.adapters import metrics
    from quitus_collector.entrypoints.grpc.peers import certified
    from quitus_collector.entrypoints.grpc.servicers import UseCases

    def enrol(
        secret: str, proof: CompanyProof | None, applicant: Applicant
    ) -> enrolment.Enrolled | EnrolmentRequest:
        if proof:
            return enrolment.enrol_by_company(
                store,
                authority(),
                company_certificates.vouched,
                clock,
                proof=proof,
                applicant=applicant,
            )
        if not secret:
            return enrolment.ask(store, authority(), clock, applicant)
        return enrolment.enrol(store, authority(), clock, token_secret=secret, applicant=applicant)

    return UseCases(
        enrol=enrol,
        reenter=lambda key, signature, applicant: enrolment.reenter(
            store,
            authority(),
            clock,
            public_key=key,
            signature=signature,
            applicant=applicant,
            grace=reentry,
        ),
        renew=lambda peer, applicant: access.renew(store, authority(), clock, peer, applicant),
        accept_reports=metrics.counted(
            lambda reports: accept_reports(store, clock, reports, recogniser, oldest_agent)
        ),
        peer=lambda context: certified(context, x509.client_certificate, clock.now()),
        refused=refusals.note,
        trust_roots=lambda: authority().trust_roots(),
        pseudonym_key=pseudonym_key,
        executor=executor,
        wanted_agent=wanted_agent,
    )


def _quietly(call: Callable[..., object], *arguments: object) -> None:
    """Calls while the collector may be stopping, and its database with it."""
    with suppress(RuntimeError, CollectorError):
        call(*arguments)
