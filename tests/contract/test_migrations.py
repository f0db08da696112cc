"""Databases of every released version, filled as that version filled them, brought to this one."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from quitus_collector.adapters.sql.store import SQLStore, alembic_config
from quitus_collector.domain.entitlement import Channel
from quitus_collector.domain.history import snapshot
from quitus_collector.domain.install import Scope, SourceStatus
from quitus_collector.services.audit import verify

RELEASED = tuple(f"{number:04}" for number in range(1, 20))
DAY = "2026-03-31 08:00:00.000000"
# (name, version, hidden): d-1 has the first three, d-2 the last two, d-3 has never reported.
SOFTWARE = (("a", "1", False), ("é", "2", False), ("c", "3", True), ("d", "4", False))
HAS = {"d-1": (1, 2, 3), "d-2": (3, 4)}
FACTS: dict[str, Any] = {
    "hostname": "PC-É",
    "system": "Debian",
    "system_version": "12",
    "architecture": "amd64",
    "processors": 1,
    "cores": 8,
    "memory_bytes": 1 << 40,
    "kind": "virtual",
    "hypervisor": "kvm",
}
SOURCES = [{"name": "rpm", "status": "failed", "reason": "unreadable"}]


def test_no_release_is_left_out() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())

    assert sorted(each.revision for each in scripts.walk_revisions()) == sorted(RELEASED)


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def insert(connection: Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def fill(connection: Connection, release: str) -> None:
    """What a collector of that release kept of three devices, a token and two pool lines."""
    numbered = release >= "0007"
    if numbered:
        insert(connection, "outcomes", id=1, digest=b"1", sources=json.dumps(SOURCES))
        insert(connection, "outcomes", id=2, digest=b"2", sources="[]")
    for number, device in enumerate(("d-1", "d-2", "d-3"), start=1):
        reported = device in HAS
        values: dict[str, object] = {
            "id": device,
            "hostname": f"pc of {device}",
            "public_key_sha256": f"key of {device}",
            "token_id": "t-1",
            "entity": "999000110",
            "enrolled_at": DAY,
            "certificate_expires_at": DAY,
            "last_report_at": DAY if reported else None,
            "facts": json.dumps(FACTS),
        }
        if numbered:
            values |= {"number": number, "outcomes": 1 if reported else 2}
        else:
            values["sources"] = json.dumps(SOURCES if reported else [])
        if release >= "0003":
            values |= {"next_key_sha256": f"next of {device}", "trust_digest": "ab"}
        if release >= "0004":
            values |= {"installs": len(HAS.get(device, ())), "receipt": "cd", "serial": "s-1001"}
        insert(connection, "device", **values)
        if release >= "0008":
            system = {"system": FACTS["system"]} if release >= "0014" else {}
            insert(
                connection,
                "snapshot",
                **system,
                device=number,
                since=0,
                id=device,
                name=FACTS["hostname"],
                entity="999000110",
                standing="active",
                reported=reported,
                failed=reported,
                portable=False,
                virtual=True,
                smbios_uuid="",
                processors=1,
                cores=8,
                unknown=b"",
            )
    for number, (name, version, hidden) in enumerate(SOFTWARE, start=1):
        values = {
            "id": number,
            "digest": f"digest {number}",
            "name": name,
            "version": version,
            "publisher": "",
            "architecture": "amd64",
            "source": "dpkg",
            "scope": "user",
            "identifiers": json.dumps({"purl": f"pkg:deb/{name}"}),
        }
        if release >= "0002":
            values["hidden"] = hidden
        insert(connection, "software", **values)
    FILL_INSTALLS[numbered](connection, release)
    for line, product in (("E-1", "adobe/acrobat"), ("E-2", "microsoft/visio")):
        values = {"id": line, "product": product, "quantity": 3, "metric": "device"}
        values |= {"downgrade": True, "valid_until": "2027-12-31", "proof": "Facture n°7"}
        if release >= "0008":
            values["since"] = 0
        insert(connection, "entitlement", **values)
    insert(
        connection,
        "join_token",
        id="t-1",
        secret_sha256="hash",
        label="atelier",
        uses_allowed=5,
        uses=3,
        created_at=DAY,
        expires_at=DAY,
    )


def fill_pairs(connection: Connection, release: str) -> None:
    for device, numbers in HAS.items():
        for number in numbers:
            day = {"installed_on": f"2026-01-0{number}"} if release >= "0002" else {}
            insert(connection, "install", device_id=device, software_id=number, **day)


def fill_sets(connection: Connection, release: str) -> None:
    # {1, 2, 3} on their days, and {3, 4}, as release 0007 packed them.
    sets = {1: b"\0\1\1\1", 2: b"\0\3\1"}
    days = {
        1: bytes.fromhex("000386cad4090101000102"),
        2: bytes.fromhex("000288cad409010001"),
    }
    for number in (1, 2):
        insert(connection, "software_set", id=number, digest=b"%d" % number, records=sets[number])
        insert(
            connection,
            "evidence",
            device=number,
            software_set=number,
            days=days[number],
            revision=1,
        )
        insert(connection, "change", device=number, revision=1, at=1774944000000000, removed=b"")
        if release >= "0008":
            insert(connection, "silence", device=number, since=1, until=2)
            query = "SELECT * FROM snapshot WHERE device = :device"
            now = connection.execute(text(query), {"device": number}).mappings().one()
            insert(connection, "snapshot_before", **now, until=1)


FILL_INSTALLS = {False: fill_pairs, True: fill_sets}


def made(url: str, release: str) -> SQLStore:
    """A store of this version on a database that the release made and filled."""
    store = SQLStore(url, create=True)
    with store._writer.connect() as connection, connection.begin():
        command.upgrade(alembic_config(connection), release)
    with opened(url) as connection:
        fill(connection, release)
    store.upgrade()
    store.check_schema()
    return store


def test_what_is_partitioned_keeps_every_row(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    store = SQLStore(url)
    partitioned = ("evidence", "change", "snapshot", "snapshot_before", "silence")

    def rows(connection: Connection) -> dict[str, list[Any]]:
        return {
            table: [
                str({name: value for name, value in row.items() if name != "pending"})
                for row in connection.execute(
                    text(f"SELECT * FROM {table} ORDER BY device")
                ).mappings()
            ]
            for table in partitioned
        }

    with store._writer.connect() as connection, connection.begin():
        command.upgrade(alembic_config(connection), "0017")
        fill(connection, "0017")
        for table in ("silence", "change"):
            insert_many(connection, table)
        before = rows(connection)
    store.upgrade()
    with opened(url) as connection:
        after = rows(connection)
    store.close()

    assert all(before.values())
    assert len(before["change"]) > 1_000
    assert after == before


def insert_many(connection: Connection, table: str) -> None:
    """Of a thousand devices that are gone."""
    values = {"silence": "number, 1, 2", "change": "number, 1, 1, 1, NULL, ''"}[table]
    series = "generate_series(1001, 2000) AS number"
    connection.execute(text(f"INSERT INTO {table} SELECT {values} FROM {series}"))


@pytest.mark.parametrize("release", RELEASED)
def test_nothing_is_lost_from_any_release(database_url: str, release: str) -> None:
    store = made(database_url, release)

    with store.reading() as work:
        devices = {each.id: each for each in work.devices.list()}
        installs = {device: work.inventories.list(device) for device in devices}
        lines = work.entitlements.list()
        (token,) = work.tokens.list()
        counted = {each.device_id: each for each in work.fleet.snapshots()}
    store.close()
    first = devices["d-1"]
    assert sorted(devices) == ["d-1", "d-2", "d-3"]
    assert (first.hostname, first.name, first.entity) == ("pc of d-1", "PC-É", "999000110")
    assert (first.facts.cores, first.facts.kind, first.facts.memory_bytes) == (
        8,
        "virtual",
        1 << 40,
    )
    assert [(each.name, each.status, each.reason) for each in first.sources] == [
        ("rpm", SourceStatus.FAILED, "unreadable")
    ]
    assert f"{first.last_report_at:%Y-%m-%d %H:%M:%S.%f}" == DAY
    assert devices["d-3"].sources == ()
    assert devices["d-3"].last_report_at is None
    if release >= "0003":
        assert (first.next_key_sha256, first.trust_digest) == ("next of d-1", "ab")
    if release >= "0004":
        assert first.receipt == "cd"
    assert first.agent_version == ""
    assert counted == {each.id: snapshot(each, None) for each in devices.values()}
    assert [devices[each].installs for each in sorted(devices)] == [3, 2, 0]
    for device, found in installs.items():
        dates = [f"2026-01-0{number}" for number in HAS.get(device, ())]
        expected = [SOFTWARE[number - 1] for number in HAS.get(device, ())]
        assert [(each.name, each.version) for each in found] == sorted(e[:2] for e in expected)
        assert all(each.identifiers == {"purl": f"pkg:deb/{each.name}"} for each in found)
        assert {each.scope for each in found} <= {Scope.USER}
        if release >= "0002":
            assert sorted(each.installed_on for each in found) == dates
            assert {each.name: each.hidden for each in found} == {e[0]: e[2] for e in expected}
    assert [(each.id, each.product, each.quantity, each.proof) for each in lines] == [
        ("E-1", "adobe/acrobat", 3, "Facture n°7"),
        ("E-2", "microsoft/visio", 3, "Facture n°7"),
    ]
    assert {each.channel for each in lines} == {Channel.UNSTATED}
    assert (token.label, token.uses, token.uses_allowed) == ("atelier", 3, 5)
    assert verify(store)[:2] == (None, 0)
    store.close()
