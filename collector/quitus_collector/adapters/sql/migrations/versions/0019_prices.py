"""The company's price list.

Revision: 0019
After: 0018
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import Moment

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Adds the table: no price was known before."""
    op.create_table(
        "price",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite")),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("since", Moment, nullable=False),
        sa.Column("until", Moment),
        sa.Column("licence", sa.JSON, nullable=False),
        sa.Column("amount", sa.String(32), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        _text("added_by", 255),
        _text("added_reason", 1000),
        _text("ended_by", 255),
        _text("ended_reason", 1000),
        sa.PrimaryKeyConstraint("number", name="pk_price"),
    )
    op.create_index("ix_price_id", "price", ["id"])


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")
