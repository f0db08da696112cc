"""The facts of a collector that `doctor` judges: its database, files, disk, clock and listener."""

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cryptography.x509 import load_der_x509_certificate

from quitus_collector.adapters import backup
from quitus_collector.adapters.authority.x509 import Authority
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.config import Config
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.errors import CollectorError, StoreError
from quitus_collector.services import diagnosing
from quitus_collector.services.audit import verify
from quitus_collector.services.diagnosing import Check, Verdict
from quitus_collector.services.wording import N_

TIMEOUT_S = 5.0


def examine(
    config: Config, now: datetime, catalogue: Callable[[], Catalogue], named: backup.Named
) -> Iterator[Check]:
    """Every check in turn; what fails does not keep the next ones from being made.

    `named` are the files that the settings name.
    """
    yield from _database(SQLStore(config.database_url), now, catalogue)
    yield from _authority(config, now)
    yield _served(config.enrolment_address, now)
    disk = shutil.disk_usage(config.home)
    yield diagnosing.disk(str(config.home), disk.free, disk.total)
    keys = backup.key_files(config.home, named)
    held = [config.home, config.authority, *keys.values()]
    yield diagnosing.permissions({str(each): os.stat(each).st_mode for each in held})


def _database(
    store: SQLStore, now: datetime, catalogue: Callable[[], Catalogue]
) -> Iterator[Check]:
    try:
        schema = diagnosing.schema(store.name, store.revision(), store.revisions)
        yield schema
        yield diagnosing.integrity(store.complaint())
        if schema.verdict is Verdict.OK:
            yield diagnosing.counts(store)
            yield _products(store, catalogue)
            yield diagnosing.audit(*verify(store)[:2])
            yield diagnosing.backup(store, now)
        if server := store.server_version():
            yield diagnosing.programs(server, backup.programs())
        if theirs := store.now():
            yield diagnosing.clock(now, theirs)
    except StoreError as error:
        yield diagnosing.unreachable(store.name, str(error))
    finally:
        store.close()


def _products(store: SQLStore, catalogue: Callable[[], Catalogue]) -> Check:
    try:
        known = catalogue()
    except CollectorError as error:
        return Check("products", Verdict.FAILED, N_("{reason}"), {"reason": str(error)})
    return diagnosing.products(store, known)


def _authority(config: Config, now: datetime) -> Iterator[Check]:
    missing = backup.missing_keys(config.home)
    # A collector that has never served has not made its key of pseudonyms yet.
    if missing and missing != ["pseudonym.key"]:
        yield diagnosing.missing_keys(missing)
        return
    try:
        authority = Authority(config.authority)
    except CollectorError as error:
        yield Check("certificate", Verdict.FAILED, N_("{reason}"), {"reason": str(error)})
        return
    for name, root in authority.roots.items():
        ends = root.not_valid_after_utc
        advice = N_("run quitus-collector authority replace prepare")
        yield diagnosing.certificate(name, ends, ends - diagnosing.ROOT_WARNING, now, advice)
    yield diagnosing.certificate(
        "issuing",
        authority.issuing_ends_at,
        authority.issuing_renews_at,
        now,
        N_("run quitus-collector authority renew"),
    )


def _served(address: str, now: datetime) -> Check:
    """The certificate that devices are shown when they enrol."""
    host, _, port = address.rpartition(":")
    place = ("127.0.0.1" if host == "0.0.0.0" else host.strip("[]"), int(port))  # noqa: S104
    context = ssl.create_default_context()
    # It is looked at, not trusted: nothing is sent.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, TIMEOUT_S) as connection,
            context.wrap_socket(connection) as encrypted,
        ):
            shown = encrypted.getpeercert(binary_form=True)
    except OSError as error:
        return diagnosing.not_serving(address, error.strerror or str(error))
    ends = load_der_x509_certificate(shown or b"").not_valid_after_utc
    advice = N_("restart quitus-collector serve, and see its log")
    return diagnosing.certificate("server", ends, ends - timedelta(days=1), now, advice)
