"""Declarations with what was done to them, letters, expected devices.

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Adds the tables, empty: what was drafted before was written to files alone."""
    op.create_table(
        "filing",
        sa.Column("id", sa.String(24)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("publisher", sa.String(255), nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("drafted_at", UTCDateTime, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_filing"),
    )
    op.create_index("ix_filing_campaign", "filing", ["campaign"])
    op.create_table(
        "filing_paper",
        sa.Column("filing", sa.String(24)),
        sa.Column("kind", sa.String(16)),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("filing", "kind", name="pk_filing_paper"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(64)),
        sa.Column("publisher", sa.String(255), nullable=False),
        sa.Column("received_on", sa.String(10), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
    )
    op.create_table(
        "expected_device",
        sa.Column("name", sa.String(255)),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("system", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_expected_device"),
    )
