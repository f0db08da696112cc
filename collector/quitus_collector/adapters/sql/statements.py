"""What both databases can do, said in the way of each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Select,
    String,
    Table,
    any_,
    bindparam,
    delete,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

# Rows read at once from a result that may be long.
BATCH = 10_000
# The option that the connections of writing transactions have.
WRITING = "quitus_begin"


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that can tell what to do about a conflict."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name](
        table
    )


def hold(connection: Connection, lock: int) -> None:
    """Others who hold this lock wait until the transaction ends.

    On SQLite a writing transaction has the database to itself anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Inserts a row or replaces the one with the same id."""
    statement = insert_into(connection, table).values(values)
    changes = {name: statement.excluded[name] for name in values if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes))


def among(
    connection: Connection, column: ColumnElement[Any], values: Iterable[int | str | bytes]
) -> ColumnElement[bool]:
    """Whether the column has one of these values, all of one kind.

    They are one parameter however many they are; bytes on SQLite, of which JSON knows nothing, are
    one each, and may not be more than BATCH.
    """
    listed = list(values)
    if not listed:
        return false()
    if connection.dialect.name == "postgresql":
        kinds: dict[type, Any] = {str: String(), bytes: LargeBinary()}
        kind = kinds.get(type(listed[0]), BigInteger())
        return column == any_(literal(listed, ARRAY(kind)))
    if isinstance(listed[0], bytes):
        return column.in_(listed)
    each = func.json_each(json.dumps(listed)).table_valued("value")
    return column.in_(select(each.c.value))


def lookup(
    connection: Connection,
    key: Column[Any],
    values: Iterable[int | str | bytes],
    *columns: Column[Any],
    held: bool = False,
) -> Sequence[Any]:
    """These columns of the rows of a table whose key is among the values.

    `held` keeps others from changing the rows until the transaction ends.
    """
    listed: Any = list(values)
    if not listed:
        return []
    is_sqlite = connection.dialect.name == "sqlite"
    as_json = is_sqlite and not isinstance(listed[0], bytes)
    query = _query(key, columns, held, as_json, is_sqlite)
    return connection.execute(query, {"these": json.dumps(listed) if as_json else listed}).all()


@lru_cache(maxsize=64)
def _query(
    key: Column[Any], columns: tuple[Column[Any], ...], held: bool, as_json: bool, is_sqlite: bool
) -> Select[Any]:
    """Made once: that costs more than to execute it."""
    if as_json:
        each = func.json_each(bindparam("these")).table_valued("value")
        condition: ColumnElement[bool] = key.in_(select(each.c.value))
    elif is_sqlite:
        condition = key.in_(bindparam("these", expanding=True))
    else:
        condition = key == any_(bindparam("these", type_=ARRAY(key.type)))
    query = select(*columns).where(condition)
    return query.with_for_update(read=True) if held else query


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    or_ignore: bool = False,
    or_lock: str = "",
) -> None:
    """Inserts many rows at the price of a statement.

    Conflicts may be ignored. By `or_lock`, a column that tells rows apart, a row that is there
    already is kept from others until the transaction ends.
    """
    if rows:
        end = " ON CONFLICT DO NOTHING" if or_ignore else ""
        if or_lock:
            end = f' ON CONFLICT ("{or_lock}") DO UPDATE SET "{or_lock}" = excluded."{or_lock}"'
        statement, kinds = _insertion(connection.dialect, table, tuple(columns), end)
        connection.exec_driver_sql(statement, _bound(connection, kinds, rows))


def insert_missing(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> dict[Any, int]:
    """Inserts the rows that are not there, told by their first column; returns their new numbers.

    Of which rows it was that they were not there, SQLite does not tell: it returns none.
    """
    if connection.dialect.name == "sqlite":
        insert_rows(connection, table, columns, rows, or_ignore=True)
        return {}
    end = f' ON CONFLICT DO NOTHING RETURNING "{columns[0]}", id'
    statement, kinds = _insertion(connection.dialect, table, tuple(columns), end)
    found = connection.exec_driver_sql(statement, _bound(connection, kinds, rows))
    return {key: number for key, number in found}


def update_rows(
    connection: Connection,
    table: Table,
    key: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Changes many rows by their key, which comes last in each, at the price of a statement."""
    if rows:
        statement, kinds = _change(connection.dialect, table, (*columns, key))
        connection.exec_driver_sql(statement, _bound(connection, kinds, rows))


def delete_unused(connection: Connection, table: Table, users: Iterable[Column[Any]]) -> None:
    """Takes away the rows whose id none of these columns has, where nobody uses new ones meanwhile.

    In several statements: those who use them need not be on one node.
    """
    unused = set(connection.execute(select(table.c.id)).scalars())
    for user in users:
        unused.difference_update(connection.execute(select(user).distinct()).scalars())
    connection.execute(delete(table).where(among(connection, table.c.id, sorted(unused))))


# What a value of a column becomes for the driver; None where it stays as it is.
Kinds = tuple[Callable[[Any], Any] | None, ...]


@lru_cache(maxsize=64)
def _insertion(
    dialect: Dialect, table: Table, columns: tuple[str, ...], end: str
) -> tuple[str, Kinds]:
    names = ", ".join(f'"{name}"' for name in columns)
    rows = f"VALUES ({', '.join('?' * len(columns))})"
    if dialect.name == "postgresql":
        rows = f"SELECT * FROM unnest({_arrays(dialect, table, columns)})"  # noqa: S608
    statement = f'INSERT INTO "{table.name}" ({names}) {rows}{end}'
    return statement, _kinds(dialect, table, columns)


@lru_cache(maxsize=64)
def _change(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> tuple[str, Kinds]:
    """Of these columns, the last one tells the row."""
    *others, key = columns
    kinds = _kinds(dialect, table, columns)
    if dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in columns)
        changes = ", ".join(f'"{name}" = new."{name}"' for name in others)
        arrays = _arrays(dialect, table, columns)
        return (
            f'UPDATE "{table.name}" SET {changes} '  # noqa: S608  # names of the schema
            f'FROM unnest({arrays}) AS new ({names}) WHERE "{table.name}"."{key}" = new."{key}"'
        ), kinds
    changes = ", ".join(f'"{name}" = ?' for name in others)
    return f'UPDATE "{table.name}" SET {changes} WHERE "{key}" = ?', kinds  # noqa: S608


def _arrays(dialect: Dialect, table: Table, columns: Iterable[str]) -> str:
    return ", ".join(f"%s::{table.c[name].type.compile(dialect)}[]" for name in columns)


def _kinds(dialect: Dialect, table: Table, columns: Iterable[str]) -> Kinds:
    types = (table.c[name].type.dialect_impl(dialect) for name in columns)
    return tuple(each.bind_processor(dialect) for each in types)


def _bound(connection: Connection, kinds: Kinds, rows: Sequence[Sequence[Any]]) -> Any:
    """The rows as the driver takes them: on PostgreSQL one list for each column."""
    columns = [
        list(map(kind, values)) if kind else list(values)
        for kind, values in zip(kinds, zip(*rows, strict=True), strict=True)
    ]
    if connection.dialect.name == "postgresql":
        return tuple(columns)
    return list(zip(*columns, strict=True))


def in_batches(connection: Connection, query: Any) -> Iterator[Any]:
    """The rows of a long result, a batch at a time."""
    with connection.execute(query, execution_options={"yield_per": BATCH}) as result:
        for rows in result.partitions():
            yield from rows
