"""What is kept once for the whole fleet, and known elsewhere by a number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from quitus_collector.adapters.sql.statements import BATCH, among, insert_rows


def intern(
    connection: Connection,
    table: Table,
    wanted: Mapping[Any, Any],
    row: Callable[[Any], Sequence[Any]] = tuple,
    *,
    held: bool = False,
) -> dict[Any, int]:
    """The numbers of what is wanted, which are given to what was not seen before.

    It is listed by the table's second column, which tells it from all others; `row` makes the
    other columns of it. `held` keeps others from taking it away until the transaction ends.
    """
    columns = [each.name for each in table.columns if each.name != "id"]
    numbers: dict[Any, int] = {}
    # Again where somebody takes one away between the two statements.
    while missing := sorted(wanted.keys() - numbers.keys()):
        numbers |= _known(connection, table, missing, held=held)
        # In one order everywhere: two collectors that bring the same ones must not wait for each
        # other. The second one finds those of the first.
        new = [(each, *row(wanted[each])) for each in missing if each not in numbers]
        insert_rows(connection, table, columns, new, or_ignore=True)
    return numbers


def _known(
    connection: Connection, table: Table, keys: Sequence[Any], *, held: bool
) -> dict[Any, int]:
    key = table.columns[1]
    numbers: dict[Any, int] = {}
    for start in range(0, len(keys), BATCH):
        query = select(key, table.c.id).where(among(connection, key, keys[start : start + BATCH]))
        found = connection.execute(query.with_for_update(read=True) if held else query)
        numbers |= {each: number for each, number in found}
    return numbers
