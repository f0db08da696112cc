"""What is kept once for the whole fleet, and known elsewhere by a number."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Table, func, select

from quitus_collector.adapters.sql.statements import BATCH, insert_missing, lookup

# What is known of one table, at most: about 10 MB.
KNOWN = 1 << 15
# Of the lock that keeps numbers from being taken away; any number that nothing else here uses.
LOCK = 0x7175697475732E6E

Known = defaultdict[str, dict[Any, int]]


class Numbers:
    """Numbers that were given, as far as this process knows; serves all threads."""

    def __init__(self) -> None:
        """Knows none yet."""
        # Transactions that gave numbers and failed: others will be given the same ones.
        self.failures = 0
        self._lock = Lock()
        self._numbering: Hashable = None
        self._known: Known = defaultdict(dict)

    def known(self, numbering: Hashable) -> Known:
        """By table, what is known under this numbering, committed all of it."""
        with self._lock:
            if numbering != self._numbering:
                self._numbering, self._known = numbering, defaultdict(dict)
            return self._known


class Interning:
    """Gives numbers in one transaction."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        """What is committed is known to `numbers` afterwards."""
        self._connection = connection
        self._numbers = numbers
        self._seen: Known = defaultdict(dict)
        self._has_given = False

    @cached_property
    def numbering(self) -> Hashable:
        """Another one after numbers may have come to stand for something else.

        That is after a purge, in a database that was put back from a backup, and after a
        transaction that gave some and failed. Nobody takes numbers away until this one ends.
        """
        purges = "(SELECT purges FROM retention)"
        if self._connection.dialect.name == "sqlite":
            row = self._connection.exec_driver_sql(f"SELECT {purges}").one()
            return (*row, self._connection.info.get("file"), self._numbers.failures)
        self._connection.execute(select(func.pg_advisory_xact_lock_shared(LOCK)))
        # A server has to be restarted to go back in time, and a table that is restored made anew.
        signs = f"{purges}, pg_postmaster_start_time(), pg_relation_filenode('software')"
        row = self._connection.exec_driver_sql(f"SELECT {signs}").one()
        return (*row, self._numbers.failures)

    def take_away(self) -> None:
        """Waits for those who gave or used numbers, and keeps others from it until the end."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(func.pg_advisory_xact_lock(LOCK)))

    def numbers(
        self,
        table: Table,
        things: Iterable[Hashable],
        row: Callable[[Any], tuple[Any, ...]],
        *,
        held: bool = False,
    ) -> dict[Any, int]:
        """The numbers of things, which are given to those not seen before.

        `row` makes all columns of one but the number; the first of them tells it from all others.
        `held` is for what is taken away at any time: it is kept from that until the end.
        """
        known = {} if held else self._numbers.known(self.numbering)[table.name]
        seen, found = self._seen[table.name], {}
        rows = {}
        for thing in things:
            number = known.get(thing) or seen.get(thing)
            if number is None:
                rows[thing] = row(thing)
            else:
                found[thing] = number
        if rows:
            numbers = self._in_table(table, {each[0]: each for each in rows.values()}, held=held)
            new = {thing: numbers[each[0]] for thing, each in rows.items()}
            found |= new
            if not held:
                seen |= new
        return found

    def _in_table(
        self, table: Table, rows: dict[Any, tuple[Any, ...]], *, held: bool
    ) -> dict[Any, int]:
        columns = [each.name for each in table.columns if each.name != "id"]
        numbers: dict[Any, int] = {}
        # Again where somebody takes one away between the two statements.
        while missing := sorted(rows.keys() - numbers.keys()):
            numbers |= self._read(table, missing, held=held)
            # In one order everywhere: two collectors that bring the same ones must not wait for
            # each other. The second one finds those of the first.
            new = [rows[each] for each in missing if each not in numbers]
            if new:
                numbers |= insert_missing(self._connection, table, columns, new)
                self._has_given = True
        return numbers

    def _read(self, table: Table, keys: Sequence[Any], *, held: bool) -> dict[Any, int]:
        key, number = table.columns[1], table.c.id
        numbers: dict[Any, int] = {}
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            found = lookup(self._connection, key, part, key, number, held=held)
            numbers |= {each: number for each, number in found}
        return numbers

    def committed(self) -> None:
        """Others may know the numbers too from now on."""
        for table, seen in self._seen.items():
            if not seen:
                continue
            known = self._numbers.known(self.numbering)[table]
            if len(known) + len(seen) > KNOWN:
                known.clear()
            known |= seen

    def failed(self) -> None:
        """What was given will be given again."""
        self._numbers.failures += self._has_given
