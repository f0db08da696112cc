"""A database of any number of made-up devices in minutes, past the door.

Each device has the rows of one of the sample fleet's workstations (tests/fleet), with their suites
and updates, and rows of a long tail, 200 in all: hidden parts, and one in four a name that no rule
knows. Rows are written as the store writes them; recognition is left to the collector's own code.
"""

import hashlib
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from quitus.v1 import inventory_pb2
from quitus_agent import statement, wire
from quitus_agent.spool import Accepted
from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.inventories import software_row
from quitus_collector.adapters.sql.packed import pack_days, pack_numbers
from quitus_collector.adapters.sql.statements import insert_rows
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.install import DeviceFacts, Install, Inventory
from quitus_collector.entrypoints.grpc import translate
from tests.fleet import sample

ROWS = 200
IMAGES = 3_000
TAIL = 30_000
CHUNK = 10_000
ENTITIES = tuple(f"99900{number:04}" for number in range(12))
LOADED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
SOURCES = [{"name": name, "status": "read", "reason": ""} for name in sample.SOURCES]


class Image(NamedTuple):
    """What a workstation was installed from."""

    facts: DeviceFacts
    records: tuple[int, ...]


def load(store: SQLStore, devices: int, seed: int = 1) -> int:
    """Fills an empty database; returns how many distinct software records there are."""
    draw = random.Random(seed)
    with store._writer.begin() as connection:
        images, records = _images(connection)
        _insert(connection, tables.outcomes, id=1, digest=b"1", sources=SOURCES)
        tail = list(range(records + 1, records + TAIL + 1))
        # The first of the tail are on a good part of the fleet, the last ones on a device or two.
        weights = list(accumulate(1 / (rank + 20) for rank in range(TAIL)))
        for start in range(0, devices, CHUNK):
            numbers = range(start + 1, min(start + CHUNK, devices) + 1)
            _write(connection, [_device(draw, n, images, tail, weights) for n in numbers])
        if connection.dialect.name == "postgresql":
            for table in ("device", "software", "software_set", "outcomes"):
                key = "number" if table == "device" else "id"
                connection.execute(
                    text(f"SELECT setval('{table}_{key}_seq', (SELECT max({key}) FROM {table}))")
                )
    return records + TAIL


def inventory(device: sample.SampleDevice) -> Inventory:
    """A sample workstation as the collector sees it."""
    said = statement.make(device.facts, device.inventory, LOADED_AT, device.user)
    request = wire.report_request(said, Accepted())
    arrived = inventory_pb2.ReportRequest.FromString(request.SerializeToString())
    content = translate.report(arrived).content
    assert isinstance(content, Inventory)
    return content


def _images(connection: Connection) -> tuple[list[Image], int]:
    known: dict[bytes, int] = {}
    software: list[Install] = []
    images = []
    for device in sample.fleet(IMAGES):
        found = inventory(device)
        numbers = []
        for install in found.installs:
            record = install.record()
            if record not in known:
                known[record] = len(known) + 1
                software.append(install)
            numbers.append(known[record])
        images.append(Image(found.facts, tuple(numbers)))
    tail = [
        Install(
            f"Outil métier {rank % (TAIL // 3)}",
            f"{rank // (TAIL // 3) + 1}.{rank % 7}",
            f"Éditeur {rank % 997}",
            "x64",
            "windows-uninstall",
            # Three in four are parts that their own installers hide.
            hidden=rank % 4 > 0,
        )
        for rank in range(TAIL)
    ]
    rows = [
        (number, *software_row(each)) for number, each in enumerate([*software, *tail], start=1)
    ]
    insert_rows(connection, tables.software, tables.software.columns.keys(), rows)
    return images, len(software)


