"""Expected devices from Active Directory, by LDAP over TLS; ldap3 speaks the protocol.

Nothing is written there, and nothing of what is here is told: a search is all that is sent.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ldap3 import NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core import exceptions as ldap
from ldap3.core import results as codes
from ldap3.utils.dn import parse_dn

from quitus_collector.adapters.documents import read_text
from quitus_collector.adapters.secret_files import read_line
from quitus_collector.config import Directory
from quitus_collector.domain.expected import ExpectedDevice, short_name
from quitus_collector.errors import UsageError

# Computers that are enabled: 2 of userAccountControl is ACCOUNTDISABLE ([MS-ADTS] 2.2.16), the rule
# of that number is "has all these bits" (3.1.1.3.4.4). By category, since service accounts that
# the domain manages are of the class too.
ENABLED = "(objectCategory=computer)(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
# [MS-ADTS] 2.2.1.1: hundreds of nanoseconds since then, UTC. It is up to two weeks behind.
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
NAME, HOST, SYSTEM, LOGON = "name", "dNSHostName", "operatingSystem", "lastLogonTimestamp"
# A name in a directory: kinds and values, the innermost first.
DN = tuple[tuple[str, str], ...]
# The control of answers in pages (RFC 2696).
PAGED = "1.2.840.113556.1.4.319"
MAX_TEXT = 255
CONNECT_S = 10
# What Active Directory says beside "invalid credentials", by its own number.
ACCOUNTS = {
    "525": "there is no such account",
    "52e": "the password is not this account's",
    "530": "the account may not sign in at this time",
    "531": "the account may not sign in from this machine",
    "532": "the account's password is over",
    "533": "the account is disabled",
    "701": "the account is over",
    "773": "the account has to change its password first",
    "775": "the account is locked",
}
# What the library raises for answers that are none, as found by giving it such.
MALFORMED = (LookupError, ValueError, TypeError, AttributeError, RecursionError)
# Parts of every domain that hold no computers; it refers to them whatever is asked.
PARTITIONS = ("dc=domaindnszones,", "dc=forestdnszones,", "cn=configuration,")


@dataclass(frozen=True, slots=True)
class Found:
    """What a directory told: `elsewhere` are servers that it refers to for a part of it.

    `doubled` are names that several computers have, of which the last that logged on is taken.
    """

    devices: tuple[ExpectedDevice, ...]
    elsewhere: tuple[str, ...]
    doubled: tuple[str, ...]


class _Checked(Tls):  # type: ignore[misc]
    """TLS as Python itself checks it, names and all; ldap3's own check of names is older."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context, self._host = context, host
        # What was wrong, since ldap3 only passes on a text of it.
        self.failure: OSError | None = None

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket, server_hostname=self._host
            )
        except OSError as error:
            self.failure = error
            raise


def expected(settings: Directory, credentials: Path | None, now: datetime) -> Found:
    """All computers that the settings ask for; raises UsageError in one sentence.

    `credentials` is as in `secret_files`.
    """
    file = settings.password_file
    password = read_line(file, credentials) if file else ""
    ends_at = time.monotonic() + settings.timeout_s
    entries: list[Mapping[str, Any]] = []
    elsewhere: set[str] = set()
    with _told(settings), _connected(settings, password) as connection:
        for each in _pages(connection, settings, _filter(settings, now), ends_at):
            if each["type"] == "searchResRef":
                elsewhere.update(
                    _plain(uri.partition("?")[0]) for uri in each["uri"] if _holds_computers(uri)
                )
                continue
            entries.append(each)
            if len(entries) > settings.limit:
                raise UsageError(
                    "{url}: there are more than {limit} computers: narrow base or filter, or raise "
                    "directory.limit",
                    url=settings.url,
                    limit=settings.limit,
                )
        if not entries:
            raise UsageError(
                "{url}: no computer below {base} is as asked for",
                url=settings.url,
                base=settings.base,
            )
        return _found(entries, tuple(sorted(elsewhere)), settings)


def _filter(settings: Directory, now: datetime) -> str:
    if settings.filter or not settings.active_days:
        return settings.filter or f"(&{ENABLED})"
    since = now - timedelta(days=settings.active_days)
    return f"(&{ENABLED}({LOGON}>={(since - EPOCH) // timedelta(microseconds=1) * 10}))"


