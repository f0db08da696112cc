"""What the console's pages need: indices to turn the list of devices, figures of days.

Revision: 0016
After: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Adds both; the figures of past days are worked out of the history afterwards."""
    op.create_index("ix_snapshot_name", "snapshot", ["name", "device"])
    for name, table, columns, where in (
        ("ix_snapshot_standing", "snapshot", ["standing", "name"], "standing != 'active'"),
        ("ix_snapshot_failed", "snapshot", ["name"], None),
        ("ix_device_revoked_at", "device", ["revoked_at"], "revoked_at IS NOT NULL"),
    ):
        sqlite: sa.ColumnElement[bool] = sa.literal_column(where or "failed = 1")
        postgresql: sa.ColumnElement[bool] = sa.literal_column(where or "failed")
        op.create_index(name, table, columns, sqlite_where=sqlite, postgresql_where=postgresql)
    op.create_index("ix_device_certificate_expires_at", "device", ["certificate_expires_at"])
    op.create_index("ix_placement_site", "placement", ["site"])
    op.create_table(
        "measurement",
        sa.Column("day", sa.Date),
        sa.Column("enrolled", sa.Integer, nullable=False),
        sa.Column("reporting", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("gaps", sa.Integer, nullable=False),
        sa.Column("undetermined", sa.Integer, nullable=False),
        sa.Column("unknown", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_measurement"),
    )
