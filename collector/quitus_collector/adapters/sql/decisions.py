"""What people decided: services.ports.Decisions on one SQL connection."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, or_, select, update

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.statements import among, hold, insert_into
from quitus_collector.domain.contested import Reading
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement, Role, Scope


class SQLDecisions:
    """A decision stays when another one takes its place, with the time until which it held."""

    # Of the lock that who decides takes; any number that nothing else here uses.
    LOCK = 0x7175697475732E64

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._now = now

    def hold(self) -> None:
        """Others wait: what is read from here on is what the decision is made of."""
        hold(self._connection, self.LOCK)

    def place(self, placements: Iterable[Placement]) -> None:
        """Keeps what is said of enrolled devices instead of what was said before."""
        table, device = tables.placement, tables.device.c
        said = {each.device_id: each for each in placements}
        found = select(device.id, device.number).where(among(self._connection, device.id, said))
        # Of a device that is forgotten meanwhile nothing is to be said any more.
        found = found.order_by(device.id).with_for_update(read=True)
        numbers = {device_id: number for device_id, number in self._connection.execute(found)}
        self._end(table, among(self._connection, table.c.device, numbers.values()))
        rows = [
            {"device": numbers[device_id], "since": self._now, **asdict(each)}
            for device_id, each in said.items()
            if device_id in numbers and each.says_something
        ]
        if rows:
            self._connection.execute(insert(table), rows)

    def placements(self, at: datetime | None = None) -> Sequence[Placement]:
        """What is said now, or was at that time, of devices that anything is said of."""
        return [_placement(row) for row in self._at(tables.placement, at)]

    def placed(self, device_ids: Collection[str]) -> Mapping[str, Placement]:
        """What is said now of those of these devices that anything is said of, by id."""
        table, device = tables.placement, tables.device.c
        query = (
            select(table)
            .join(tables.device, device.number == table.c.device)
            .where(among(self._connection, device.id, device_ids), table.c.until.is_(None))
        )
        return {row.device_id: _placement(row) for row in self._connection.execute(query)}

    def exempt(self, exemption: Exemption) -> None:
        """Keeps an exemption; one with the same id is replaced."""
        self.remove_exemption(exemption.id)
        values = {"since": self._now, **asdict(exemption)}
        self._connection.execute(insert(tables.exemption).values(values))

    def exemptions(self, at: datetime | None = None) -> Sequence[Exemption]:
        """All that hold, or held at that time, sorted by id."""
        found = [
            Exemption(
                row.id,
                row.product,
                Role(row.role),
                row.evidence,
                row.valid_from,
                row.valid_until,
            )
            for row in self._at(tables.exemption, at)
        ]
        return sorted(found, key=lambda each: each.id)

    def remove_exemption(self, exemption_id: str) -> None:
        """Takes the exemption away from now on; nothing if it is not there."""
        self._end(tables.exemption, tables.exemption.c.id == exemption_id)

    def read(self, rule: str, reading: Reading, reason: str) -> None:
        """Keeps how the company reads a contested rule, instead of how it did before."""
        self._end(tables.reading, tables.reading.c.rule == rule)
        values = {"rule": rule, "since": self._now, "reading": reading, "reason": reason}
        self._connection.execute(insert(tables.reading).values(values))

    def readings(self, at: datetime | None = None) -> Mapping[str, tuple[Reading, str]]:
        """How the company reads, or read then, contested rules by their ids, and why."""
        return {
            row.rule: (Reading(row.reading), row.reason) for row in self._at(tables.reading, at)
        }

    def name_entity(self, entity: LegalEntity) -> None:
        """Keeps the name of a legal entity; one with the same SIREN is replaced."""
        values = {"siren": entity.siren, "name": entity.name, "head": entity.group}
        statement = insert_into(self._connection, tables.legal_entity).values(values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["siren"], set_=values)
        )

    def entities(self) -> Sequence[LegalEntity]:
        """All that have a name, sorted by SIREN."""
        query = select(tables.legal_entity).order_by(tables.legal_entity.c.siren)
        return [
            LegalEntity(row.siren, row.name, row.head) for row in self._connection.execute(query)
        ]

    def _at(self, table: Table, at: datetime | None) -> Iterable[Any]:
        lasts = table.c.until.is_(None)
        query = select(table).where(lasts)
        if at:
            query = select(table).where(table.c.since <= at, or_(lasts, table.c.until > at))
        return self._connection.execute(query)

    def _end(self, table: Table, which: ColumnElement[bool]) -> None:
        present = (which, table.c.until.is_(None))
        # What was said only now never held.
        self._connection.execute(delete(table).where(*present, table.c.since >= self._now))
        self._connection.execute(update(table).where(*present).values(until=self._now))


def _placement(row: Any) -> Placement:
    return Placement(
        row.device_id, row.entity, row.site, Role(row.role), Scope(row.scope), row.reason
    )
