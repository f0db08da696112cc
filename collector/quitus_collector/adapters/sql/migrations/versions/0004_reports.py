"""What reports build on: digests and receipts; and what tells devices apart.

Revision: 0004
After: 0003
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the columns; devices that reported before are asked for their whole inventory once."""
    with op.batch_alter_table("device") as device:
        device.add_column(sa.Column("installs", sa.Integer, nullable=False, server_default="0"))
        for name, length in (
            ("digest", 64),
            ("receipt", 64),
            ("shown", 64),
            ("standing_reason", 255),
            ("rival", 36),
            ("smbios_uuid", 255),
            ("serial", 255),
            ("machine_id", 255),
        ):
            device.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=""))
        device.add_column(
            sa.Column("standing", sa.String(16), nullable=False, server_default="active")
        )
        for name in ("smbios_uuid", "serial", "machine_id"):
            device.create_index(f"ix_device_{name}", [name])
    op.execute(
        "UPDATE device SET installs ="
        " (SELECT count(*) FROM install WHERE install.device_id = device.id)"
    )
    _digest_records()


def _digest_records() -> None:
    """Gives each software record the digest that the wire knows it by."""
    connection = op.get_bind()
    software = sa.table(
        "software",
        *map(sa.column, ("id", "digest", "name", "version", "publisher", "architecture")),
        *map(sa.column, ("source", "scope", "hidden")),
        sa.column("identifiers", sa.JSON),
    )
    changes = [
        {
            "number": row.id,
            "new_digest": hashlib.sha256(
                "\0".join(
                    (
                        *(row.name, row.version, row.publisher, row.architecture),
                        *(row.source, row.scope, "hidden" if row.hidden else ""),
                        *(text for pair in sorted(row.identifiers.items()) for text in pair),
                    )
                ).encode()
            ).hexdigest(),
        }
        for row in connection.execute(sa.select(software))
    ]
    if changes:
        statement = sa.update(software).where(software.c.id == sa.bindparam("number"))
        connection.execute(statement.values(digest=sa.bindparam("new_digest")), changes)
