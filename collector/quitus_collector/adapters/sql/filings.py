"""Declarations, letters and expected devices on one SQL connection; see ports."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Select, Table, delete, insert, select

from quitus_collector.adapters.sql import filing_tables as tables
from quitus_collector.adapters.sql.statements import WRITING, hold, insert_into, put
from quitus_collector.domain.campaign import Campaign
from quitus_collector.domain.expected import ExpectedDevice
from quitus_collector.domain.filing import Filing
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Paper

FILING, CAMPAIGN = TypeAdapter(Filing), TypeAdapter(Campaign)


class SQLFilings:
    """Implements ports.Filings."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, filing: Filing) -> None:
        """Keeps a filing; one with the same id is replaced."""
        values = {
            "id": filing.id,
            "state": filing.state.value,
            "publisher": filing.publisher,
            "campaign": filing.campaign,
            "drafted_at": filing.drafted_at,
            "document": filing.document,
            "record": FILING.dump_python(filing, mode="json", exclude={"document"}),
        }
        put(self._connection, tables.filing, values)

    def get(self, filing_id: str) -> Filing:
        """Raises UsageError."""
        row = _one(self._connection, tables.filing, filing_id)
        if row is None:
            raise UsageError(f"no declaration has the id {filing_id!r}")
        return _filing(row)

    def find(self, asked_as: str) -> Filing | None:
        """The one that this job drafted."""
        named = tables.filing.c.record["asked_as"].as_string() == asked_as
        row = self._connection.execute(select(tables.filing).where(named)).first()
        return _filing(row) if row else None

    def list(self) -> Sequence[Filing]:
        """All of them, the newest first."""
        columns = tables.filing.c
        query = select(tables.filing).order_by(columns.drafted_at.desc(), columns.id.desc())
        return [_filing(row) for row in self._connection.execute(query)]


class SQLPapers:
    """Implements ports.Papers."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, filing_id: str, paper: Paper, content: bytes) -> None:
        """Keeps a file; the one before it is replaced."""
        values = {"filing": filing_id, "kind": paper.value, "content": content}
        statement = insert_into(self._connection, tables.filing_paper).values(values)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["filing", "kind"], set_={"content": statement.excluded.content}
            )
        )

    def find(self, filing_id: str, paper: Paper) -> bytes | None:
        """The file, or None where there is none."""
        columns = tables.filing_paper.c
        query = select(columns.content).where(
            columns.filing == filing_id, columns.kind == paper.value
        )
        content = self._connection.execute(query).scalar_one_or_none()
        return None if content is None else bytes(content)


class SQLCampaigns:
    """Implements ports.Campaigns."""

    # Of the lock that who changes letters takes; any number that nothing else here uses.
    LOCK = 0x7175697475732E63

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def hold(self) -> None:
        """Others wait: what is read from here on is what the change is made of."""
        hold(self._connection, self.LOCK)

    def add(self, campaign: Campaign) -> None:
        """Keeps a campaign; one with the same id is replaced."""
        values = {
            "id": campaign.id,
            "publisher": campaign.publisher,
            "received_on": campaign.received_on.isoformat(),
            "record": CAMPAIGN.dump_python(campaign, mode="json"),
        }
        put(self._connection, tables.campaign, values)

    def get(self, campaign_id: str) -> Campaign:
        """Raises UsageError."""
        row = _one(self._connection, tables.campaign, campaign_id)
        if row is None:
            raise UsageError(f"no letter has the id {campaign_id!r}")
        return CAMPAIGN.validate_python(row.record)

    def list(self) -> Sequence[Campaign]:
        """All of them, those received last first."""
        columns = tables.campaign.c
        query = select(columns.record).order_by(columns.received_on.desc(), columns.id.desc())
        return [CAMPAIGN.validate_python(each) for each in self._connection.scalars(query)]


class SQLExpectedDevices:
    """Implements ports.ExpectedDevices."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, devices: Iterable[ExpectedDevice]) -> None:
        """Keeps a list in place of the one before."""
        self._connection.execute(delete(tables.expected_device))
        rows = {
            each.name: {
                "name": each.name,
                "site": each.site,
                "system": each.system,
                "entity": each.entity,
            }
            for each in devices
        }
        if rows:
            self._connection.execute(insert(tables.expected_device), list(rows.values()))

    def list(self) -> Sequence[ExpectedDevice]:
        """All of them, sorted by name."""
        query = select(tables.expected_device)
        found = (ExpectedDevice(**row._mapping) for row in self._connection.execute(query))
        # Not by the database, whose order of letters is its own.
        return sorted(found, key=lambda each: each.name)


def _one(connection: Connection, table: Table, key: str) -> Row[Any] | None:
    query: Select[Any] = select(table).where(table.c.id == key)
    if connection.get_execution_options().get(WRITING):
        query = query.with_for_update()
    return connection.execute(query).one_or_none()


def _filing(row: Row[Any]) -> Filing:
    return FILING.validate_python({**row.record, "document": bytes(row.document)})
