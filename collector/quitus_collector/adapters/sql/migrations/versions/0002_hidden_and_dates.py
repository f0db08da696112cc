"""Records that devices hide, and the day on which something was installed.

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the columns; what was stored before is shown and undated."""
    with op.batch_alter_table("software") as software:
        software.add_column(
            sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("install") as install:
        install.add_column(
            sa.Column("installed_on", sa.String(10), nullable=False, server_default="")
        )
