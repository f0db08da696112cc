"""A collector is lost with its machine; what is left is one file and a passphrase."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from quitus_agent.wiring import read_token
from quitus_collector.adapters.sql.store import SQLStore
from tests.bench.loading import load
from tests.fleet.simulator import Days, Device, enrolled, workstations
from tests.programs import CollectorFolder
from tests.waiting import until


class Outcome(NamedTuple):
    """What came out, and how many seconds each step took."""

    collector: CollectorFolder
    devices: Sequence[Device]
    refusals: Sequence[str]
    acknowledged: int
    bytes: int
    backup_s: float
    restore_s: float
    ready_s: float
    heard_s: float


def drill(place: Path, live: int, loaded: int = 0) -> Outcome:
    """Loses a collector of `live` devices that report and `loaded` that are only in its database.

    It comes back in another folder, as on another machine, under the same name and ports.
    """
    before, after = CollectorFolder(place / "lost"), CollectorFolder(place / "other" / "collector")
    (place / "other").mkdir()
    file, phrase = place / "backup.zip", place / "passphrase"
    phrase.touch(0o600)
    phrase.write_text("correct horse\n")
    sealed = ("--passphrase-file", str(phrase))
    before.ok("init")
    before.set("reports_per_hour", "100_000")
    if loaded:
        load(SQLStore(f"sqlite:///{before.home / 'quitus.db'}"), loaded)
    token = read_token(before.token_file("--uses", str(live)))
    with before.serving() as (enrolment, inventory):
        devices = enrolled(workstations(live), "localhost", enrolment, token)
        with Days(devices) as days:
            assert until(lambda: days.acknowledged >= 2 * live)
            began = time.monotonic()
            before.ok("backup", str(file), *sealed)
            backup_s = time.monotonic() - began
    shutil.rmtree(before.home)

    began = time.monotonic()
    after.ok("restore", str(file), *sealed)
    restored = time.monotonic()
    with after.serving_on(enrolment, inventory):
        ready = time.monotonic()
        with Days(devices) as days:
            assert until(lambda: days.acknowledged >= live or bool(days.refusals))
            heard = time.monotonic()
    return Outcome(
        after,
        devices,
        days.refusals,
        days.acknowledged,
        file.stat().st_size,
        backup_s,
        restored - began,
        ready - restored,
        heard - ready,
    )
