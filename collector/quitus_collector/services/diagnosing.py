"""What `doctor` makes of a collector: each check has a verdict, and says what to do.

The facts come from outside; what counts as good is decided here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from quitus_collector.domain.audit import Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.services.ports import AuditFilter, Messages, Store
from quitus_collector.services.recognition import recount
from quitus_collector.services.wording import N_

GIB = 1 << 30
# Below these a disk will be full soon, or is.
LITTLE_SPACE, NO_SPACE = 2 * GIB, GIB // 10
LITTLE_SHARE = 0.05
# Certificates are dated by the minute; a token or a receipt is not worth more care than that.
CLOCK_WARNING, CLOCK_FAILURE = timedelta(seconds=5), timedelta(minutes=1)
ROOT_WARNING = timedelta(days=365)
# How old the last backup may be; a night or two are missed by anybody.
BACKUP_AGE = timedelta(days=7)
# What an entry of the audit log says of a backup's keys.
KEYS_SEALED, KEYS_LEFT_OUT = "sealed", "left out"
# Readable or writable for others than the account.
OTHERS = 0o077


class Verdict(StrEnum):
    """How good it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


VERDICTS = {Verdict.OK: N_("ok"), Verdict.WARNING: N_("warning"), Verdict.FAILED: N_("FAILED")}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `name` for machines; `text` and `advice` are messages, filled in with `values`."""

    name: str
    verdict: Verdict
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""

    def told(self, messages: Messages) -> tuple[str, str]:
        """Text and advice in the reader's language; the advice is empty where there is none."""
        values = {
            name: messages.date(value) if isinstance(value, datetime) else value
            for name, value in self.values.items()
        }
        return (
            messages.text(self.text, **values),
            messages.text(self.advice, **values) if self.advice else "",
        )


def unreachable(database: str, reason: str) -> Check:
    """A database that does not answer, with the reason that it gives."""
    values = {"database": database, "reason": reason}
    return Check("database", Verdict.FAILED, N_("the database does not serve: {reason}"), values)


def schema(database: str, found: str | None, known: Sequence[str]) -> Check:
    """The schema's version; `known` are those of this program, the newest first."""
    values = {"database": database, "n": known.index(found) if found in known else 0}
    if found == known[0]:
        text = N_("the database {database} has the schema of this version")
        return Check("schema", Verdict.OK, text, values)
    if found in known:
        text, advice = N_("migrations are pending: {n}"), N_("run quitus-collector upgrade")
    elif found is None:
        text, advice = N_("the database is empty"), N_("run quitus-collector init, or restore")
    else:
        text = N_("the database was made by a newer version")
        advice = N_("install the newest version of quitus-collector")
    return Check("schema", Verdict.FAILED, text, values, advice)


def integrity(complaint: str) -> Check:
    """What the database says of itself; empty where it is whole."""
    if not complaint:
        return Check("integrity", Verdict.OK, N_("the database is whole"))
    text = N_("the database is damaged: {complaint}")
    values = {"complaint": complaint}
    return Check("integrity", Verdict.FAILED, text, values, N_("restore a backup"))


def counts(store: Store) -> Check:
    """Whether each device's count is that of its rows."""
    with store.reading() as work:
        rows = {device_id: len(numbers) for device_id, numbers in work.inventories.by_device()}
        devices = work.devices.list()
    wrong = [each.name for each in devices if each.installs != rows.get(each.id, 0)]
    if wrong:
        text = N_("{n} devices are counted wrong, {name} is one")
        values = {"n": len(wrong), "name": wrong[0]}
        advice = N_("restore a backup, and tell the makers of quitus")
        return Check("counts", Verdict.FAILED, text, values, advice)
    text = N_("the counts of {n} devices are those of their rows")
    return Check("counts", Verdict.OK, text, {"n": len(devices)})


def products(store: Store, catalogue: Catalogue) -> Check:
    """Whether the kept counts of products are those of a full recount."""
    with store.reading() as work:
        is_current = work.fleet.counted_by() == catalogue.digest
        if any(work.inventories.sets(pending=is_current)):
            text = N_("the fleet is still to be counted by the present catalogue")
            advice = N_("run quitus-collector position")
            return Check("products", Verdict.WARNING, text, advice=advice)
    wrong = recount(store, catalogue)
    if wrong:
        text = N_("{product} is kept on {kept} devices and found on {counted}, {n} are wrong")
        values = {**wrong[0]._asdict(), "n": len(wrong)}
        advice = N_("restore a backup, and tell the makers of quitus")
        return Check("products", Verdict.FAILED, text, values, advice)
    return Check("products", Verdict.OK, N_("the counts of products are those of a full recount"))


def audit(broken: int | None, entries: int) -> Check:
    """The chain of the audit log."""
    values = {"n": entries, "entry": broken}
    if broken is None:
        text = N_("the {n} entries of the audit log are as they were written")
        return Check("audit", Verdict.OK, text, values)
    text = N_("the audit log was changed at entry {entry}")
    advice = N_("find out who could write to the database")
    return Check("audit", Verdict.FAILED, text, values, advice)


