"""The rights of entitlements beside downgrade.

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the columns; what was stored before has none of these rights."""
    with op.batch_alter_table("entitlement") as entitlement:
        for right in ("edition_downgrade", "second_use"):
            entitlement.add_column(
                sa.Column(right, sa.Boolean, nullable=False, server_default=sa.false())
            )
        entitlement.add_column(sa.Column("maintenance_until", sa.Date))
        entitlement.add_column(sa.Column("devices_per_user", sa.Integer))
        entitlement.add_column(sa.Column("virtual_machines", sa.Integer))
        entitlement.add_column(sa.Column("requires_base", sa.String(255)))
