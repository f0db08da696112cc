"""Puts the collector together: the only place that names concrete adapters."""

import asyncio
import errno
import fcntl
import json
import logging
import os
import pwd
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from quitus_collector.adapters import (
    authority_folder,
    catalogue_bundle,
    catalogue_files,
    company_certificates,
    own_rules,
    pools_csv,
    scenarios,
    x509,
)
from quitus_collector.adapters.authority_folder import LiveAuthority, RootKey
from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.own_rules import Ruling
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.config import FILE, TEMPLATE, Config, host_name
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.catalogue import Catalogue, Recognition
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.device import CompanyAuthority, Device, EnrolmentRequest
from quitus_collector.domain.findings import Finding
from quitus_collector.domain.history import Removal
from quitus_collector.domain.install import Install
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import Position
from quitus_collector.domain.product import line_of
from quitus_collector.domain.triage import Group, groups
from quitus_collector.entrypoints import workers
from quitus_collector.errors import (
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
    company_authorities,
    declaring,
    enrolment,
    ledger,
    licensing,
    observing,
)
from quitus_collector.services.audit import Refusals, note_refusal
from quitus_collector.services.diagnosing import Check
from quitus_collector.services.enrolment import Applicant
from quitus_collector.services.licensing import ImportSummary
from quitus_collector.services.ports import Clock, CompanyProof, Store
from quitus_collector.services.recognition import Recogniser, refresh
from quitus_collector.services.reporting import accept_offline, accept_reports

if TYPE_CHECKING:
    from quitus_collector.entrypoints.grpc.servicers import UseCases

log = logging.getLogger(__name__)
# Told the enrolment and the inventory port once both answer.
Ready = Callable[[int, int], None]
# Below the collector's folder: the customer's own rules, and those of the newest bundle.
OWN_RULES = "catalogue"
UPDATED_RULES = "catalogue-update"


class SystemClock:
    """Implements ports.Clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        """`zone` is where the company's days begin and end."""
        self._zone = zone

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The day that the company's calendar shows."""
        return datetime.now(self._zone).date()

    def end_of(self, day: date) -> datetime:
        """The last moment of a day of the company's calendar, UTC."""
        return datetime.combine(day, time.max, self._zone).astimezone(UTC)


