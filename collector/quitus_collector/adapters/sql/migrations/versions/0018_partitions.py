"""Partitions by the hash of the device on PostgreSQL, and a list of devices to be recognised.

Revision: 0018
After: 0017
"""

from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

PARTITIONS = 4


class Index(NamedTuple):
    """`where` is the condition of a partial one."""

    name: str
    columns: str
    where: str = ""


class Table(NamedTuple):
    """What a table has beside its columns; `references` are (column, table, column there)."""

    key: str
    references: tuple[tuple[str, str, str], ...] = ()
    indexes: tuple[Index, ...] = ()


TABLES = {
    "evidence": Table(
        "device",
        (("device", "device", "number"), ("software_set", "software_set", "id")),
        (Index("ix_evidence_software_set", "software_set"),),
    ),
    "change": Table("device, revision"),
    "snapshot": Table(
        "device",
        (("products", "product_set", "id"),),
        (
            Index("ix_snapshot_name", "name, device"),
            Index("ix_snapshot_standing", "standing, name", "standing <> 'active'"),
            Index("ix_snapshot_failed", "name", "failed"),
        ),
    ),
    "snapshot_before": Table(
        "device, since",
        (("products", "product_set", "id"),),
        (Index("ix_snapshot_before_until", "until"),),
    ),
    "silence": Table("device, since"),
}


def upgrade() -> None:
    """Writes the rows over; keys and indexes are made afterwards, which is faster.

    Nothing refers to these tables, so that nothing else is touched. SQLite has no partitions.
    """
    _list_pending()
    if op.get_bind().dialect.name == "postgresql":
        for name, table in TABLES.items():
            _partition(name, table)


def _list_pending() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "pending",
        sa.Column("device", row_id, autoincrement=False),
        sa.PrimaryKeyConstraint("device", name="pk_pending"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO pending SELECT device FROM evidence WHERE pending")
    op.drop_index("ix_evidence_pending", "evidence")
    with op.batch_alter_table("evidence", table_kwargs={"sqlite_with_rowid": False}) as evidence:
        evidence.drop_column("pending")


def _partition(name: str, table: Table) -> None:
    op.execute(f"ALTER TABLE {name} RENAME TO {name}_whole")
    op.execute(
        f"CREATE TABLE {name} (LIKE {name}_whole INCLUDING DEFAULTS) PARTITION BY HASH (device)"
    )
    for part in range(PARTITIONS):
        op.execute(
            f"CREATE TABLE {name}_{part} PARTITION OF {name} "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {part})"
        )
    op.execute(f"INSERT INTO {name} SELECT * FROM {name}_whole")  # noqa: S608  # constants
    op.execute(f"DROP TABLE {name}_whole")
    op.execute(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY ({table.key})")
    for column, other, key in table.references:
        op.execute(
            f"ALTER TABLE {name} ADD CONSTRAINT fk_{name}_{column} "
            f"FOREIGN KEY ({column}) REFERENCES {other} ({key})"
        )
    for index in table.indexes:
        where = f" WHERE {index.where}" if index.where else ""
        op.execute(f"CREATE INDEX {index.name} ON {name} ({index.columns}){where}")
