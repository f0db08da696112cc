"""Shared sets of records instead of pairs, what changes from now on, numbers for devices.

Revision: 0007
After: 0006
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.packed import pack_days, pack_numbers
from quitus_collector.adapters.sql.tables import Moment

revision = "0007"
down_revision = "0006"

row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Rewrites what each device has; what it had before this day is not known."""
    op.create_table(
        "outcomes",
        sa.Column("id", row_id),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("digest", name="uq_outcomes_digest"),
    )
    op.create_table(
        "software_set",
        sa.Column("id", row_id),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("records", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_software_set"),
        sa.UniqueConstraint("digest", name="uq_software_set_digest"),
    )
    op.create_table(
        "change",
        sa.Column("device", row_id, autoincrement=False),
        sa.Column("revision", sa.Integer, autoincrement=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("seen", Moment),
        sa.Column("added", sa.LargeBinary),
        sa.Column("removed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("device", "revision", name="pk_change"),
        sqlite_with_rowid=False,
    )
    _number_devices()
    op.create_table(
        "evidence",
        sa.Column("device", row_id, autoincrement=False),
        sa.Column("software_set", row_id, nullable=False),
        sa.Column("days", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_evidence"),
        sa.ForeignKeyConstraint(["device"], ["device.number"], name="fk_evidence_device"),
        sa.ForeignKeyConstraint(
            ["software_set"], ["software_set.id"], name="fk_evidence_software_set"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_evidence_software_set", "evidence", ["software_set"])
    _gather_installs()
    op.drop_table("install")


def _number_devices() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint("fk_install_device_id", "install", type_="foreignkey")
        op.drop_constraint("pk_device", "device", type_="primary")
        op.execute("ALTER TABLE device ADD COLUMN number BIGSERIAL")
        op.create_primary_key("pk_device", "device", ["number"])
        op.create_unique_constraint("uq_device_id", "device", ["id"])
        op.add_column("device", sa.Column("outcomes", row_id))
    else:
        with op.batch_alter_table(
            "device", recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ) as device:
            device.drop_constraint("pk_device", type_="primary")
            device.add_column(sa.Column("number", row_id, primary_key=True), insert_before="id")
            device.create_primary_key("pk_device", ["number"])
            device.create_unique_constraint("uq_device_id", ["id"])
            device.add_column(sa.Column("outcomes", row_id))
    _share_outcomes(connection)
    with op.batch_alter_table("device") as device:
        device.alter_column("outcomes", nullable=False, existing_type=row_id)
        device.create_foreign_key("fk_device_outcomes", "outcomes", ["outcomes"], ["id"])
        device.drop_column("sources")


def _share_outcomes(connection: sa.Connection) -> None:
    device = sa.table(
        "device",
        *map(sa.column, ("number", "outcomes")),
        *(sa.column(name, sa.JSON) for name in ("facts", "sources")),
    )
    outcomes = sa.table(
        "outcomes", *map(sa.column, ("id", "digest")), sa.column("sources", sa.JSON)
    )
    known: dict[bytes, int] = {}
    for row in connection.execute(sa.select(device)).all():
        digest = hashlib.sha256(json.dumps(row.sources, sort_keys=True).encode()).digest()
        if digest not in known:
            known[digest] = len(known) + 1
            values = {"digest": digest, "sources": row.sources}
            connection.execute(sa.insert(outcomes).values(id=known[digest], **values))
        facts = {name: value for name, value in row.facts.items() if value not in _UNTOLD}
        connection.execute(
            sa.update(device)
            .where(device.c.number == row.number)
            .values(outcomes=known[digest], facts=facts)
        )
    if known and connection.dialect.name == "postgresql":
        op.execute(f"SELECT setval('outcomes_id_seq', {len(known)})")


# What a fact is that a device did not tell.
_UNTOLD: tuple[object, ...] = ("", 0, [], None, "unknown")


def _gather_installs() -> None:
    connection = op.get_bind()
    device = sa.table("device", *map(sa.column, ("number", "id")))
    install = sa.table("install", *map(sa.column, ("device_id", "software_id", "installed_on")))
    query = (
        sa.select(
            device.c.number,
            install.c.software_id,
            install.c.installed_on,
        )
        .join(install, install.c.device_id == device.c.id)
        .order_by(device.c.number, install.c.software_id)
    )
    known: dict[bytes, int] = {}
    found = connection.execute(query, execution_options={"yield_per": 10_000})
    for rows in _by_device(found):
        records = pack_numbers([row.software_id for row in rows])
        digest = hashlib.sha256(records).digest()
        if digest not in known:
            known[digest] = len(known) + 1
            _insert("software_set", id=known[digest], digest=digest, records=records)
        number = rows[0].number
        _insert(
            "evidence",
            device=number,
            software_set=known[digest],
            days=pack_days([row.installed_on for row in rows]),
            revision=0,
        )
    if known and connection.dialect.name == "postgresql":
        op.execute(f"SELECT setval('software_set_id_seq', {len(known)})")


def _by_device(rows: sa.CursorResult[Any]) -> Iterator[list[sa.Row[Any]]]:
    return (list(each) for _, each in groupby(rows, key=lambda row: row.number))


def _insert(table: str, **values: object) -> None:
    into = sa.table(table, *map(sa.column, values))
    op.get_bind().execute(sa.insert(into).values(values))