class Collector:
    """One collector on its folder; each part is made when it is first needed."""

    def __init__(self, config: Config) -> None:
        """Touches nothing yet."""
        self.config = config
        self.clock = SystemClock(config.time_zone)
        self._warned_at: datetime | None = None

    @cached_property
    def solver(self) -> Solver:
        """HiGHS, which few commands need and which takes long to load."""
        from quitus_collector.adapters.highs import HighsSolver

        return HighsSolver()

    @cached_property
    def store(self) -> SQLStore:
        """The database, at the schema of this version; raises StoreError otherwise."""
        self._must_exist()
        store = SQLStore(self.config.database_url)
        store.check_schema()
        return store

    @cached_property
    def authority(self) -> x509.Authority:
        """The certificate authority."""
        self._must_exist()
        return x509.Authority(self.config.authority, self.validity)

    @cached_property
    def validity(self) -> x509.Validity:
        """How long certificates are good for."""
        days = self.config.certificates
        return x509.Validity(
            *(timedelta(days=each) for each in (days.device, days.server, days.issuing))
        )

    @cached_property
    def actor(self) -> str:
        """Who runs this process, for the audit log: an account, which no variable can change."""
        return f"operator {pwd.getpwuid(os.getuid()).pw_name}"

    @cached_property
    def catalogue(self) -> Catalogue:
        """The rules that recognise products, the customer's own among them."""
        return catalogue(self.config.home)

    @cached_property
    def messages(self) -> Messages:
        """What people read, in their language."""
        return Messages(self.config.language, self.config.time_zone)

    def upgrade(self) -> None:
        """Brings the database to the schema of this version."""
        self._must_exist()
        SQLStore(self.config.database_url).upgrade()

    def create_token(self, uses: int, valid_for: timedelta, entity: str | None, label: str) -> str:
        """Makes a join token and returns it, for the only time."""
        return enrolment.create_token(
            self.store,
            self.authority,
            self.clock,
            actor=self.actor,
            uses=uses,
            valid_for=valid_for,
            entity=entity,
            label=label,
        )

    def trust_company(
        self, authority_id: str, file: Path, revocations: Sequence[Path], names: str, entity: str
    ) -> CompanyAuthority:
        """Lets the machines in whose certificates an authority of the company's own issued."""
        authority = CompanyAuthority(
            authority_id,
            company_certificates.read_authority(file),
            self.clock.now(),
            names,
            entity or None,
            company_certificates.read_revocations(revocations),
        )
        company_authorities.trust(self.store, authority, actor=self.actor)
        return authority

    def company_authorities(self) -> list[tuple[CompanyAuthority, datetime | None]]:
        """Those authorities, each with the end of its revocation lists."""
        with self.store.reading() as work:
            found = work.company_authorities.list()
        return [(each, company_certificates.revocations_end(each)) for each in found]

    def set_revocations(self, authority_id: str, files: Sequence[Path]) -> None:
        """Takes newer revocation lists of such an authority in."""
        lists = company_certificates.read_revocations(files)
        company_authorities.set_revocations(
            self.store, self.clock, authority_id, lists, actor=self.actor
        )

    def change_authority(self, kind: Kind, root_key: RootKey | None) -> str:
        """Renews the issuing authority, or prepares, activates or retires a root; says what."""
        folder, now, authority = self.config.authority, self.clock.now(), self.authority
        store = self.store
        if kind is Kind.AUTHORITY_RENEWED:
            made = authority_folder.renew(folder, now, root_key=root_key, validity=self.validity)
            said = f"the issuing authority is good until {made.issuing_ends_at:%Y-%m-%d}"
        elif kind is Kind.ROOT_PREPARED:
            file = authority_folder.prepare(folder, now, root_key=root_key)
            said = f"{file} goes to the devices with the answers to their reports"
        elif kind is Kind.ROOT_ACTIVATED:
            made = authority_folder.activate(folder, now, root_key=root_key, validity=self.validity)
            said = f"{made.active} is in charge; the former root stays trusted until it is retired"
        else:
            names = authority_folder.retire(folder)
            said = f"no longer trusted: {', '.join(names) or 'none, there is no former root'}"
        with store.writing() as work:
            work.audit.add(Event(now, kind, self.actor, authority.active, {"now": said}))
        return said

    def without_next_root(self) -> list[Device]:
        """Active devices that have not said yet that they trust what is to be trusted."""
        digest = access.trust_digest(self.authority.trust_roots()).hex()
        with self.store.reading() as work:
            return [
                each
                for each in work.devices.list()
                if not each.revoked_at and each.trust_digest != digest
            ]

    def with_former_issuer(self) -> list[Device]:
        """Devices whose certificate is older than the issuing authority, so of one before."""
        now, before = self.clock.now(), self.authority.issuing_starts_at + self.validity.device
        with self.store.reading() as work:
            return [
                each
                for each in work.devices.list()
                if not each.revoked_at and now < each.certificate_expires_at < before
            ]

    def import_pools(self, file: Path) -> ImportSummary:
        """Takes in licence pools from a CSV file, all of it or nothing."""
        lines = pools_csv.read(file)
        try:
            return licensing.import_pools(self.store, self.catalogue, lines)
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from error

    def position(self, day: date | None = None) -> Position:
        """The effective licence position of now, or of the end of a past day."""
        return licensing.position(self.store, self.catalogue, self.solver, self.clock, day)

    def removals(self, day: date, product: str | None) -> tuple[Sequence[Removal], datetime | None]:
        """What went away from that day on, and when the history begins, if that is later."""
        if product and line_of(product) not in self.catalogue.products:
            raise UsageError(f"the catalogue has no product {product!r}")
        morning = self.clock.end_of(day - timedelta(days=1))
        return ledger.removed(self.store, morning, product)

    def triage(self) -> tuple[Group, ...]:
        """What no rule knows, in groups, those on most devices first."""
        from quitus_collector.adapters.likeness import Likeness

        return groups(self.position().unknown, self.catalogue, Likeness())

    def preview(self, ruling: Ruling) -> tuple[tuple[Install, Recognition], ...]:
        """The fleet's records whose answer a decision would change, with the new answer."""
        longer = own_rules.preview(ruling, self.config.home / OWN_RULES)
        with self.store.reading() as work:
            records = work.inventories.distinct().values()
            changed = [
                (each, answer)
                for each in records
                if (answer := longer.recognise(each)) != self.catalogue.recognise(each)
            ]
        return tuple(sorted(changed, key=lambda pair: pair[0].key()))

    def decide(self, ruling: Ruling) -> Path:
        """Makes the decision a rule of the customer's own; returns its file."""
        return own_rules.write(ruling, self.config.home / OWN_RULES)

    def findings(self, key_servers: Iterable[str]) -> tuple[Finding, ...]:
        """What stands beside the position; `key_servers` are the company's own."""
        own = frozenset(server.lower() for server in key_servers)
        return observing.observe(self.store, self.catalogue, self.clock, own)

    def draft_declaration(self, publisher: str | None, folder: Path) -> tuple[Path, Path]:
        """Writes declaration.pdf and .json with the same figures; returns their paths."""
        from quitus_collector.adapters import typst

        declaration = declaring.draft(
            self.store,
            self.catalogue,
            self.solver,
            self.clock,
            company=self.config.company,
            publisher=publisher,
            software_version=version("quitus"),
        )
        pdf, document = typst.render(declaration, self.messages), _json(declaration)
        files = (folder / "declaration.pdf", folder / "declaration.json")
        _write_together(zip(files, (pdf, document), strict=True))
        return files

    def reconcile_scenario(self, file: Path, time_limit_s: float | None) -> tuple[str, bool]:
        """The answer to a scenario file, and whether it was proven in time; needs no folder."""
        from quitus_collector.adapters.highs import HighsSolver

        found = reconcile(scenarios.read(file), HighsSolver(time_limit_s))
        return scenarios.answer(found), found.optimal

    def import_report(self, file: Path) -> Device:
        """Takes in a report that a device wrote to a file; returns the device.

        Refusals go to the audit log, as they do on the wire.
        """
        from quitus_collector.entrypoints import offline

        try:
            found = offline.read(file, partial(x509.signer_of, self.authority.trust_roots_pem()))
            return accept_offline(self.store, self.clock, found.signer, found.report)
        except (DeviceRefused, UnknownDevice, InvalidRequest) as error:
            note_refusal(self.store, self.clock, self.actor, f"file {file.name}", str(error))
            raise type(error)(f"{file}: {error}") from error
        except (Quarantined, UsageError) as error:
            raise type(error)(f"{file}: {error}") from error

    def doctor(self) -> Iterator[Check]:
        """Looks at everything, one check after the other."""
        from quitus_collector.adapters import doctor

        self._must_exist()
        return doctor.examine(self.config, self.clock.now(), lambda: self.catalogue)

    def backup(self, file: Path, passphrase: bytes) -> list[str]:
        """Writes everything into one file while others serve; returns the keys it leaves out."""
        from quitus_collector.adapters import backup

        about = {
            "made_at": self.clock.now().isoformat(timespec="seconds"),
            "version": version("quitus"),
            "schema": self.store.revision() or "",
        }
        return backup.write(file, self.config.home, self.config.database_url, about, passphrase)

    def supervise(
        self, count: int, command: Callable[[int, str, str], Sequence[str]], ready: Ready
    ) -> int:
        """Serves devices with several processes, until told to stop; returns an exit status.

        `command` starts one of them, by its number from 1, on the two addresses it is to share.
        """
        in_use(self.config.home, fcntl.LOCK_SH)
        # What no worker could do either is told once; what is made once is made before they start.
        self.store.close()
        self._pseudonym_key()
        _ = self.authority
        addresses = (self.config.enrolment_address, self.config.inventory_address)
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
            with self._watched(supervisor.pids, lambda: supervisor.restarts, Path(folder)):
                return asyncio.run(supervisor.run())

    @contextmanager
    def _watched(
        self,
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
            self.store.check_schema()

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
                authority = x509.Authority(self.config.authority)
                ends = {name: root.not_valid_after_utc for name, root in authority.roots.items()}
                for name, at in (ends | {"issuing": authority.issuing_ends_at}).items():
                    label = ("certificate", name)
                    yield metrics.Gauge("quitus_certificate_ends_seconds", at.timestamp(), label)

        if not self.config.health_address:
            yield
            return
        with health.serving(
            self.config.health_address,
            ready,
            lambda: metrics.exposition(folder, gauges(), restarts()),
        ) as port:
            log.info("health and metrics are told", extra={"port": port})
            yield

    def serve(self, ready: Ready, *, supervised: bool = False) -> None:
        """Serves devices until told to stop; `ready` gets the enrolment and the inventory port."""
        from quitus_collector.adapters import metrics
        from quitus_collector.entrypoints.grpc import handshakes, server

        in_use(self.config.home, fcntl.LOCK_SH)
        store, clock = self.store, self.clock
        live = LiveAuthority(self.config.authority, self.config.names, clock, self.validity)
        refusals = Refusals(store, clock)
        try:
            refresh(store, self.catalogue)
        except CatalogueError as error:
            log.warning("the fleet is not recognised anew", extra={"reason": str(error)})
        recogniser = Recogniser(lambda: catalogue(self.config.home))

        def identity() -> server.Identity:
            shown = live.server()
            roots = live.current().trust_roots_pem()
            return server.Identity(shown.private_key, shown.chain, roots)

        def tick() -> None:
            refusals.flush()
            self._keep_up(live)

        # One writer: SQLite has a single one anyway, and nothing here is worth a queue of locks.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="store") as executor:
            served = use_cases(
                store,
                live.current,
                clock,
                refusals,
                recogniser,
                reentry=timedelta(days=self.config.certificates.reentry),
                pseudonym_key=self._pseudonym_key(),
                executor=executor,
            )

            def handshake_failed(reason: str) -> None:
                metrics.handshake_failed(reason)
                _quietly(executor.submit, refusals.note, "unknown", reason)

            handshakes.watch(handshake_failed)
            serving = server.serve(
                served,
                identity,
                enrolment_address=self.config.enrolment_address,
                inventory_address=self.config.inventory_address,
                limits=server.Limits(**self.config.limits.model_dump()),
                ready=ready,
                tick=tick,
                answered=metrics.answered,
                supervised=supervised,
            )
            alone = {1: os.getpid()}
            try:
                with nullcontext() if supervised else self._watched(lambda: alone):
                    asyncio.run(serving)
            finally:
                _quietly(executor.submit(refusals.flush, now_whatever=True).result)

    def _keep_up(self, live: LiveAuthority) -> None:
        """Renews the issuing authority in time, or says that a person has to."""
        now, authority = self.clock.now(), live.current()
        if now < authority.issuing_renews_at:
            return
        if live.keep_up():
            with self.store.writing() as work:
                work.audit.add(Event(now, Kind.AUTHORITY_RENEWED, "collector", authority.active))
        elif not self._warned_at or now - self._warned_at >= timedelta(days=1):
            self._warned_at = now
            log.warning(
                "the issuing authority nears its end: run quitus-collector authority renew",
                extra={"ends_at": authority.issuing_ends_at},
            )

    def _pseudonym_key(self) -> bytes:
        """The company's key of pseudonyms, made once; without it they would mean nothing."""
        path = self.config.home / "pseudonym.key"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                new.write(secrets.token_bytes(32))
        except FileExistsError:
            pass
        except OSError as error:
            raise CollectorError(f"{path}: {error.strerror}") from error
        return path.read_bytes()

    def _must_exist(self) -> None:
        if not self.config.authority.is_dir():
            raise UsageError(
                f"there is no collector in {self.config.home}: run quitus-collector init, "
                "or name its folder with --home"
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
            lambda reports: accept_reports(store, clock, reports, recogniser)
        ),
        peer=lambda context: certified(context, x509.client_certificate, clock.now()),
        refused=refusals.note,
        trust_roots=lambda: authority().trust_roots(),
        pseudonym_key=pseudonym_key,
        executor=executor,
    )


