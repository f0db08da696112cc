"""How entitlements were bought, who changed them and why, and the documents that prove them.

Revision: 0010
After: 0009
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0010"
down_revision = "0009"

row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the columns and the table; of what was there before, nothing of it is known."""
    with op.batch_alter_table("entitlement") as entitlement:
        entitlement.add_column(
            sa.Column("channel", sa.String(32), nullable=False, server_default="unstated")
        )
        for name, length in (
            ("part_number", 255),
            ("bought_as", 1000),
            ("first_sale", 3),
            ("added_by", 255),
            ("added_reason", 1000),
            ("ended_by", 255),
            ("ended_reason", 1000),
        ):
            entitlement.add_column(_text(name, length))
        entitlement.add_column(
            sa.Column("previous_owners", sa.JSON, nullable=False, server_default="[]")
        )
        entitlement.add_column(sa.Column("perpetual", sa.Boolean))
    op.create_table(
        "proof",
        sa.Column("id", row_id),
        sa.Column("entitlement", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.Column("added_by", sa.String(255), nullable=False),
        sa.Column("removed_at", UTCDateTime),
        _text("removed_by", 255),
        _text("reason", 1000),
        sa.PrimaryKeyConstraint("id", name="pk_proof"),
    )
    op.create_index("ix_proof_entitlement", "proof", ["entitlement"])


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")
