"""Puts the collector together: the only place that names concrete adapters."""

import asyncio
import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from quitus_collector.adapters import catalogue_files, pools_csv, scenarios, x509
from quitus_collector.adapters.highs import HighsSolver
from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.config import FILE, TEMPLATE, Config, host_name
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.device import Device
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.position import Position
from quitus_collector.errors import (
    CollectorError,
    InvalidRequest,
    Quarantined,
    UnknownDevice,
    UsageError,
)
from quitus_collector.services import declaring, enrolment, licensing
from quitus_collector.services.licensing import ImportSummary
from quitus_collector.services.reporting import accept_offline, accept_reports

# The customer's own rules, below the collector's folder.
OWN_RULES = "catalogue"


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


class Collector:
    """One collector on its folder; each part is made when it is first needed."""

    def __init__(self, config: Config) -> None:
        """Touches nothing yet."""
        self.config = config
        self.clock = SystemClock(config.time_zone)
        self.solver = HighsSolver()

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
        return x509.Authority(self.config.authority)

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
            uses=uses,
            valid_for=valid_for,
            entity=entity,
            label=label,
        )

    def import_pools(self, file: Path) -> ImportSummary:
        """Takes in licence pools from a CSV file, all of it or nothing."""
        lines = pools_csv.read(file)
        try:
            return licensing.import_pools(self.store, self.catalogue, lines)
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from error

    def position(self) -> Position:
        """The effective licence position of now."""
        return licensing.position(self.store, self.catalogue, self.solver, self.clock)

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
        found = reconcile(scenarios.read(file), HighsSolver(time_limit_s))
        return scenarios.answer(found), found.optimal

    def import_report(self, file: Path) -> Device:
        """Takes in a report that a device wrote to a file; returns the device."""
        from quitus_collector.entrypoints import offline

        found = offline.read(file, partial(x509.signer_of, self.authority.root_pem()))
        try:
            return accept_offline(self.store, self.clock, found.device_id, found.report)
        except (UnknownDevice, Quarantined, UsageError, InvalidRequest) as error:
            raise type(error)(f"{file}: {error}") from error

    def serve(self, ready: Callable[[int, int], None]) -> None:
        """Serves devices until told to stop; `ready` gets the enrolment and the inventory port."""
        from quitus_collector.entrypoints.grpc import server
        from quitus_collector.entrypoints.grpc.servicers import UseCases

        store, authority, clock = self.store, self.authority, self.clock
        certificate = authority.issue_server(self.config.names, clock.now())
        # One writer: SQLite has a single one anyway, and nothing here is worth a queue of locks.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="store") as executor:
            use_cases = UseCases(
                enrol=lambda secret, request, hostname: enrolment.enrol(
                    store,
                    authority,
                    clock,
                    token_secret=secret,
                    signing_request=request,
                    hostname=hostname,
                ),
                accept_reports=lambda reports: accept_reports(store, clock, reports),
                device_id_of=x509.device_id_of,
                trust_roots=(authority.root(),),
                pseudonym_key=self._pseudonym_key(),
                executor=executor,
            )
            asyncio.run(
                server.serve(
                    use_cases,
                    server.Identity(
                        certificate.private_key, certificate.chain, authority.root_pem()
                    ),
                    enrolment_address=self.config.enrolment_address,
                    inventory_address=self.config.inventory_address,
                    limits=server.Limits(**self.config.limits.model_dump()),
                    ready=ready,
                )
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


def catalogue(home: Path, folder: Path | None = None) -> Catalogue:
    """The shipped rules, overridden by those of the home's folder `catalogue`; or another folder's.

    Raises CatalogueError, or UsageError where there is no such folder.
    """
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"{folder}: is not a folder")
        return catalogue_files.load(folder)
    own = home / OWN_RULES
    return catalogue_files.load(own=own if own.is_dir() else None)


def init(home: Path, names: list[str], load_config: Callable[[], Config]) -> Config:
    """Makes a collector in a folder: settings, certificate authority, database.

    Settings that are already there are kept. Raises UsageError where a collector exists.
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
        SQLStore(config.database_url, create=True).upgrade()
        x509.create(config.authority, config.company.name, datetime.now(UTC))
    except OSError as error:
        raise CollectorError(f"{error.filename or home}: {error.strerror}") from error
    return config


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
