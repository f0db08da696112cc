"""Authorities of the company's own, whose machine certificates let devices in.

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the table and the column; no device was let in this way before."""
    with op.batch_alter_table("device") as device:
        device.add_column(
            sa.Column("company_name", sa.String(255), nullable=False, server_default="")
        )
        device.create_index("ix_device_company_name", ["company_name"])
    op.create_table(
        "company_authority",
        sa.Column("id", sa.String(24)),
        sa.Column("certificates", sa.Text, nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.Column("names", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(64)),
        sa.Column("revocations", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_company_authority"),
    )
