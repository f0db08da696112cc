"""What people decide of devices, role, site, entity, whether they count, and of contested rules.

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import Moment, RowId

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Adds the tables; nothing was decided before."""
    op.create_table(
        "placement",
        sa.Column("device", RowId, autoincrement=False),
        sa.Column("since", Moment, autoincrement=False),
        sa.Column("until", Moment),
        sa.Column("device_id", sa.String(36), nullable=False),
        sa.Column("entity", sa.String(64)),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("device", "since", name="pk_placement"),
    )
    op.create_table(
        "exemption",
        sa.Column("id", sa.String(64)),
        sa.Column("since", Moment, autoincrement=False),
        sa.Column("until", Moment),
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("evidence", sa.String(1000), nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.PrimaryKeyConstraint("id", "since", name="pk_exemption"),
    )
    op.create_table(
        "reading",
        sa.Column("rule", sa.String(64)),
        sa.Column("since", Moment, autoincrement=False),
        sa.Column("until", Moment),
        sa.Column("reading", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("rule", "since", name="pk_reading"),
    )
    op.create_table(
        "legal_entity",
        sa.Column("siren", sa.String(9)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("head", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("siren", name="pk_legal_entity"),
    )
