"""What both databases can do, said in the way of each."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    Table,
    any_,
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


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    or_ignore: bool = False,
) -> None:
    """Inserts many rows; values are as the driver takes them. Conflicts may be ignored."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        kinds = (table.c[name].type.compile(connection.dialect) for name in columns)
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        end = " ON CONFLICT DO NOTHING" if or_ignore else ""
        statement = f'INSERT INTO "{table.name}" ({names}) SELECT * FROM unnest({arrays}){end}'  # noqa: S608
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))
        return
    marks = ", ".join("?" * len(columns))
    verb = "INSERT OR IGNORE INTO" if or_ignore else "INSERT INTO"
    statement = f'{verb} "{table.name}" ({names}) VALUES ({marks})'
    connection.exec_driver_sql(statement, list(map(tuple, rows)))


def update_rows(
    connection: Connection,
    table: Table,
    key: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Changes many rows by their key, which comes last in each; values as the driver takes them."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        kinds = (table.c[name].type.compile(connection.dialect) for name in (*columns, key))
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        names = ", ".join(f'"{name}"' for name in (*columns, key))
        changes = ", ".join(f'"{name}" = new."{name}"' for name in columns)
        statement = (
            f'UPDATE "{table.name}" SET {changes} '  # noqa: S608
            f'FROM unnest({arrays}) AS new ({names}) WHERE "{table.name}"."{key}" = new."{key}"'
        )
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))
        return
    changes = ", ".join(f'"{name}" = ?' for name in columns)
    statement = f'UPDATE "{table.name}" SET {changes} WHERE "{key}" = ?'  # noqa: S608
    connection.exec_driver_sql(statement, list(map(tuple, rows)))


def in_batches(connection: Connection, query: Any) -> Iterator[Any]:
    """The rows of a long result, a batch at a time."""
    with connection.execute(query, execution_options={"yield_per": BATCH}) as result:
        yield from result
