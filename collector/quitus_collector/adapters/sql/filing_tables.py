"""The tables of declarations, of letters and of expected devices."""

from sqlalchemy import JSON, Column, LargeBinary, String, Table

from quitus_collector.adapters.sql.tables import UTCDateTime, metadata

__all__ = ["metadata"]

# `record` has what the columns do not: read lines, approvals, attempts and the like.
filing = Table(
    "filing",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("publisher", String(255), nullable=False),
    Column("campaign", String(64), nullable=False, index=True),
    Column("drafted_at", UTCDateTime, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("record", JSON, nullable=False),
)

# What belongs to a declaration and is too long to be read with it: the draft, the sealed document
# and the portal's pages, by what they are.
filing_paper = Table(
    "filing_paper",
    metadata,
    Column("filing", String(24), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("publisher", String(255), nullable=False),
    Column("received_on", String(10), nullable=False),
    Column("record", JSON, nullable=False),
)

expected_device = Table(
    "expected_device",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("site", String(255), nullable=False),
    Column("system", String(255), nullable=False),
    Column("entity", String(64), nullable=False),
)