@contextmanager
def _told(settings: Directory) -> Iterator[None]:
    """What the library raises, as one sentence that names the directory."""
    try:
        yield
    except ldap.LDAPInvalidFilterError as error:
        raise UsageError(
            "directory.filter: {filter!r} is not an LDAP filter", filter=settings.filter
        ) from error
    except ldap.LDAPInvalidDnError as error:
        raise UsageError(
            "directory: {error} is not a name in a directory (DN)", error=error
        ) from error
    except (ldap.LDAPExceptionError, OSError) as error:
        raise UsageError(
            "{url}: gave no answer: {plain}", url=settings.url, plain=_plain(str(error))
        ) from error
    except MALFORMED as error:
        raise UsageError("{url}: its answer cannot be understood", url=settings.url) from error


@contextmanager
def _connected(settings: Directory, password: str) -> Iterator[Connection]:
    """Signed in over TLS; whatever is under way when the time is over is cut."""
    parts = urlsplit(settings.url)
    host, is_tls = parts.hostname or "", parts.scheme == "ldaps"
    tls = _Checked(_context(settings), host)
    where = {"use_ssl": is_tls, "tls": tls, "get_info": NONE, "connect_timeout": CONNECT_S}
    connection = Connection(
        Server(host, parts.port, **where),
        user=settings.account or None,
        password=password or None,
        authentication=SIMPLE if settings.account else None,
        auto_referrals=False,
        check_names=False,
        read_only=True,
        receive_timeout=settings.timeout_s,
    )
    cut = threading.Timer(settings.timeout_s, _cut, (connection,))
    cut.daemon = True
    _try(host, parts.port or 0, settings)
    cut.start()
    try:
        _open(connection, tls, settings)
        if not connection.bind(read_server_info=False):
            raise UsageError(
                "{url}: {refusal}",
                url=settings.url,
                refusal=refusal(connection.result, settings.account),
            )
        yield connection
    finally:
        cut.cancel()
        if connection.socket is not None:
            connection.strategy.close()


def _try(host: str, port: int, settings: Directory) -> None:
    """Raises UsageError where nobody listens: ldap3 leaves open what it could not connect."""
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        raise UsageError(
            "{url}: cannot be reached: {strerror}",
            url=settings.url,
            strerror=error.strerror or error,
        ) from error


def _open(connection: Connection, tls: _Checked, settings: Directory) -> None:
    """From here on everything is under TLS; raises UsageError where it cannot be."""
    try:
        connection.open(read_server_info=False)
        if not connection.server.ssl:
            connection.start_tls(read_server_info=False)
    except ldap.LDAPExceptionError as error:
        if isinstance(tls.failure, ssl.SSLCertVerificationError):
            raise UsageError(
                "{url}: its certificate is not accepted: {why}; directory.authority names who "
                "vouches for it",
                url=settings.url,
                why=tls.failure.verify_message.rstrip("."),
            ) from error
        if isinstance(error, ldap.LDAPStartTLSError) and tls.failure is None:
            raise UsageError(
                "{url}: offers no StartTLS, and nothing is asked in clear: try ldaps://",
                url=settings.url,
            ) from error
        said = _plain(str(tls.failure or error))
        raise UsageError("{url}: gave no answer: {said}", url=settings.url, said=said) from error
    if not isinstance(connection.socket, ssl.SSLSocket):
        raise UsageError("{url}: is not under TLS, and nothing is asked in clear", url=settings.url)


def _cut(connection: Connection) -> None:
    """Ends what waits for the directory; TLS of Python's must not be touched from elsewhere."""
    with suppress(OSError):
        if connection.socket is not None:
            socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)


def _context(settings: Directory) -> ssl.SSLContext:
    if settings.authority is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=read_text(settings.authority))
    except ssl.SSLError as error:
        raise UsageError(
            "{authority}: holds no certificates (PEM)", authority=settings.authority
        ) from error


def _pages(
    connection: Connection, settings: Directory, wanted: str, ends_at: float
) -> Iterator[Mapping[str, Any]]:
    cookie: bytes | None = None
    attributes = list(filter(None, (NAME, HOST, SYSTEM, LOGON, settings.site)))
    while True:
        connection.search(
            settings.base,
            wanted,
            SUBTREE,
            attributes=attributes,
            paged_size=settings.page,
            paged_criticality=True,
            paged_cookie=cookie,
            time_limit=settings.timeout_s,
        )
        result = connection.result
        if result["result"] or time.monotonic() > ends_at:
            raise UsageError("{url}: {result}", url=settings.url, result=_failure(result, settings))
        yield from connection.response
        cookie = (
            result["controls"][PAGED]["value"]["cookie"] if PAGED in result["controls"] else None
        )
        if not cookie:
            return


