"""A collector's folder: made, looked at, backed up and restored."""

import fcntl
import json
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority.folder import RootKey
from quitus_collector.adapters.files import write_together
from quitus_collector.adapters.secret_files import is_given
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.config import FILE, TEMPLATE, Config
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.errors import (
    CollectorError,
    StoreError,
    UsageError,
)
from quitus_collector.services.diagnosing import KEYS_LEFT_OUT, KEYS_SEALED, Check
from quitus_collector.settings_file import host_name
from quitus_collector.wiring import accounts
from quitus_collector.wiring.collector import Collector

if TYPE_CHECKING:
    from quitus_collector.adapters.backup import LeftOut, Named

log = logging.getLogger(__name__)
# Below the collector's folder: what pseudonyms of people are made with.
PSEUDONYMS = "pseudonym.key"


def doctor(collector: Collector) -> Iterator[Check]:
    """Looks at everything, one check after the other."""
    from quitus_collector.adapters import doctor

    collector.must_exist()
    config = collector.config
    now, named = collector.clock.now(), named_files(config)
    return doctor.examine(config, now, lambda: collector.catalogue, named)


def named_files(config: Config) -> "Named":
    """The files that the settings name: secrets, and what is none."""
    from quitus_collector.adapters.backup import Named

    console, seal, directory = config.console, config.seal, config.directory
    tables = [each for each in (console.oidc, console.mail, *console.webhooks) if each]
    secret: list[Path | str | None] = [console.key, seal.certificate, seal.passphrase_file]
    secret += [seal.token.pin_file] if seal.token else []
    secret += [console.oidc.client_secret_file] if console.oidc else []
    secret += [console.mail.password_file] if console.mail else []
    secret += [each.secret_file for each in console.webhooks]
    papers: list[Path | str | None] = [console.certificate, console.catalogue_key, seal.trust]
    papers += [each.authority for each in tables]
    if directory:
        secret.append(directory.password_file)
        papers.append(directory.authority)
    return Named(*(tuple(config.home / each for each in some if each) for some in (secret, papers)))


def backup(collector: Collector, file: Path, passphrase: bytes) -> "LeftOut":
    """Writes everything into one file while others serve; returns what it leaves out.

    That it was made is in the audit log, once it is whole.
    """
    from quitus_collector.adapters import backup

    about = {
        "made_at": collector.clock.now().isoformat(timespec="seconds"),
        "version": version("quitus"),
        "schema": collector.store.revision() or "",
    }
    config = collector.config
    left_out = backup.write(
        file, config.home, config.database_url, about, passphrase, named_files(config)
    )
    detail = {"keys": KEYS_LEFT_OUT if left_out.keys else KEYS_SEALED}
    try:
        with collector.store.writing() as work:
            now = collector.clock.now()
            work.audit.add(Event(now, Kind.BACKUP_MADE, collector.actor, file.name[:255], detail))
    except StoreError as error:
        # It is made all the same: of a database that takes nothing more it is wanted most.
        log.warning("the backup is not in the audit log", extra={"reason": str(error)})
    return left_out


def init(
    home: Path,
    names: list[str],
    load_config: Callable[[], Config],
    root_key: RootKey | None,
    *,
    administrator: bool = True,
) -> tuple[Config, str]:
    """Makes a collector in a folder: settings, keys, authority, database, administrator.

    Returns the first password of the console's administrator, empty where none is wanted, or the
    database has accounts already. Settings that are already there are kept; so is a root key that
    `root_key` names. Raises UsageError where a collector exists.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = home / FILE
        if not settings.exists():
            encoded = json.dumps([_host_name(name) for name in names])
            write_together([(settings, TEMPLATE.format(names=encoded).encode())])
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
        pseudonym_key(home)
        accounts.door(collector)
        with store.writing() as work:
            has_accounts = bool(work.accounts.list())
            work.audit.add(Event(now, Kind.AUTHORITY_MADE, collector.actor, "root"))
        password = accounts.add_first(collector) if administrator and not has_accounts else ""
    except OSError as error:
        raise CollectorError(f"{error.filename or home}: {error.strerror}") from error
    return config, password


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
    named = named_files(load_config())
    # Of what another account has, it is not known either that it is there.
    lost = [each for some in named for each in some if not os.path.exists(each)]
    return backup.missing_keys(home) + sorted({str(each) for each in lost if not is_given(each)})


def pseudonym_key(home: Path) -> bytes:
    """The company's key of pseudonyms, made once; without it they would mean nothing."""
    path = home / PSEUDONYMS
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise CollectorError(f"{path}: {error.strerror}") from error
    return path.read_bytes()


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


def _host_name(name: str) -> str:
    try:
        return host_name(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
