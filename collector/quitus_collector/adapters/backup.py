"""A collector in one file, and back: database, settings, roots, rules, papers; keys if sealed.

A ZIP with `manifest.json` (what it holds, each file's SHA-256). Keys are in it only as
`keys.sealed`: AES-256-GCM under a key that scrypt derives from a passphrase (RFC 7914).
"""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy import text as sql

from quitus_collector.adapters.secret_files import is_given
from quitus_collector.errors import CollectorError, UsageError

FORMAT = 1
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
MANIFEST, SEALED = "manifest.json", "keys.sealed"
DATABASES = {"sqlite": "quitus.db", "postgresql": "database.pgdump"}
# What of the collector's folder is in a backup as it is, and what only sealed.
OPEN = (
    "collector.toml",
    "agent-release.binpb",
    "authority/root*.pem",
    "catalogue/*.toml",
    "catalogue-update/*",
    "proofs/*",
    "scans/*",
    "letters/*.toml",
    "privacy/*.toml",
    "portals/*.toml",
)
KEYS = (
    "authority/issuing.pem",
    "authority/root*.key",
    "pseudonym.key",
    "console.key",
    "credentials/*",
)
# The authority comes last: without it there is no collector, and none can start half-restored.
PLACES = (
    "collector.toml",
    "agent-release.binpb",
    "catalogue",
    "catalogue-update",
    "proofs",
    "scans",
    "letters",
    "privacy",
    "portals",
    "credentials",
    "pseudonym.key",
    "console.key",
    "authority",
)
# Below the folder, and nothing that is hidden there.
_NAME = re.compile(r"[^/\\.][^/\\]*(?:/[^/\\.][^/\\]*)*")
_SALT, _NONCE, _SCRYPT_N = 16, 12, 1 << 17
_PIECE_BYTES = 1 << 20


class Named(NamedTuple):
    """Files that the settings name, wherever they lie: those to be sealed, and the others."""

    secrets: Sequence[Path] = ()
    papers: Sequence[Path] = ()


class LeftOut(NamedTuple):
    """What a backup leaves out: keys, for want of a passphrase, and files of other folders."""

    keys: Sequence[str]
    elsewhere: Sequence[str]


def write(
    file: Path,
    home: Path,
    database_url: str,
    about: Mapping[str, str],
    passphrase: bytes,
    named: Named,
) -> LeftOut:
    """Writes a backup while others serve; returns the names of what it leaves out.

    `about` is kept in the manifest. Without a passphrase no key and no secret is in it. Nothing is
    there until all of it is; raises UsageError where the file exists or its folder does not,
    CollectorError where something fails.
    """
    if file.exists():
        raise UsageError(f"{file}: exists already")
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent}: is not a folder")
    keys, papers = key_files(home, named), _below(home, named.papers)
    url = make_url(database_url)
    kind = url.get_backend_name()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as folder:
            database, packed = Path(folder) / DATABASES[kind], Path(folder) / "packed"
            _dump(url, database)
            files = {DATABASES[kind]: database, **papers, **_matching(home, OPEN)}
            files = {name: path for name, path in files.items() if name not in keys}
            with os.fdopen(os.open(packed, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600), "w+b") as to:
                with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
                    digests = {name: _add(archive, name, path) for name, path in files.items()}
                    if passphrase:
                        sealed = _sealed(keys, passphrase)
                        archive.writestr(SEALED, sealed)
                        digests[SEALED] = hashlib.sha256(sealed).hexdigest()
                    manifest = {"format": FORMAT, "database": kind, **about, "files": digests}
                    archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
                os.fsync(to.fileno())
            _name(packed, file)
    except OSError as error:
        raise CollectorError(f"{error.filename or file}: {error.strerror}") from error
    elsewhere = [each for each in (*named.secrets, *named.papers) if not _name_below(home, each)]
    return LeftOut([] if passphrase else sorted(keys), sorted({str(each) for each in elsewhere}))


def _name(made: Path, file: Path) -> None:
    """Gives its name to a file that is whole, where nothing has that name.

    A link cannot replace anything; disks without links, such as a USB stick's, have it looked at.
    """
    try:
        os.link(made, file)
    except OSError as error:
        if error.errno not in NO_LINKS or file.exists():
            raise
        made.rename(file)


