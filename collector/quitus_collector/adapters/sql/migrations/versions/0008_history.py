"""What counting knows of devices, now and before; entitlements and catalogues with their time.

Revision: 0008
After: 0007
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from quitus_collector.adapters.sql.tables import Moment

revision = "0008"
down_revision = "0007"

row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the tables; history begins when the fleet is first recognised after this."""
    _create_interned("product", sa.Column("name", sa.String(255), nullable=False), key="name")
    _create_interned("product_set", _bytes("digest"), _bytes("products"), key="digest")
    names = (sa.Column(name, sa.String, nullable=False) for name in ("name", "publisher"))
    _create_interned("unknown_name", _bytes("digest"), *names, key="digest")
    op.create_table(
        "snapshot",
        sa.Column("device", row_id, autoincrement=False),
        *_counted(),
        sa.PrimaryKeyConstraint("device", name="pk_snapshot"),
        _to_products("snapshot"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot_before",
        sa.Column("device", row_id, nullable=False),
        *_counted(),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("device", "since", name="pk_snapshot_before"),
        _to_products("snapshot_before"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_snapshot_before_until", "snapshot_before", ["until"])
    op.create_table(
        "silence",
        sa.Column("device", row_id, autoincrement=False),
        sa.Column("since", Moment, autoincrement=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("device", "since", name="pk_silence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalogue_version",
        sa.Column("id", row_id),
        sa.Column("since", Moment, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_version"),
    )
    op.create_table(
        "retention",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("before", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention"),
    )
    with op.batch_alter_table("evidence") as evidence:
        evidence.add_column(
            sa.Column("pending", sa.Boolean, nullable=False, server_default=sa.true())
        )
    with op.batch_alter_table("entitlement") as entitlement:
        # Of what was there before, nobody knows since when.
        entitlement.add_column(sa.Column("since", Moment, nullable=False, server_default="0"))
        entitlement.add_column(sa.Column("until", Moment))
    with op.batch_alter_table("entitlement") as entitlement:
        entitlement.drop_constraint("pk_entitlement", type_="primary")
        entitlement.create_primary_key("pk_entitlement", ["id", "since"])
        entitlement.alter_column("since", server_default=None, existing_type=Moment)
    _take_snapshots()


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _create_interned(table: str, *columns: sa.Column[Any], key: str) -> None:
    op.create_table(
        table,
        sa.Column("id", row_id),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(key, name=f"uq_{table}_{key}"),
    )


def _to_products(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["products"], ["product_set.id"], name=f"fk_{table}_products")


def _counted() -> Iterator[sa.Column[Any]]:
    yield sa.Column("since", Moment, nullable=False)
    yield sa.Column("id", sa.String(36), nullable=False)
    yield sa.Column("name", sa.String(255), nullable=False)
    yield sa.Column("entity", sa.String(64))
    yield sa.Column("standing", sa.String(16), nullable=False)
    for name in ("reported", "failed"):
        yield sa.Column(name, sa.Boolean, nullable=False)
    yield sa.Column("person", sa.String(255))
    for name in ("portable", "virtual"):
        yield sa.Column(name, sa.Boolean, nullable=False)
    yield sa.Column("smbios_uuid", sa.String(255), nullable=False)
    yield sa.Column("guests", sa.JSON)
    for name in ("processors", "cores"):
        yield sa.Column(name, sa.Integer, nullable=False)
    yield sa.Column("products", row_id)
    yield sa.Column("unknown", sa.LargeBinary, nullable=False)


def _take_snapshots() -> None:
    connection = op.get_bind()
    device = sa.table(
        "device",
        *map(sa.column, ("number", "id", "hostname", "entity", "standing", "last_report_at")),
        sa.column("facts", sa.JSON),
        sa.column("outcomes"),
    )
    outcomes = sa.table("outcomes", sa.column("id"), sa.column("sources", sa.JSON))
    failed = {
        row.id: any(each["status"] == "failed" for each in row.sources)
        for row in connection.execute(sa.select(outcomes))
    }
    snapshot = sa.table("snapshot", sa.column("device"), *_counted())
    for row in connection.execute(sa.select(device)).all():
        facts = row.facts
        values = {
            "device": row.number,
            "id": row.id,
            "name": facts.get("hostname") or row.hostname or row.id,
            "entity": row.entity,
            "standing": row.standing,
            "reported": row.last_report_at is not None,
            "failed": failed[row.outcomes],
            "person": facts.get("primary_user") or None,
            "portable": facts.get("portable", False),
            "virtual": facts.get("kind") == "virtual",
            "smbios_uuid": facts.get("smbios_uuid", "").lower(),
            "guests": facts.get("guests") or sa.null(),
            "processors": facts.get("processors", 0),
            "cores": facts.get("cores", 0),
            "products": None,
            "unknown": b"",
        }
        statement = sa.insert(snapshot).values(values)
        connection.execute(statement.values(since=_EPOCH))


_EPOCH = sa.literal(0, sa.BigInteger)
