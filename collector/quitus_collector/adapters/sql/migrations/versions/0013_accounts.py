"""Accounts of the console, its sessions, tokens of its API, jobs.

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import UTCDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Adds the tables, empty: nobody could sign in before."""
    op.create_table(
        "account",
        sa.Column("id", sa.String(24)),
        sa.Column("name_key", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name_key", name="uq_account_name_key"),
    )
    op.create_index("ix_account_subject", "account", ["subject"])
    op.create_table(
        "session",
        sa.Column("id", sa.String(64)),
        sa.Column("account", sa.String(24), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("began_at", UTCDateTime, nullable=False),
        sa.Column("seen_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
    )
    op.create_index("ix_session_account", "session", ["account"])
    op.create_index("ix_session_seen_at", "session", ["seen_at"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(24)),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("secret_sha256", name="uq_api_token_secret_sha256"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(24)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime),
        sa.Column("record", sa.JSON, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_state_made_at", "job", ["state", "made_at"])
