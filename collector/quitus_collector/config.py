"""The collector's settings: its folder's file, then the environment, then flags; read once."""

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from quitus_collector.adapters.documents import complaint, read_text
from quitus_collector.domain.company import (
    Company,
)
from quitus_collector.domain.filing import Policy
from quitus_collector.errors import UsageError
from quitus_collector.settings_file import (
    Certificates,
    ConsoleTable,
    DirectoryTable,
    Limits,
    MailTable,
    OIDCTable,
    SealTable,
    Settings,
    WebhookTable,
)

FILE = "collector.toml"

# Where systemd says that the credentials of a service are.
CREDENTIALS = "CREDENTIALS_DIRECTORY"

DEFAULT_HOME = Path("/var/lib/quitus-collector")

TEMPLATE = (Path(__file__).parent / "templates" / FILE).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Token:
    """A certificate on a token; `name` is the token's label, empty where it is the only one."""

    module: Path
    name: str
    label: str
    pin_file: Path


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the declaration is sealed with; None or empty where it is missing."""

    certificate: Path | None
    passphrase_file: Path | None
    token: Token | None
    timestamp_url: str
    trust: Path | None
    long_term: bool


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Where the console answers; the files are None where the collector's own authority vouches.

    `calls_per_minute` are of one token of the API. `catalogue_key` is the public key of those who
    may update the rules, None where nobody may from the console. `oidc` is the company's own
    sign-in, `mail` who is told by mail, None without one; `webhooks` are programs that are told;
    `proxies` those whose word is taken for where a client is.
    """

    address: str
    certificate: Path | None
    key: Path | None
    calls_per_minute: int
    catalogue_key: Path | None
    oidc: OIDCTable | None
    mail: MailTable | None
    webhooks: tuple[WebhookTable, ...]
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """Where expected devices are read from, and how.

    `filter` replaces the one that `active_days` gives. `sites` and `entities` are by the DN of what
    lies above the computers.
    """

    url: str
    base: str
    account: str
    password_file: Path | None
    authority: Path | None
    active_days: int
    filter: str
    site: str
    page: int
    limit: int
    timeout_s: int
    sites: Mapping[str, str]
    entities: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the collector is told, validated.

    `credentials` is the folder of those that systemd gave this process.
    """

    home: Path
    language: str
    time_zone: ZoneInfo
    logs: str
    database_url: str
    names: tuple[str, ...]
    enrolment_address: str
    inventory_address: str
    health_address: str
    certificates: Certificates
    company: Company
    limits: Limits
    oldest_agent: str
    approval: Policy
    approver_wait_hours: int
    backup_passphrase_file: Path | None
    seal: Sealing
    console: ConsoleSettings
    directory: Directory | None
    credentials: Path | None

    @property
    def authority(self) -> Path:
        """The folder of the certificate authority."""
        return self.home / "authority"


def load(home: Path, environment: Mapping[str, str], flags: Mapping[str, str]) -> Config:
    """Merges the three; raises UsageError naming the file and the setting.

    The environment has QUITUS_COLLECTOR_DATABASE, _LANGUAGE and _LOGS, _BALANCERS (with commas
    between), and systemd's CREDENTIALS_DIRECTORY; flags are `enrolment`, `inventory` and `health`.
    """
    path = home / FILE
    document = {}
    if path.exists():
        try:
            document = tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path}: {error}") from error
        except RecursionError as error:
            raise UsageError(f"{path}: nested too deep") from error
    for name in ("database", "language", "logs"):
        if value := environment.get(f"QUITUS_COLLECTOR_{name.upper()}"):
            document[name] = value
    if balancers := environment.get("QUITUS_COLLECTOR_BALANCERS"):
        limits = document.setdefault("limits", {})
        if isinstance(limits, dict):
            limits["balancers"] = [each.strip() for each in balancers.split(",")]
    listen = document.setdefault("listen", {})
    if isinstance(listen, dict):
        listen.update(flags)
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{path}: {complaint(error)}") from error
    database = settings.database
    if database == "sqlite":
        database = f"sqlite:///{quote(str(home.resolve() / 'quitus.db'))}"
    # As PostgreSQL's own tools write it, and operators of clusters in their secrets.
    for scheme in ("postgresql://", "postgres://"):
        if database.startswith(scheme):
            database = f"postgresql+psycopg://{database.removeprefix(scheme)}"
    return Config(
        home=home,
        language=settings.language,
        time_zone=ZoneInfo(settings.time_zone),
        logs=settings.logs,
        database_url=database,
        names=tuple(settings.listen.names),
        enrolment_address=settings.listen.enrolment,
        inventory_address=settings.listen.inventory,
        health_address=settings.listen.health,
        certificates=settings.certificates,
        company=Company(**settings.company.model_dump()),
        limits=settings.limits,
        oldest_agent=settings.agents.oldest,
        approval=Policy(**settings.approval.model_dump(exclude={"hours_after_reset"})),
        approver_wait_hours=settings.approval.hours_after_reset,
        backup_passphrase_file=home / named if (named := settings.backup.passphrase_file) else None,
        seal=_sealing(settings.seal, home),
        console=_console(settings.console, home),
        directory=_directory(settings.directory, home),
        credentials=Path(given) if (given := environment.get(CREDENTIALS)) else None,
    )


def _console(table: ConsoleTable, home: Path) -> ConsoleSettings:
    certificate, key, catalogue_key = (
        home / name if name else None
        for name in (table.certificate, table.key, table.catalogue_key)
    )
    return ConsoleSettings(
        table.listen,
        certificate,
        key,
        table.calls_per_minute,
        catalogue_key,
        table.oidc,
        table.mail,
        tuple(table.webhooks),
        tuple(ipaddress.ip_network(each) for each in table.proxies),
    )


def _sealing(table: SealTable, home: Path) -> Sealing:
    certificate, passphrase_file, trust = (
        home / name if name else None
        for name in (table.certificate, table.passphrase_file, table.trust)
    )
    token = None
    if table.module:
        token = Token(home / table.module, table.token, table.label, home / table.pin_file)
    return Sealing(certificate, passphrase_file, token, table.timestamp_url, trust, table.long_term)


def _directory(table: DirectoryTable, home: Path) -> Directory | None:
    if not table.url:
        return None
    told = table.model_dump(exclude={"password_file", "authority"})
    password, authority = (
        home / name if name else None for name in (table.password_file, table.authority)
    )
    return Directory(password_file=password, authority=authority, **told)
