"""The tables of the console: accounts, sessions, tokens of its API, jobs, notices."""

from sqlalchemy import JSON, Column, Index, LargeBinary, String, Table

from quitus_collector.adapters.sql.tables import UTCDateTime, metadata

__all__ = ["metadata"]

# `record` has what the columns do not; `name_key` is the name without the case of its letters.
account = Table(
    "account",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name_key", String(255), nullable=False, unique=True),
    Column("subject", String(255), nullable=False, index=True),
    Column("record", JSON, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", String(24), nullable=False, index=True),
    Column("stage", String(16), nullable=False),
    Column("began_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False, index=True),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("made_at", UTCDateTime, nullable=False),
    Column("record", JSON, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Column("record", JSON, nullable=False),
    Column("content", LargeBinary),
    Index("ix_job_state_made_at", "state", "made_at"),
)

# `mark` is the SHA-256 of a notice's key, hex; `way` is how it was told.
notice = Table(
    "notice",
    metadata,
    Column("way", String(64), primary_key=True),
    Column("mark", String(64), primary_key=True),
    Column("told_at", UTCDateTime, nullable=False),
)
