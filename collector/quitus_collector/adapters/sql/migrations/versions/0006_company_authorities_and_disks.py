"""Authorities of the company's own, whose machine certificates let devices in; disks' ids.

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the table and the columns; devices that were there before have neither."""
    with op.batch_alter_table("device") as device:
        for name in ("company_name", "disk_id"):
            device.add_column(sa.Column(name, sa.String(255), nullable=False, server_default=""))
            device.create_index(f"ix_device_{name}", [name])
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