def catalogue(home: Path, folder: Path | None = None) -> Catalogue:
    """The newest rules, shipped or of a bundle, below the customer's own; or another folder's.

    Raises CatalogueError, or UsageError where there is no such folder.
    """
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"{folder}: is not a folder")
        return catalogue_files.load(folder)
    own = home / OWN_RULES
    shipped, updated = catalogue_files.SHIPPED, home / UPDATED_RULES
    versions = catalogue_files.version(updated), catalogue_files.version(shipped)
    newest = shipped if catalogue_bundle.version_is_older(*versions) else updated
    return catalogue_files.load(newest, own if own.is_dir() else None)


def init(
    home: Path, names: list[str], load_config: Callable[[], Config], root_key: RootKey | None
) -> Config:
    """Makes a collector in a folder: settings, certificate authority, database.

    Settings that are already there are kept; so is a root key that `root_key` names. Raises
    UsageError where a collector exists.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = home / FILE
        if not settings.exists():
            encoded = json.dumps([_host_name(name) for name in names])
            _write_together([(settings, TEMPLATE.format(names=encoded).encode())])
        config = load_config()
        if config.authority.exists():
            raise UsageError(f"{home} already holds a collector")
        store, now = SQLStore(config.database_url, create=True), datetime.now(UTC)
        store.upgrade()
        collector = Collector(config)
        authority_folder.create(
            config.authority,
            config.company.name,
            now,
            root_key=root_key,
            validity=collector.validity,
        )
        with store.writing() as work:
            work.audit.add(Event(now, Kind.AUTHORITY_MADE, collector.actor, "root"))
    except OSError as error:
        raise CollectorError(f"{error.filename or home}: {error.strerror}") from error
    return config


def restore(
    home: Path,
    file: Path,
    load_config: Callable[[], Config],
    passphrase: Callable[[], bytes] | None,
    *,
    replace: bool,
) -> list[str]:
    """Puts a backup in the folder's place; returns the names of keys that are still missing.

    Its database is brought to this version's schema. What is there is kept aside, in a folder
    `before-restore-…` below it. Raises UsageError where something is there and `replace` does not
    allow it, where a collector serves from the folder, or where the backup is damaged or of a newer
    version; then nothing has changed.
    """
    from quitus_collector.adapters import backup

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    in_use(home, fcntl.LOCK_EX)
    aside = home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=home) as folder:
        found = backup.Backup(file, Path(folder), passphrase)
        known = SQLStore("sqlite://").revisions
        if found.about["schema"] not in known:
            raise UsageError(f"{file}: was made by a newer version of quitus-collector")
        if (home / "authority").exists() and not replace:
            raise UsageError(f"{home} already holds a collector: --replace puts it aside")
        with found.placed(home, aside):
            config = load_config()
            if not replace and _holds_something(config.database_url):
                raise UsageError("the database is not empty: --replace puts its content aside")
            found.restore_database(config.database_url, aside, replace=replace)
            store, now = SQLStore(config.database_url), datetime.now(UTC)
            store.upgrade()
            with store.writing() as work:
                # Devices show receipts that were given since: no sign of a second machine.
                work.devices.forget_receipts()
                detail = {"made_at": str(found.about["made_at"])}
                actor = Collector(config).actor
                work.audit.add(Event(now, Kind.BACKUP_RESTORED, actor, "collector", detail))
            store.close()
    return backup.missing_keys(home)


def _holds_something(database_url: str) -> bool:
    """Whether there is a database with a schema; an SQLite file that is not there holds nothing."""
    file = database_url.removeprefix("sqlite:///")
    if file != database_url and not Path(unquote(file)).exists():
        return False
    store = SQLStore(database_url)
    try:
        return store.revision() is not None
    finally:
        store.close()


def in_use(home: Path, how: int) -> None:
    """Holds the folder until this process ends: serving shares it, restoring has it alone."""
    try:
        descriptor = os.open(home / ".in-use", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        if how == fcntl.LOCK_EX:
            raise
        # A folder that takes no file takes no backup either.
        return
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError as error:
        what = "a collector serves" if how == fcntl.LOCK_EX else "a backup is being restored"
        raise UsageError(f"{what} in {home}: stop it, or wait") from error


def _quietly(call: Callable[..., object], *arguments: object) -> None:
    """Calls while the collector may be stopping, and its database with it."""
    with suppress(RuntimeError, CollectorError):
        call(*arguments)


def _host_name(name: str) -> str:
    try:
        return host_name(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _json(declaration: Declaration) -> bytes:
    return json.dumps(declaration.document(), ensure_ascii=False, indent=1).encode() + b"\n"


def _write_together(contents: Iterable[tuple[Path, bytes]]) -> None:
    """Writes every file beside its place first, so that a full disk leaves the old ones alone."""
    pending: list[tuple[Path, Path]] = []
    try:
        for path, content in contents:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.new")
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            pending.append((beside, path))
            beside.write_bytes(content)
        for beside, path in pending:
            os.replace(beside, path)
    except OSError as error:
        for beside, _ in pending:
            beside.unlink(missing_ok=True)
        raise CollectorError(f"{error.filename}: {error.strerror}") from error
