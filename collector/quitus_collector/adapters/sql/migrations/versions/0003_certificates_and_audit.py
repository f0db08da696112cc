"""Renewed and revoked certificates, devices that wait for a person, the audit log.

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds columns and tables; devices that were there before are neither renewed nor revoked."""
    with op.batch_alter_table("device") as device:
        device.add_column(sa.Column("next_key_sha256", sa.String(64)))
        device.add_column(sa.Column("revoked_at", UTCDateTime))
        device.add_column(
            sa.Column("trust_digest", sa.String(64), nullable=False, server_default="")
        )
        device.create_unique_constraint("uq_device_next_key_sha256", ["next_key_sha256"])
    op.create_table(
        "enrolment_request",
        sa.Column("id", sa.String(32)),
        sa.Column("public_key_sha256", sa.String(64), nullable=False),
        sa.Column("hostname", sa.String(255), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.Column("approved", sa.Boolean),
        sa.Column("entity", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_enrolment_request"),
        sa.UniqueConstraint("public_key_sha256", name="uq_enrolment_request_public_key_sha256"),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, autoincrement=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
