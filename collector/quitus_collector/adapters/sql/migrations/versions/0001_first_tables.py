"""First tables: devices, join tokens, software, installs, entitlements.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

time = sa.DateTime(timezone=True)
row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "device",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("hostname", sa.String(255), nullable=False),
        sa.Column("public_key_sha256", sa.String(64), nullable=False),
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("entity", sa.String(64)),
        sa.Column("enrolled_at", time, nullable=False),
        sa.Column("certificate_expires_at", time, nullable=False),
        sa.Column("last_report_at", time),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("public_key_sha256", name="uq_device_public_key_sha256"),
    )
    op.create_table(
        "join_token",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(64)),
        sa.Column("uses_allowed", sa.Integer, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_join_token"),
        sa.UniqueConstraint("secret_sha256", name="uq_join_token_secret_sha256"),
    )
    op.create_table(
        "software",
        sa.Column("id", row_id, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("publisher", sa.String, nullable=False),
        sa.Column("architecture", sa.String, nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("identifiers", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_software"),
        sa.UniqueConstraint("digest", name="uq_software_digest"),
    )
    op.create_table(
        "install",
        sa.Column("device_id", sa.String(36), nullable=False),
        sa.Column("software_id", row_id, nullable=False),
        sa.PrimaryKeyConstraint("device_id", "software_id", name="pk_install"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name="fk_install_device_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["software_id"], ["software.id"], name="fk_install_software_id"),
    )
    op.create_index("ix_install_software_id", "install", ["software_id"])
    op.create_table(
        "entitlement",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("downgrade", sa.Boolean, nullable=False),
        sa.Column("bound_to", sa.String(255)),
        sa.Column("entity", sa.String(64)),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("proof", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement"),
    )
