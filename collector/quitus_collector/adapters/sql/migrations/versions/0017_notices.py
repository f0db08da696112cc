"""What was told by mail and to programs, so that nothing is told twice.

Revision: 0017
After: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Adds the table: nothing was told before."""
    op.create_table(
        "notice",
        sa.Column("way", sa.String(64)),
        sa.Column("mark", sa.String(64)),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("way", "mark", name="pk_notice"),
    )
