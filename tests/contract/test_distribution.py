"""What docs/scaling.md has PostgreSQL distribute keeps the rules of those who distribute it.

Citus cannot be had here; its rules are asked of PostgreSQL's own catalogue.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.adapters.sql.tables import metadata

# One database for all of them.
pytestmark = pytest.mark.xdist_group("distribution")
SAID = Path("docs/scaling.md").read_text(encoding="utf-8")
DISTRIBUTED = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", SAID))
SHARED = tuple(re.findall(r"create_reference_table\('(\w+)'\)", SAID))


@pytest.fixture(scope="module")
def connection(postgresql: Callable[[], str]) -> Iterator[Connection]:
    """To a database of this version."""
    url = postgresql()
    store = SQLStore(url)
    store.upgrade()
    store.close()
    engine = create_engine(url)
    with engine.connect() as made:
        yield made
    engine.dispose()


def asked(connection: Connection, query: str, **values: object) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.execute(text(query), values)}


def test_every_table_of_devices_is_distributed_and_no_other_one() -> None:
    by_device = {
        name
        for name, table in metadata.tables.items()
        if table.dialect_options["postgresql"]["partition_by"]
    }

    assert dict.fromkeys(by_device, "device") == DISTRIBUTED
    assert not by_device & set(SHARED)
    assert by_device | set(SHARED) < metadata.tables.keys()


def test_they_are_placed_together(connection: Connection) -> None:
    """Tables can be colocated where their distribution columns are of one type."""
    types = asked(
        connection,
        "SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        "WHERE attname = 'device' AND attrelid::regclass::text = ANY(:tables)",
        tables=list(DISTRIBUTED),
    )

    assert types == {("bigint", True)}
    (first, *others) = re.findall(r"create_distributed_table\('\w+', '\w+'(.*?)\);", SAID)
    assert first == ""
    assert set(others) == {f", colocate_with => '{next(iter(DISTRIBUTED))}'"}


def test_the_device_is_in_every_key(connection: Connection) -> None:
    keys = asked(
        connection,
        "SELECT indexrelid::regclass::text, 'device' IN (SELECT attname FROM pg_attribute "
        "WHERE attrelid = indrelid AND attnum = ANY(indkey)) FROM pg_index "
        "WHERE (indisunique OR indisexclusion) AND indrelid::regclass::text = ANY(:tables)",
        tables=list(DISTRIBUTED),
    )

    assert keys == {(f"pk_{table}", True) for table in DISTRIBUTED}


def test_references_lead_to_what_every_node_has(connection: Connection) -> None:
    references = asked(
        connection,
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
        "WHERE contype = 'f' AND conparentid = 0",
    )

    assert ("evidence", "device") in references
    assert {other for table, other in references if table in DISTRIBUTED} <= set(SHARED)
    assert {other for table, other in references if table in SHARED} <= set(SHARED)
    elsewhere = metadata.tables.keys() - DISTRIBUTED.keys() - set(SHARED)
    assert not {table for table, other in references if {table, other} & elsewhere}
    for table, other in references:
        if table in SHARED:
            assert SHARED.index(other) < SHARED.index(table)


def test_numbers_are_given_by_sequences_that_every_node_can_have_a_part_of(
    connection: Connection,
) -> None:
    """Those of 64 bits are split between nodes; distributed tables have no numbers of their own."""
    sequences = asked(
        connection,
        "SELECT attrelid::regclass::text, data_type::text FROM pg_depend "
        "JOIN pg_sequences ON objid = format('%I.%I', schemaname, sequencename)::regclass "
        "JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid",
    )

    assert {kind for _, kind in sequences} == {"bigint"}
    assert not {table for table, _ in sequences} & DISTRIBUTED.keys()


def test_nothing_is_done_by_triggers_or_policies(connection: Connection) -> None:
    assert not asked(connection, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert not asked(connection, "SELECT policyname FROM pg_policies")
    assert not asked(connection, "SELECT rulename FROM pg_rules WHERE schemaname = 'public'")


def test_they_are_in_partitions_of_one_level(connection: Connection) -> None:
    partitions = asked(
        connection,
        "SELECT inhparent::regclass::text, pg_get_partkeydef(inhparent), "
        "count(*), bool_or(relkind = 'p') FROM pg_inherits "
        "JOIN pg_class AS part ON part.oid = inhrelid "
        "WHERE part.relkind IN ('r', 'p') GROUP BY inhparent",
    )

    assert partitions == {(table, "HASH (device)", 4, False) for table in DISTRIBUTED}
