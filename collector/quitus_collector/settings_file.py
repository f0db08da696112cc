"""The tables of the settings' file, checked: each key with what it may hold."""

import ipaddress
import re
from datetime import date
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from quitus_collector.adapters.documents import Model
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
from quitus_collector.domain.notice import Topic


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
