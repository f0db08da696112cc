"""The collector's settings: its folder's file, then the environment, then flags; read once."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, quote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, model_validator

from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.domain.account import Role
from quitus_collector.domain.agent_version import is_version
from quitus_collector.domain.company import (
    Company,
    is_naf,
    is_siren,
    is_siret,
    is_vat_number,
    vat_number,
)
from quitus_collector.domain.filing import Policy
from quitus_collector.domain.notice import Topic
from quitus_collector.errors import UsageError

FILE = "collector.toml"
# Where systemd says that the credentials of a service are.
CREDENTIALS = "CREDENTIALS_DIRECTORY"
DEFAULT_HOME = Path("/var/lib/quitus-collector")

TEMPLATE = """\
# Settings of this collector. Lines that start with # show the default.

# language = "fr"                 # of tables and declarations: "fr" or "en"
# time_zone = "Europe/Paris"      # of the dates in declarations
# logs = "text"                   # or "json": one object a line
# database = "sqlite"             # or postgresql+psycopg://user@host/name, password in ~/.pgpass

[listen]
names = {names}   # host names and addresses that agents use; part of the certificate
# enrolment = "0.0.0.0:7443"      # where devices enrol
# inventory = "0.0.0.0:7444"      # where enrolled devices report
# health = ""                     # "127.0.0.1:7480": /livez, /readyz and /metrics, over plain HTTP

[certificates]                    # how long they are good for, in days
# device = 30                     # renewed by the agents at two thirds
# server = 90                     # renewed by the collector
# issuing = 365                   # renewed by the collector where it has the root's key
# reentry = 180                   # how long after its end a device's key may still renew it

[limits]                          # at the door; see docs/security.md
# message_mib = 16                # of a report, unpacked
# reports_per_hour = 60           # of one device
# enrolments_per_minute = 600     # from one address
# calls = 256                     # under way at once, on each port
# connections = 4096              # open at once, on each port, handshakes among them
# connection_s = 600              # how long one may last; calls under way are finished
# handshake_s = 10                # until a connection that does not get through is dropped
# message_s = 30                  # until a call whose message has not come is written down
# balancers = []                  # ["10.0.0.5"]: many devices come from there; limit them there

[agents]
# oldest = ""                     # "1.2.0": reports of older agents are refused

[company]                         # who declares
# name = "Ateliers Exemple"
# legal_form = "SAS"
# siren = ""                      # nine digits
# address = ""
# signatory = ""
# function = "DSI"
# place = ""
# siret = ""                      # of the seat: fourteen digits
# vat_number = ""                 # FR, two digits, SIREN
# naf = ""                        # "62.02A"
# capacity = ""                   # "representative", or "delegate": then a delegation is needed
# delegation = ""                 # what it is called: "DP-2026-03"
# delegation_from = ""            # "2026-01-01"
# delegation_until = ""
# delegation_scope = ""           # "déclarations de licences"

[console]                         # the web console: quitus-collector console
# listen = "127.0.0.1:7490"       # "0.0.0.0:7490" for other machines too; always HTTPS
# certificate = ""                # "console.pem": with its issuers; without, of the own authority
# key = ""                        # "console.key.pem": a file for this account alone
# calls_per_minute = 600          # of one token of the API
# proxies = []                    # ["10.0.0.5"]: whose X-Forwarded-For tells the client's address
# catalogue_key = ""              # "catalogue.pem": the public key of bundles that update the rules

# [console.oidc]                  # the company's own sign-in: OpenID Connect
# issuer = ""                     # "https://login.example/realms/company"
# client_id = "quitus"
# client_secret_file = ""         # "oidc.secret": a file with it alone, for this account alone
# address = ""                    # "https://licences.example:7490": of the console, for browsers
# scopes = "openid profile email"
# name_claim = "preferred_username"
# roles_claim = "groups"          # whose values the table below gives roles
# session_hours = 8               # until who signed in by it has to do so again
# authority = ""                  # "roots.pem": who vouches for the provider's certificate
# [console.oidc.roles]
# "quitus-administrators" = "administrator"   # or dsi, licence-manager, auditor, service-desk