def _device(
    draw: random.Random,
    number: int,
    images: Sequence[Image],
    tail: Sequence[int],
    weights: Sequence[float],
) -> dict[str, Any]:
    image = draw.choice(images)
    records = set(image.records)
    while len(records) < ROWS:
        records.add(tail[bisect(weights, draw.random() * weights[-1])])
    numbers = sorted(records)
    packed = pack_numbers(numbers)
    imaged = date(2023, 1, 1) + timedelta(draw.randrange(900))
    days = [imaged + timedelta(draw.randrange(600) if draw.random() < 0.3 else 0) for _ in numbers]
    facts = image.facts
    told = {
        "hostname": f"PC-{number:07}",
        "system": facts.system,
        "system_version": facts.system_version,
        "architecture": facts.architecture,
        "processors": facts.processors,
        "cores": facts.cores,
        "memory_bytes": facts.memory_bytes,
        "kind": facts.kind.value,
        "smbios_uuid": f"{draw.getrandbits(128):032x}",
        "serial": f"S{draw.getrandbits(40):010X}",
        "machine_id": f"{draw.getrandbits(128):032x}",
        "primary_user": f"{draw.getrandbits(128):032x}",
        "portable": draw.random() < 0.4,
    }
    return {
        "number": number,
        "id": f"{draw.getrandbits(128):032x}"[:36],
        "facts": told,
        "entity": draw.choice(ENTITIES),
        "set": packed,
        "days": pack_days([each.isoformat() for each in days]),
        "key": f"{draw.getrandbits(256):064x}",
        "digest": hashlib.sha256(packed).hexdigest(),
        "receipt": f"{draw.getrandbits(128):032x}",
    }


def _write(connection: Connection, devices: Sequence[dict[str, Any]]) -> None:
    at = LOADED_AT
    columns = ("number", "id", "hostname", "public_key_sha256", "token_id", "entity")
    columns += ("enrolled_at", "certificate_expires_at", "last_report_at", "facts", "outcomes")
    columns += ("installs", "digest", "receipt", "shown", "smbios_uuid", "serial", "machine_id")
    rows = [
        (
            *(each["number"], each["id"], told["hostname"], each["key"], "t-1", each["entity"]),
            *(at, at, at, told, 1, ROWS, each["digest"], each["receipt"]),
            *(each["receipt"], told["smbios_uuid"], told["serial"], told["machine_id"]),
        )
        for each in devices
        for told in [each["facts"]]
    ]
    insert_rows(connection, tables.device, columns, rows)
    numbers = [each["number"] for each in devices]
    sets = [(each["number"], hashlib.sha256(each["set"]).digest(), each["set"]) for each in devices]
    insert_rows(connection, tables.software_set, ("id", "digest", "records"), sets)
    evidence = [(each["number"], each["number"], each["days"], 1) for each in devices]
    columns = ("device", "software_set", "days", "revision")
    insert_rows(connection, tables.evidence, columns, evidence)
    insert_rows(connection, tables.pending, ("device",), [(number,) for number in numbers])
    columns = ("device", "revision", "at", "removed")
    insert_rows(connection, tables.change, columns, [(n, 1, at, b"") for n in numbers])
    columns = ("device", "since", "id", "name", "entity", "standing", "reported", "failed")
    columns += ("person", "portable", "virtual", "smbios_uuid", "processors", "cores", "system")
    columns += ("unknown",)
    rows = [
        (
            *(each["number"], at, each["id"], told["hostname"], each["entity"], "active"),
            *(True, False, told["primary_user"], told["portable"], told["kind"] == "virtual"),
            *(told["smbios_uuid"], told["processors"], told["cores"], told["system"], b""),
        )
        for each in devices
        for told in [each["facts"]]
    ]
    insert_rows(connection, tables.snapshot, columns, rows)


def _insert(connection: Connection, table: Any, **values: Any) -> None:
    insert_rows(connection, table, tuple(values), [tuple(values.values())])


def tail_names() -> Iterator[str]:
    """The names of the long tail, the most usual first."""
    return (f"Outil métier {rank}" for rank in range(TAIL // 3))
