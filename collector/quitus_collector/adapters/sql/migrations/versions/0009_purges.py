"""How often records were taken away; and what waits for recognition, found without a search.

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Adds the column and the index."""
    with op.batch_alter_table("retention") as retention:
        retention.add_column(sa.Column("purges", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "ix_evidence_pending",
        "evidence",
        ["device"],
        sqlite_where=sa.column("pending") == sa.literal_column("1"),
        postgresql_where=sa.column("pending"),
    )
