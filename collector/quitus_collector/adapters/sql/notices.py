"""Which notices were told, on one SQL connection; see services.account_ports."""

from collections.abc import Collection, Set
from datetime import datetime

from sqlalchemy import Connection, delete, select

from quitus_collector.adapters.sql import account_tables as tables
from quitus_collector.adapters.sql.statements import insert_rows


class SQLNotices:
    """Implements account_ports.Notices."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def told(self, way: str) -> Set[str]:
        """What was told by this way and still holds."""
        columns = tables.notice.c
        query = select(columns.mark).where(columns.way == way)
        return frozenset(self._connection.scalars(query))

    def replace(self, way: str, marks: Collection[str], at: datetime) -> None:
        """These and no others were told by this way; those that were keep their time."""
        columns = tables.notice.c
        before = self.told(way)
        for gone in sorted(before - set(marks)):
            here = (columns.way == way) & (columns.mark == gone)
            self._connection.execute(delete(tables.notice).where(here))
        rows = [(way, new, at) for new in sorted(set(marks) - before)]
        insert_rows(self._connection, tables.notice, ("way", "mark", "told_at"), rows)