# [console.mail]                  # one message a day of what is new; nothing when nothing is
# server = ""                     # "smtp.example"; always over TLS
# port = 587
# encryption = "starttls"         # or "tls": from the first byte, on port 465
# sender = ""                     # "quitus@company.example"
# recipients = []                 # ["dsi@company.example"]
# user = ""                       # where the server asks for one
# password_file = ""              # a file with the password alone, for this account alone
# authority = ""                  # "roots.pem": who vouches for the server's certificate
# hour = 7                        # of the company's day, from which on it is sent
# [[console.webhooks]]            # programs that are told; repeat for several
# name = "tickets"
# address = ""                    # "https://tickets.example/quitus"
# secret_file = ""                # a file with what messages are signed with (HMAC-SHA-256)
# topics = ["gap", "certificates", "submission"]   # also deadline, coverage, expiry
# authority = ""                  # "roots.pem": who vouches for the program's certificate

[approval]                        # what a declaration needs before it is sealed
# coverage_percent = 95           # of the known devices have to have reported lately
# approvers = 1                   # different people, by their accounts
# apart = true                    # who drafts approves nothing; false: one person may do both
# hours_after_reset = 24          # until an account approves that an administrator made able to

[backup]
# passphrase_file = ""            # seals the keys in backups, which are left out without it

[seal]                            # of the declaration; files are in this folder unless absolute
# certificate = ""                # "company.p12": the company's certificate and key (PKCS#12)
# passphrase_file = ""            # a file with its passphrase alone, for this account alone
# module = ""                     # or of a token: "/usr/lib/softhsm/libsofthsm2.so" (PKCS#11)
# token = ""                      # its label; needed where there are several
# label = ""                      # of the certificate and its key, which never leaves the token
# pin_file = ""                   # a file with its PIN alone, for this account alone
# timestamp_url = ""              # of an authority (RFC 3161); without it, nothing is sent
# trust = ""                      # "roots.pem": who vouches for certificate and authority
# long_term = false               # ask their revocation services, for proof in years (B-LT)

[directory]                       # expected devices from Active Directory: `expected fetch`
# url = ""                        # "ldaps://dc1.example.fr"; with ldap://, StartTLS: never in clear
# base = ""                       # where to look: "DC=example,DC=fr"
# account = ""                    # that may read: "quitus@example.fr"; without it, anonymously
# password_file = ""              # a file with its password alone, for this account alone
# authority = ""                  # "domain.pem": who vouches for it; without, whom the system has
# active_days = 90                # computers that logged on since; 0: all that are enabled
# filter = ""                     # in place of both: "(&(objectCategory=computer)(name=PC-*))"
# site = ""                       # the attribute that tells the site: "l"
# page = 500                      # computers an answer
# limit = 200000                  # computers at most
# timeout_s = 60                  # for all of it
# [directory.sites]               # of computers below a place in the directory
# "OU=Lyon,DC=example,DC=fr" = "Lyon"
# [directory.entities]            # their legal entities (SIREN)
# "OU=Filiale,DC=example,DC=fr" = "999000110"
"""


def _siren(text: str) -> str:
    digits = text.replace(" ", "")
    if digits and not is_siren(digits):
        raise ValueError(
            f"{text!r} is not a SIREN: nine digits with their check digit are expected"
        )
    return digits


def _siret(text: str) -> str:
    digits = text.replace(" ", "")
    if digits and not is_siret(digits):
        raise ValueError(
            f"{text!r} is not a SIRET: fourteen digits with their check digit are expected"
        )
    return digits


def _vat(text: str) -> str:
    written = text.replace(" ", "").upper()
    if written and not is_vat_number(written):
        siren = written[4:]
        hint = f": of this SIREN it is {vat_number(siren)}" if is_siren(siren) else ""
        raise ValueError(f"{text!r} is not a French VAT number{hint}")
    return written


def _naf(text: str) -> str:
    if text and not is_naf(text):
        raise ValueError(f"{text!r} is not an activity code like 62.02A")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else text
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day like 2026-12-31") from error


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return text


def _version(text: str) -> str:
    if text and not is_version(text):
        raise ValueError(f"{text!r} is not a version like 1.2.0")
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone like Europe/Paris") from error
    return name


def host_name(text: str) -> str:
    """A host name as certificates have it, accents encoded, or an address; raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*", name):
        raise ValueError(f"{text!r} is neither a host name nor an address")
    return name


