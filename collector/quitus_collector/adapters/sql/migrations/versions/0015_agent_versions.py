"""Which version of the agent each device has.

Revision: 0015
After: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Adds the column; nobody said before which one it was."""
    op.add_column(
        "device",
        sa.Column("agent_version", sa.String(64), nullable=False, server_default=""),
    )
