"""Which operating system counted devices have.

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds it to what counting knows: of now from the last report; of the past it is not known."""
    for table in ("snapshot", "snapshot_before"):
        op.add_column(table, sa.Column("system", sa.String(255)))
    device = sa.table("device", sa.column("number"), sa.column("facts", sa.JSON))
    snapshot = sa.table("snapshot", sa.column("device"), sa.column("system"))
    told = (
        sa.select(sa.func.substr(device.c.facts["system"].as_string(), 1, 255))
        .where(device.c.number == snapshot.c.device)
        .scalar_subquery()
    )
    op.execute(sa.update(snapshot).values(system=told))