def _parts(text: str, what: str) -> tuple[SplitResult, str, int | None]:
    """An address in its parts, its host as an address has it, and its port."""
    try:
        parts = urlsplit(text)
        host, port = host_name(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not {what}") from error
    return parts, f"[{host}]" if ":" in host else host, port


def _web_address(text: str) -> str:
    if not text:
        return text
    parts, host, port = _parts(text, "a web address")
    if parts.scheme not in ("http", "https") or parts.username or parts.fragment:
        raise ValueError(f"{text!r} is not an address that begins with http:// or https://")
    return parts._replace(netloc=f"{host}:{port}" if port else host).geturl()


def _directory_address(text: str) -> str:
    if not text:
        return text
    parts, host, port = _parts(text, "the address of a directory")
    if parts.scheme not in ("ldap", "ldaps") or parts.username or parts.path.strip("/"):
        raise ValueError(f"{text!r} is not an address like ldaps://dc1.example.fr")
    return f"{parts.scheme}://{host}:{port or (636 if parts.scheme == 'ldaps' else 389)}"


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is neither an address nor a network like 10.0.0.0/24"
        ) from error


HostName = Annotated[str, AfterValidator(host_name)]
Address = Annotated[str, AfterValidator(_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Listen(Model):
    """Where the collector answers, and under which names."""

    names: Annotated[list[HostName], Field(min_length=1)] = ["localhost"]
    enrolment: Address = "0.0.0.0:7443"
    inventory: Address = "0.0.0.0:7444"
    health: Address | Literal[""] = ""


class Certificates(Model):
    """How long certificates are good for, in days."""

    device: Annotated[int, Field(ge=1, le=3650)] = 30
    server: Annotated[int, Field(ge=1, le=3650)] = 90
    issuing: Annotated[int, Field(ge=2, le=7000)] = 365
    reentry: Annotated[int, Field(ge=0, le=3650)] = 180


class Limits(Model):
    """What the collector takes from outside, at most."""

    message_mib: Annotated[int, Field(ge=1, le=256)] = 16
    reports_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 60
    enrolments_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    calls: Annotated[int, Field(ge=1, le=10_000)] = 256
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    connection_s: Annotated[int, Field(ge=1, le=86_400)] = 600
    handshake_s: Annotated[int, Field(ge=1, le=300)] = 10
    message_s: Annotated[int, Field(ge=1, le=300)] = 30
    balancers: list[Annotated[str, AfterValidator(_network)]] = []


def _issuer(text: str) -> str:
    if urlsplit(text).scheme != "https" or "?" in text or "#" in text:
        raise ValueError(f"{text!r} is not an address that begins with https://")
    return text


def _secure(text: str) -> str:
    if urlsplit(text).scheme != "https" or not urlsplit(text).hostname or "#" in text:
        raise ValueError(f"{text!r} is not an address that begins with https://")
    return text


SecureAddress = Annotated[str, AfterValidator(_issuer)]


class OIDCTable(Model):
    """The company's own sign-in."""

    issuer: SecureAddress
    client_id: str = "quitus"
    client_secret_file: str
    address: SecureAddress
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    authority: str = ""
    roles: dict[str, Annotated[Role, Field(strict=False)]]


class MailTable(Model):
    """Who gets one message a day, and by which server."""

    server: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    encryption: Literal["starttls", "tls"] = "starttls"
    sender: Annotated[str, Field(min_length=3)]
    recipients: Annotated[list[str], Field(min_length=1, max_length=50)]
    user: str = ""
    password_file: str = ""
    authority: str = ""
    hour: Annotated[int, Field(ge=0, le=23)] = 7


class WebhookTable(Model):
    """A program that is told of what is new."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    address: Annotated[str, AfterValidator(_secure)]
    secret_file: Annotated[str, Field(min_length=1)]
    topics: list[Annotated[Topic, Field(strict=False)]] = [
        Topic.GAP,
        Topic.CERTIFICATES,
        Topic.SUBMISSION,
    ]
    authority: str = ""


class ConsoleTable(Model):
    """Where the web console answers, and what it shows that it is."""

    listen: Address = "127.0.0.1:7490"
    certificate: str = ""
    key: str = ""
    calls_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    catalogue_key: str = ""
    proxies: list[Annotated[str, AfterValidator(_network)]] = []
    oidc: OIDCTable | None = None
    mail: MailTable | None = None
    webhooks: list[WebhookTable] = []

    @model_validator(mode="after")
    def _whole(self) -> "ConsoleTable":
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key of the console go together")
        return self


class Agents(Model):
    """Which agents are heard."""

    oldest: Annotated[str, AfterValidator(_version)] = ""


class CompanyTable(Model):
    """Who declares."""

    name: str = ""
    legal_form: str = ""
    siren: Annotated[str, AfterValidator(_siren)] = ""
    address: str = ""
    signatory: str = ""
    function: str = ""
    place: str = ""
    siret: Annotated[str, AfterValidator(_siret)] = ""
    vat_number: Annotated[str, AfterValidator(_vat)] = ""
    naf: Annotated[str, AfterValidator(_naf)] = ""
    capacity: Literal["", "representative", "delegate"] = ""
    delegation: str = ""
    delegation_from: Annotated[str, AfterValidator(_day)] = ""
    delegation_until: Annotated[str, AfterValidator(_day)] = ""
    delegation_scope: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "CompanyTable":
        if said := Company(**self.model_dump()).contradiction():
            raise ValueError(f"company: {said}")
        return self


class SealTable(Model):
    """What the declaration is sealed with."""

    certificate: str = ""
    passphrase_file: str = ""
    module: str = ""
    token: str = ""
    label: str = ""
    pin_file: str = ""
    timestamp_url: WebAddress = ""
    trust: str = ""
    long_term: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "SealTable":
        if self.certificate and self.module:
            raise ValueError("certificate is of a file and module of a token: only one signs")
        if self.passphrase_file and not self.certificate:
            raise ValueError("certificate is missing, and nothing is sealed without it")
        if (self.token or self.label or self.pin_file) and not self.module:
            raise ValueError("module is missing: the library that the token's maker gives")
        if self.module and not (self.label and self.pin_file):
            raise ValueError("module needs label and pin_file")
        if self.timestamp_url and not (self.certificate or self.module):
            raise ValueError("certificate is missing, and nothing is sealed without it")
        if self.long_term and not (self.trust and self.timestamp_url):
            raise ValueError("long_term needs trust and timestamp_url")
        return self


class DirectoryTable(Model):
    """Where expected devices are read from; only what `expected fetch` does needs it."""

    url: Annotated[str, AfterValidator(_directory_address)] = ""
    base: str = ""
    account: str = ""
    password_file: str = ""
    authority: str = ""
    active_days: Annotated[int, Field(ge=0, le=3650)] = 90
    filter: str = ""
    site: Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$")] = ""
    page: Annotated[int, Field(ge=1, le=1000)] = 500
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = 200_000
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 60
    sites: dict[str, Annotated[str, Field(max_length=255)]] = {}
    entities: dict[str, Annotated[str, AfterValidator(_siren)]] = {}

    @model_validator(mode="after")
    def _whole(self) -> "DirectoryTable":
        if self.url and not self.base:
            raise ValueError("base is missing: where the directory's computers are")
        if bool(self.account) != bool(self.password_file):
            raise ValueError("account and password_file go together")
        return self


class ApprovalTable(Model):
    """What a declaration needs before it is sealed."""

    coverage_percent: Annotated[int, Field(ge=0, le=100)] = 95
    approvers: Annotated[int, Field(ge=1, le=5)] = 1
    apart: bool = True
    hours_after_reset: Annotated[int, Field(ge=0, le=720)] = 24


class BackupTable(Model):
    """What backups are sealed with."""

    passphrase_file: str = ""


class Settings(Model):
    """The file's shape."""

    language: Literal["fr", "en"] = "fr"
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/Paris"
    logs: Literal["text", "json"] = "text"
    database: str = "sqlite"
    listen: Listen = Listen()
    certificates: Certificates = Certificates()
    limits: Limits = Limits()
    agents: Agents = Agents()
    company: CompanyTable = CompanyTable()
    approval: ApprovalTable = ApprovalTable()
    backup: BackupTable = BackupTable()
    seal: SealTable = SealTable()
    console: ConsoleTable = ConsoleTable()
    directory: DirectoryTable = DirectoryTable()


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
