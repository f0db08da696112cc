"""What the console's pages need: an index to turn the list of devices, figures of days.

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
