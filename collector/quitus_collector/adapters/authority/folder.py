"""The authority's folder: made, renewed, its root replaced; followed while serving."""

import fcntl
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quitus_collector.adapters.authority.x509 import (
    ISSUING_FILE,
    ROOT_VALIDITY,
    Authority,
    ServerCertificate,
    Validity,
    authority_certificate,
    authority_name,
    issuing_pem,
    key_pem,
    root_files,
)
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services.ports import Clock

log = logging.getLogger(__name__)
FIRST_ROOT = "root"
# How often the files are looked at while serving.
LOOK_EVERY_S = 1.0


def _no_passphrase() -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class RootKey:
    """Where a root's key is kept, and how its passphrase is asked for; empty means unencrypted."""

    file: Path
    passphrase: Callable[[], bytes] = _no_passphrase

    def read(self) -> ec.EllipticCurvePrivateKey:
        """Raises UsageError where it cannot be read with this passphrase."""
        try:
            text = self.file.read_bytes()
            password = self.passphrase() if b"ENCRYPTED" in text else b""
            key = serialization.load_pem_private_key(text, password or None)
        except OSError as error:
            raise UsageError(f"the root's key {self.file}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"the root's key {self.file} is damaged, or the passphrase is not its own"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise UsageError(f"the root's key {self.file} is not an elliptic-curve key")
        return key

    def read_or_make(self) -> ec.EllipticCurvePrivateKey:
        """The key in the file, which is made where there is none."""
        if self.file.exists():
            return self.read()
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            _write_new(self.file, key_pem(key, self.passphrase()), 0o600)
        except OSError as error:
            raise UsageError(f"the root's key {self.file}: {error.strerror}") from error
        return key


def create(
    folder: Path,
    organisation: str,
    now: datetime,
    *,
    root_key: RootKey | None = None,
    validity: Validity = Validity(),  # noqa: B008
) -> None:
    """Makes root and issuing authority in a new folder, all of it or nothing.

    Without `root_key` the root's key stays in the folder. Raises UsageError if the folder exists.
    """
    if folder.exists():
        raise UsageError(f"{folder} already holds an authority")
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        key = (root_key or RootKey(beside / f"{FIRST_ROOT}.key")).read_or_make()
        root = _new_root(beside / f"{FIRST_ROOT}.pem", f"{organisation} Quitus root", key, now)
        name = authority_name(f"{organisation} Quitus issuing".strip())
        issuing = issuing_pem(root, key, name, now, validity.issuing)
        _write_new(beside / ISSUING_FILE, issuing, 0o600)
        os.rename(beside, folder)
    except (OSError, UsageError):
        shutil.rmtree(beside, ignore_errors=True)
        raise


def renew(
    folder: Path, now: datetime, *, root_key: RootKey | None = None, validity: Validity
) -> Authority:
    """Makes a new issuing authority under the active root; what the old one issued stays good.

    Raises UsageError where the key is not the active root's.
    """
    with _locked(folder):
        return _issue_under(folder, Authority(folder).active, now, root_key, validity)


def prepare(folder: Path, now: datetime, *, root_key: RootKey | None = None) -> Path:
    """Makes the next root, which devices trust from then on; returns its file.

    Raises UsageError where one is prepared already.
    """
    with _locked(folder):
        if waiting := prepared(folder):
            raise UsageError(f"{waiting} is prepared already: activate it")
        number = _number(root_files(folder)[-1]) + 1
        file = folder / f"{FIRST_ROOT}-{number}.pem"
        active = Authority(folder)
        name = _common_name(active.roots[active.active]).rpartition(" root")[0]
        key = (root_key or RootKey(file.with_suffix(".key"))).read_or_make()
        _new_root(file, f"{name} root {number}", key, now)
    return file


def activate(
    folder: Path, now: datetime, *, root_key: RootKey | None = None, validity: Validity
) -> Authority:
    """Puts the prepared root in charge; the one before stays trusted until it is retired.

    Join tokens that name the former root are void. Raises UsageError if none is prepared.
    """
    with _locked(folder):
        waiting = prepared(folder)
        if waiting is None:
            raise UsageError(f"no root is prepared in {folder}")
        return _issue_under(folder, waiting.stem, now, root_key, validity)


def retire(folder: Path) -> Sequence[str]:
    """Takes former roots out of trust, with their keys; returns their names."""
    with _locked(folder):
        active = Authority(folder).active
        former = [each for each in root_files(folder) if _number(each) < _number_of(active)]
        for file in former:
            file.unlink()
            file.with_suffix(".key").unlink(missing_ok=True)
    return [file.stem for file in former]


def prepared(folder: Path) -> Path | None:
    """The root that waits to be put in charge."""
    newest = root_files(folder)[-1]
    return newest if _number(newest) > _number_of(Authority(folder).active) else None


def holds_root_key(folder: Path, active: str) -> bool:
    """Whether the folder has the active root's key, readable without a passphrase."""
    try:
        return b"ENCRYPTED" not in (folder / f"{active}.key").read_bytes()
    except OSError:
        return False


class LiveAuthority:
    """The authority as its files say now, and this process's own certificate under it."""

    def __init__(
        self, folder: Path, names: Sequence[str], clock: Clock, validity: Validity
    ) -> None:
        """Raises CollectorError where the folder is of no use."""
        self._folder = folder
        self._names = names
        self._clock = clock
        self._validity = validity
        self._lock = threading.Lock()
        self._looked_at = time.monotonic()
        self._stamp = self._look()
        self._authority = Authority(folder, validity)
        self._server = self._authority.issue_server(names, clock.now())

    def current(self) -> Authority:
        """Read again where a file has changed since."""
        return self._up_to_date()[0]

    def server(self) -> ServerCertificate:
        """What the listeners show now; a new one when it nears its end or the authority changed."""
        return self._up_to_date()[1]

    def keep_up(self) -> bool:
        """Renews the issuing authority where it is time and the root's key is here."""
        now, authority = self._clock.now(), self.current()
        if now < authority.issuing_renews_at or not holds_root_key(self._folder, authority.active):
            return False
        with _locked(self._folder):
            # Another process may have done it meanwhile.
            if now < Authority(self._folder).issuing_renews_at:
                return False
            _issue_under(self._folder, authority.active, now, None, self._validity)
        return True

    def _up_to_date(self) -> tuple[Authority, ServerCertificate]:
        with self._lock:
            now, stamp = self._clock.now(), self._stamp
            if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                self._looked_at, stamp = time.monotonic(), self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_again(now)
            elif now >= self._server.renews_at:
                self._server = self._authority.issue_server(self._names, now)
            return self._authority, self._server

    def _read_again(self, now: datetime) -> None:
        """Takes up what the files say; what cannot be used is told, and nobody is kept waiting."""
        try:
            authority = Authority(self._folder, self._validity)
        except CollectorError as error:
            log.error("the authority's last state is kept", extra={"reason": str(error)})
            return
        self._authority, self._server = authority, authority.issue_server(self._names, now)

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        """What tells changed files from the ones that were read."""
        try:
            files = [each for each in os.scandir(self._folder) if each.name.endswith(".pem")]
            return tuple(sorted((f.name, f.stat().st_mtime_ns, f.stat().st_ino) for f in files))
        except OSError:
            return ()


def _issue_under(
    folder: Path, root_name: str, now: datetime, root_key: RootKey | None, validity: Validity
) -> Authority:
    """Replaces the issuing authority in one step; the caller holds the folder's lock."""
    authority = Authority(folder)
    root = authority.roots[root_name]
    where = root_key or RootKey(folder / f"{root_name}.key")
    key = where.read()
    if key.public_key() != root.public_key():
        raise UsageError(f"{where.file} is not the key of {folder / root_name}.pem")
    name = authority_name(_common_name(root).replace(" root", " issuing"))
    pem = issuing_pem(root, key, name, now, validity.issuing)
    try:
        beside = folder / f".{ISSUING_FILE}"
        beside.unlink(missing_ok=True)
        _write_new(beside, pem, 0o600)
        os.replace(beside, folder / ISSUING_FILE)
    except OSError as error:
        raise CollectorError(f"{error.filename}: {error.strerror}") from error
    return Authority(folder, validity)


def _new_root(
    file: Path, name: str, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    subject = authority_name(name.strip())
    ends = now + ROOT_VALIDITY
    root = authority_certificate(subject, subject, key, key, now, ends, path_length=1)
    beside = file.with_name(f".{file.name}")
    beside.unlink(missing_ok=True)
    _write_new(beside, root.public_bytes(serialization.Encoding.PEM), 0o644)
    os.replace(beside, file)
    return root


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _number(file: Path) -> int:
    return _number_of(file.stem)


def _number_of(name: str) -> int:
    return int(name.rpartition("-")[2]) if "-" in name else 1


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One change of the folder at a time, over all processes of this machine."""
    try:
        descriptor = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise CollectorError(f"{error.filename}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
