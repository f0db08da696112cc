"""The figures of days: services.ports.Measurements on one SQL connection."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, delete, insert, select

from quitus_collector.adapters.sql import tables
from quitus_collector.domain.measurement import Measurement


class SQLMeasurements:
    """A row for each day."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, measured: Iterable[Measurement]) -> None:
        """Keeps days; one that is there is replaced."""
        rows = {each.day: asdict(each) for each in measured}
        if rows:
            table = tables.measurement
            self._connection.execute(delete(table).where(table.c.day.in_(rows)))
            self._connection.execute(insert(table), list(rows.values()))

    def list(self, since: date | None = None) -> Sequence[Measurement]:
        """From a day on, or all, the oldest first."""
        table = tables.measurement
        query = select(table).order_by(table.c.day)
        if since:
            query = query.where(table.c.day >= since)
        return [Measurement(**row._mapping) for row in self._connection.execute(query)]