def backup(store: Store, now: datetime) -> Check:
    """The last backup, by its entry in the audit log."""
    with store.reading() as work:
        made = work.audit.page(AuditFilter(Kind.BACKUP_MADE), before=None, limit=1)
    if not made:
        text, advice = N_("no backup was made yet"), N_("run quitus-collector backup, each night")
        return Check("backup", Verdict.WARNING, text, advice=advice)
    last = made[0].event
    values = {"day": last.at}
    if last.detail.get("keys") != KEYS_SEALED:
        text = N_("the backup of {day} leaves the keys out: alone, it brings no collector back")
        advice = N_("give it a passphrase: see passphrase_file in collector.toml, and the guide")
    elif now - last.at > BACKUP_AGE:
        text, advice = N_("the last backup is of {day}"), N_("see why none was made since")
    else:
        return Check("backup", Verdict.OK, N_("a backup of {day} has the keys, sealed"), values)
    return Check("backup", Verdict.WARNING, text, values, advice)


def programs(server: int, found: Mapping[str, int | None]) -> Check:
    """PostgreSQL's programs that backups need, by their major version; None where one is missing.

    `server` is that of the database's server: an older pg_dump refuses it.
    """
    values: dict[str, object] = {"server": server, "found": ", ".join(found)}
    missing = [name for name, version in found.items() if version is None]
    older = {name: version for name, version in found.items() if version and version < server}
    if missing:
        values["missing"] = ", ".join(missing)
        text = N_("not there, and backups need it: {missing}")
    elif older:
        name, version = next(iter(older.items()))
        values |= {"name": name, "version": version}
        text = N_("{name} is of PostgreSQL {version} and refuses the server, which is {server}")
    else:
        text = N_("{found} fit PostgreSQL {server}")
        return Check("programs", Verdict.OK, text, values)
    advice = N_("install PostgreSQL's client programs, {server} or newer: postgresql-client")
    return Check("programs", Verdict.WARNING, text, values, advice)


def certificate(
    name: str, ends_at: datetime, renews_at: datetime, now: datetime, advice: str
) -> Check:
    """A certificate that is to be renewed between two moments."""
    values = {"name": name, "day": ends_at}
    if now >= ends_at:
        text, verdict = N_("the certificate {name} ended on {day}"), Verdict.FAILED
    elif now >= renews_at:
        text, verdict = N_("the certificate {name} ends on {day}: it is due"), Verdict.WARNING
    else:
        return Check("certificate", Verdict.OK, N_("the certificate {name} ends on {day}"), values)
    return Check("certificate", verdict, text, values, advice)


def not_serving(address: str, reason: str) -> Check:
    """Nobody shows a certificate there; a collector may be stopped on purpose."""
    values = {"address": address, "reason": reason}
    text = N_("no collector answers on {address}: {reason}")
    return Check("serving", Verdict.WARNING, text, values, N_("start quitus-collector serve"))


def disk(folder: str, free: int, total: int) -> Check:
    """Free and total bytes of the disk below a folder."""
    values = {"folder": folder, "free": f"{free / GIB:.1f}", "share": round(100 * free / total)}
    text = N_("the disk of {folder} has {free} GiB left ({share} %)")
    if free < NO_SPACE:
        verdict = Verdict.FAILED
    elif free < LITTLE_SPACE or free < LITTLE_SHARE * total:
        verdict = Verdict.WARNING
    else:
        return Check("disk", Verdict.OK, text, values)
    return Check("disk", verdict, text, values, N_("free some space, or give it more"))


def clock(ours: datetime, theirs: datetime) -> Check:
    """This machine's clock beside the database server's."""
    apart = abs(ours - theirs)
    values = {"seconds": round(apart.total_seconds(), 1)}
    text = N_("the clock is {seconds} s apart from the database's")
    if apart < CLOCK_WARNING:
        return Check("clock", Verdict.OK, text, values)
    verdict = Verdict.WARNING if apart < CLOCK_FAILURE else Verdict.FAILED
    return Check("clock", verdict, text, values, N_("keep both machines' clocks by NTP"))


def permissions(modes: Mapping[str, int]) -> Check:
    """Modes of the files and folders that nobody but the account may read."""
    open_ = [name for name, mode in modes.items() if mode & OTHERS]
    if not open_:
        return Check("permissions", Verdict.OK, N_("keys are for this account alone"))
    values = {"files": ", ".join(open_)}
    text, advice = N_("others may read or write: {files}"), N_("chmod go-rwx {files}")
    return Check("permissions", Verdict.FAILED, text, values, advice)


def missing_keys(names: Iterable[str]) -> Check:
    """Key files that are not there."""
    values = {"files": ", ".join(names)}
    text, advice = N_("not there: {files}"), N_("put them back from where they are kept")
    return Check("keys", Verdict.FAILED, text, values, advice)