def refusal(result: Mapping[str, Any], account: str) -> str:
    """Why the account was not let in, by the answer to its bind."""
    if result["result"] == codes.RESULT_INVALID_CREDENTIALS:
        number = re.search(r"\bdata ([0-9a-f]+)", result["message"])
        known = ACCOUNTS.get(number[1]) if number else None
        return f"{account} is refused: {known or 'its name or its password is wrong'}"
    return f"{account or 'nobody'} may not sign in: {_said(result)}"


def _failure(result: Mapping[str, Any], settings: Directory) -> str:
    """Why a search has no answer, or only part of one, of which nothing is taken."""
    match result["result"]:
        case codes.RESULT_NO_SUCH_OBJECT:
            return f"there is no {settings.base}, where directory.base looks"
        case codes.RESULT_INVALID_DN_SYNTAX:
            return f"directory.base: {settings.base!r} is not a name in a directory (DN)"
        case codes.RESULT_REFERRAL:
            others = ", ".join(result["referrals"] or ())
            return f"{settings.base} is elsewhere: {others}; name that server, it is not asked"
        case codes.RESULT_SIZE_LIMIT_EXCEEDED | codes.RESULT_ADMIN_LIMIT_EXCEEDED:
            return (
                f"gives {settings.account or 'nobody'} only part of its computers (size limit): "
                "nothing is taken; narrow base or filter, or have the limit raised"
            )
        case codes.RESULT_SUCCESS | codes.RESULT_TIME_LIMIT_EXCEEDED:
            return f"was not done in {settings.timeout_s} s (directory.timeout_s)"
        case codes.RESULT_UNAVAILABLE_CRITICAL_EXTENSION:
            return "does not give its answers in pages, as Active Directory does"
        case codes.RESULT_INSUFFICIENT_ACCESS_RIGHTS | codes.RESULT_OPERATIONS_ERROR:
            return f"{settings.account or 'nobody'} may not read {settings.base}: {_said(result)}"
    return f"the search failed: {_said(result)}"


def _said(result: Mapping[str, Any]) -> str:
    return _plain(" ".join(filter(None, (result["description"], result["message"]))))


def _plain(text: str) -> str:
    """One line of what a server said, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)[:300].strip()


def _holds_computers(uri: str) -> bool:
    name = unquote(urlsplit(uri).path).lstrip("/").lower()
    return not name.startswith(PARTITIONS)


def _found(
    entries: Sequence[Mapping[str, Any]], elsewhere: tuple[str, ...], settings: Directory
) -> Found:
    sites, entities = _below(settings.sites), _below(settings.entities)
    last: dict[str, tuple[int, ExpectedDevice]] = {}
    doubled: set[str] = set()
    for each in entries:
        told = {name.lower(): values for name, values in each["raw_attributes"].items()}
        path = _path(each["dn"])
        name = _first(told, HOST) or _first(told, NAME) or (path[0][1] if path else "")
        if not short_name(name):
            continue
        device = ExpectedDevice(
            name[:MAX_TEXT],
            (_first(told, settings.site) or _above(path, sites))[:MAX_TEXT],
            _first(told, SYSTEM)[:MAX_TEXT],
            _above(path, entities),
        )
        logon = _first(told, LOGON)
        at = int(logon) if logon.isdecimal() else 0
        if short_name(name) in last:
            doubled.add(short_name(name))
        if at >= last.get(short_name(name), (0, device))[0]:
            last[short_name(name)] = at, device
    devices = tuple(last[key][1] for key in sorted(last))
    return Found(devices, elsewhere, tuple(sorted(doubled)))


def _path(name: str) -> DN:
    """The parts of a DN, the innermost first, as they are compared."""
    return tuple((kind.strip().lower(), value.strip()) for kind, value, _ in parse_dn(name))


def _below(names: Mapping[str, str]) -> dict[DN, str]:
    return {_folded(_path(name)): value for name, value in names.items()}


def _folded(path: DN) -> DN:
    return tuple((kind, value.casefold()) for kind, value in path)


def _above(path: DN, values: Mapping[DN, str]) -> str:
    """The value of the nearest that lies above; empty where none does."""
    folded = _folded(path)
    for start in range(len(folded)):
        if folded[start:] in values:
            return values[folded[start:]]
    return ""


def _first(told: Mapping[str, Sequence[bytes]], name: str) -> str:
    values = told.get(name.lower()) or (b"",)
    return _plain(values[0].decode(errors="replace"))