class Backup:
    """A backup that was opened, whose every file is as it was written."""

    def __init__(self, file: Path, folder: Path, passphrase: Callable[[], bytes] | None) -> None:
        """Unpacks into an empty folder, keys too where there is a passphrase.

        Raises UsageError where it is no backup, damaged, or sealed with another passphrase.
        """
        self._folder = folder
        try:
            with zipfile.ZipFile(file) as archive:
                self.about: Mapping[str, Any] = json.loads(archive.read(MANIFEST))
                if self.about["format"] != FORMAT:
                    raise UsageError(f"{file}: was made by a newer version of quitus-collector")
                for name, digest in self.about["files"].items():
                    if not _NAME.fullmatch(name) or _extract(archive, name, folder) != digest:
                        raise UsageError(f"{file}: is damaged at {name}")
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from error
        except (zipfile.BadZipFile, zipfile.zlib.error, KeyError, ValueError, TypeError) as error:  # type: ignore[attr-defined]
            raise UsageError(f"{file}: is not a backup, or is damaged ({error})") from error
        self.database = folder / DATABASES[self.about["database"]]
        self.holds_keys = (folder / SEALED).exists()
        if self.holds_keys and passphrase:
            _unseal(file, folder, passphrase())
        (folder / SEALED).unlink(missing_ok=True)
        self._check_database(file)

    def _check_database(self, file: Path) -> None:
        """The digest says that it is what was written; this, that what was written is whole."""
        if self.about["database"] == "postgresql":
            _run(file, "pg_restore", "--list", str(self.database))
            return
        try:
            with closing(sqlite3.connect(self.database)) as connection:
                (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            said = str(error)
        if said != "ok":
            raise UsageError(f"{file}: its database is damaged: {said}")

    @contextmanager
    def placed(self, home: Path, aside: Path) -> Iterator[None]:
        """Puts its files in the folder, those that are there aside; all back if the block fails.

        The block restores the database. The authority is put in place when it has ended.
        """
        moved: list[tuple[Path, Path]] = []

        def move(source: Path, target: Path) -> None:
            if source.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.rename(source, target)
                moved.append((source, target))

        known = {*PLACES, self.database.name}
        others = sorted(each.name for each in self._folder.iterdir() if each.name not in known)
        places = (*others, *PLACES)
        try:
            for name in reversed(places):
                move(home / name, aside / name)
            for name in places[:-1]:
                move(self._folder / name, home / name)
            yield
            move(self._folder / PLACES[-1], home / PLACES[-1])
        except BaseException:
            for source, target in reversed(moved):
                os.rename(target, source)
            raise

    def restore_database(self, database_url: str, aside: Path, *, replace: bool) -> None:
        """Puts the database in its place, all of it or nothing; an SQLite file goes aside."""
        url = make_url(database_url)
        if url.get_backend_name() != self.about["database"]:
            raise UsageError(
                f"the backup holds a database of {self.about['database']}, "
                f"the settings name one of {url.get_backend_name()}"
            )
        if url.get_backend_name() == "postgresql":
            words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
            words += ["--clean", "--if-exists"] if replace else []
            with _in_whole_tables(url) if replace else nullcontext():
                _run(url, "pg_restore", *words, "--dbname", _uri(url), str(self.database))
            return
        place = Path(url.database or "")
        beside = place.with_name(f".{place.name}.restored")
        shutil.copyfile(self.database, beside)
        os.chmod(beside, 0o600)
        for name in (place.name, f"{place.name}-wal", f"{place.name}-shm"):
            if place.with_name(name).exists():
                aside.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(place.with_name(name), aside / name)
        os.replace(beside, place)


@contextmanager
def _in_whole_tables(url: URL) -> Iterator[None]:
    """Partitions stand alone meanwhile: pg_restore cannot drop the keys that they inherit.

    They are put back where it fails, and gone where it does not.
    """
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    query = sql(
        "SELECT inhparent::regclass::text, inhrelid::regclass::text, "
        "pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE relispartition AND relkind = 'r'"
    )
    references = sql(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = :part"
    )
    try:
        with engine.begin() as connection:
            partitions = [tuple(row) for row in connection.execute(query)]
            for table, part, _ in partitions:
                connection.execute(sql(f"ALTER TABLE {table} DETACH PARTITION {part}"))
                # Nor those that lead to other tables; who is attached has them again.
                for name in connection.execute(references, {"part": part}).scalars().all():
                    connection.execute(sql(f"ALTER TABLE {part} DROP CONSTRAINT {name}"))
        try:
            yield
        except BaseException:
            with engine.begin() as connection:
                for table, part, bounds in partitions:
                    connection.execute(sql(f"ALTER TABLE {table} ATTACH PARTITION {part} {bounds}"))
            raise
    finally:
        engine.dispose()


def key_files(home: Path, named: Named) -> dict[str, Path]:
    """The keys and secrets that lie in the folder, by their names below it."""
    return {**_matching(home, KEYS), **_below(home, named.secrets)}


def missing_keys(home: Path) -> list[str]:
    """Key files without which a collector does not serve."""
    needed = ("authority/issuing.pem", "pseudonym.key")
    return [name for name in needed if not (home / name).exists()]


def programs() -> dict[str, int | None]:
    """PostgreSQL's programs that are used here, by their major version; None for a missing one."""
    found: dict[str, int | None] = {}
    for name in ("pg_dump", "pg_restore"):
        try:
            said = subprocess.run(  # noqa: S603  # our own words
                (name, "--version"), check=False, capture_output=True, text=True
            )
        except OSError:
            found[name] = None
        else:
            version = re.search(r"\) (\d+)", said.stdout)
            found[name] = int(version[1]) if version else None
    return found


def _dump(url: URL, to: Path) -> None:
    if url.get_backend_name() == "postgresql":
        _run(url, "pg_dump", "--format=custom", "--file", str(to), "--dbname", _uri(url))
        return
    try:
        uri = f"file:{quote(url.database or '')}?mode=ro"
        with (
            closing(sqlite3.connect(uri, uri=True)) as source,
            closing(sqlite3.connect(to)) as copy,
        ):
            # In one step: a reader does not hold writers up, and sees one moment.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise CollectorError(f"the database {url.database} cannot be copied: {error}") from error
    if said != "ok":
        raise CollectorError(f"the database {url.database} is damaged: {said}")


def _uri(url: URL) -> str:
    """The database for PostgreSQL's own programs; its password goes another way."""
    return url.set(drivername="postgresql", password=None).render_as_string()


def _run(what: object, program: str, *words: str) -> None:
    """Runs one of PostgreSQL's programs; a password travels in the environment, never in words."""
    password = what.password if isinstance(what, URL) else None
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    try:
        subprocess.run(  # noqa: S603  # our own words
            (program, "--no-password", *words) if isinstance(what, URL) else (program, *words),
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
    except FileNotFoundError as error:
        raise UsageError(f"{program} is not here: install PostgreSQL's client programs") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise CollectorError(f"{program} failed: {said.removeprefix(f'{program}: ')}") from error


def _matching(home: Path, patterns: tuple[str, ...]) -> dict[str, Path]:
    """Files of the folder by their names below it."""
    found = (path for pattern in patterns for path in sorted(home.glob(pattern)))
    return {str(path.relative_to(home)): path for path in found if path.is_file()}


def _below(home: Path, files: Sequence[Path]) -> dict[str, Path]:
    """Those of the files that lie in the folder, by their names below it."""
    named = ((_name_below(home, each), each) for each in files)
    return {name: path for name, path in named if name and path.is_file()}


def _name_below(home: Path, file: Path) -> str:
    """What a file is called below the folder; empty where it lies elsewhere."""
    name = str(file.relative_to(home)) if file.is_relative_to(home) else ""
    return name if _NAME.fullmatch(name) and not is_given(file) else ""


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def _extract(archive: zipfile.ZipFile, name: str, folder: Path) -> str:
    digest, path = hashlib.sha256(), folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(name) as source, path.open("xb") as target:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _cipher(passphrase: bytes, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(passphrase))


def _sealed(keys: Mapping[str, Path], passphrase: bytes) -> bytes:
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    content = json.dumps({name: path.read_bytes().hex() for name, path in keys.items()}).encode()
    return salt + nonce + _cipher(passphrase, salt).encrypt(nonce, content, None)


def _unseal(file: Path, folder: Path, passphrase: bytes) -> None:
    content = (folder / SEALED).read_bytes()
    salt, nonce, rest = content[:_SALT], content[_SALT : _SALT + _NONCE], content[_SALT + _NONCE :]
    try:
        keys = json.loads(_cipher(passphrase, salt).decrypt(nonce, rest, None))
    except InvalidTag as error:
        raise UsageError(f"{file}: its keys are sealed with another passphrase") from error
    for name, key in keys.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
            to.write(bytes.fromhex(key))
