"""The schema, as the newest migration leaves it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    literal_column,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it without its zone, which is given back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times: they would silently mean the server's zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware time as microseconds since 1970: what history has many of is kept short."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuses naive times."""
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Always aware, UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


# Row numbers of 64 bits; SQLite gives out numbers by itself only to a column of type INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

# Of tables whose rows are each one of a device: it is in every key, so that they can be
# distributed by it; on PostgreSQL they lie in partitions by its hash.
PER_DEVICE: dict[str, Any] = {
    "sqlite_with_rowid": False,
    "postgresql_partition_by": "HASH (device)",
}

# `number` is what other tables know a device by; none is given twice, not even after a removal.
device = Table(
    "device",
    metadata,
    Column("number", RowId, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("hostname", String(255), nullable=False),
    Column("public_key_sha256", String(64), nullable=False, unique=True),
    Column("token_id", String(32), nullable=False),
    Column("entity", String(64)),
    Column("company_name", String(255), nullable=False, server_default="", index=True),
    Column("enrolled_at", UTCDateTime, nullable=False),
    Column("certificate_expires_at", UTCDateTime, nullable=False, index=True),
    Column("next_key_sha256", String(64), unique=True),
    Column("revoked_at", UTCDateTime),
    Column("trust_digest", String(64), nullable=False, server_default=""),
    Column("last_report_at", UTCDateTime),
    # DeviceFacts and SourceOutcomes of the last report; facts that are empty are left out.
    Column("facts", JSON, nullable=False),
    Column("outcomes", ForeignKey("outcomes.id"), nullable=False),
    Column("installs", Integer, nullable=False, server_default="0"),
    # Hex: the inventory's digest, the receipt given last, and the one that was shown for it.
    Column("digest", String(64), nullable=False, server_default=""),
    Column("receipt", String(64), nullable=False, server_default=""),
    Column("shown", String(64), nullable=False, server_default=""),
    Column("standing", String(16), nullable=False, server_default="active"),
    Column("standing_reason", String(255), nullable=False, server_default=""),
    Column("rival", String(36), nullable=False, server_default=""),
    Column("agent_version", String(64), nullable=False, server_default=""),
    # The fingerprint of `facts`, where it says something, to find devices that are alike.
    Column("smbios_uuid", String(255), nullable=False, server_default="", index=True),
    Column("serial", String(255), nullable=False, server_default="", index=True),
    Column("machine_id", String(255), nullable=False, server_default="", index=True),
    Column("disk_id", String(255), nullable=False, server_default="", index=True),
    sqlite_autoincrement=True,
)

Index(
    "ix_device_revoked_at",
    device.c.revoked_at,
    sqlite_where=device.c.revoked_at.is_not(None),
    postgresql_where=device.c.revoked_at.is_not(None),
)

# How reading each source went: a few lists that most devices share.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", RowId, primary_key=True),
    # SHA-256 of the list.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("sources", JSON, nullable=False),
)

join_token = Table(
    "join_token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("label", String(255), nullable=False),
    Column("entity", String(64)),
    Column("uses_allowed", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
)

# Devices that wait for a person, and those that were denied; gone once they are let in.
enrolment_request = Table(
    "enrolment_request",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("public_key_sha256", String(64), nullable=False, unique=True),
    Column("hostname", String(255), nullable=False),
    Column("address", String(255), nullable=False),
    Column("requested_at", UTCDateTime, nullable=False),
    Column("approved", Boolean),
    Column("entity", String(64)),
)

# Authorities outside, whose machine certificates let devices in.
company_authority = Table(
    "company_authority",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("certificates", Text, nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
    Column("names", String(255), nullable=False),
    Column("entity", String(64)),
    Column("revocations", Text, nullable=False),
)

# Append-only; the number is the primary key, so that two writers cannot continue the same entry.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", JSON, nullable=False),
    # SHA-256 over the digest before and everything above, hex.
    Column("digest", String(64), nullable=False),
)

# A distinct software record, kept once for the whole fleet.
software = Table(
    "software",
    metadata,
    Column("id", RowId, primary_key=True),
    # SHA-256 of everything that makes two records the same one.
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("publisher", String, nullable=False),
    Column("architecture", String, nullable=False),
    Column("source", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("identifiers", JSON, nullable=False),
    Column("hidden", Boolean, nullable=False, server_default=false()),
)

# A set of records, kept once however many devices have just these.
software_set = Table(
    "software_set",
    metadata,
    Column("id", RowId, primary_key=True),
    # SHA-256 of `records`.
    Column("digest", LargeBinary, nullable=False, unique=True),
    # Numbers of `software`, as packed.pack_numbers has them.
    Column("records", LargeBinary, nullable=False),
)

# What a device has now; one that has never reported has none.
evidence = Table(
    "evidence",
    metadata,
    Column("device", ForeignKey("device.number"), primary_key=True, autoincrement=False),
    Column("software_set", ForeignKey("software_set.id"), nullable=False, index=True),
    # When each of the set's records was installed here, as packed.pack_days has it.
    Column("days", LargeBinary, nullable=False),
    # How many changes there were.
    Column("revision", Integer, nullable=False),
    **PER_DEVICE,
)

# Devices of which nothing was recognised since they last changed; in a table of its own, as a row
# of evidence would else be written twice for each report.
pending = Table(
    "pending",
    metadata,
    Column("device", RowId, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Append-only: what became different with which report. A removed device leaves its changes here.
change = Table(
    "change",
    metadata,
    Column("device", RowId, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    # When the device had last reported before it; None where this came with its first report.
    Column("seen", Moment),
    # As packed.pack_rows has them. The first change brought all that the later ones leave: there
    # `added` is None.
    Column("added", LargeBinary),
    Column("removed", LargeBinary, nullable=False),
    **PER_DEVICE,
)

# A licensable product as it is counted, its version included.
product = Table(
    "product",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
)

# The licensable products of a device: a few sets that most devices share.
product_set = Table(
    "product_set",
    metadata,
    Column("id", RowId, primary_key=True),
    # SHA-256 of `products`.
    Column("digest", LargeBinary, nullable=False, unique=True),
    # Numbers of `product`, as packed.pack_numbers has them.
    Column("products", LargeBinary, nullable=False),
)

# A name that no rule knows, with its publisher.
unknown_name = Table(
    "unknown_name",
    metadata,
    Column("id", RowId, primary_key=True),
    # SHA-256 of both.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("publisher", String, nullable=False),
)


def _counted() -> list[Column[Any]]:
    """What counting takes from a device, and since when that is so."""
    return [
        Column("since", Moment, nullable=False),
        Column("id", String(36), nullable=False),
        Column("name", String(255), nullable=False),
        Column("entity", String(64)),
        Column("standing", String(16), nullable=False),
        Column("reported", Boolean, nullable=False),
        Column("failed", Boolean, nullable=False),
        Column("person", String(255)),
        Column("portable", Boolean, nullable=False),
        Column("virtual", Boolean, nullable=False),
        Column("smbios_uuid", String(255), nullable=False),
        # None where it hosts none.
        Column("guests", JSON(none_as_null=True)),
        Column("processors", Integer, nullable=False),
        Column("cores", Integer, nullable=False),
        # None where the device told none, and in history from before it was kept.
        Column("system", String(255)),
        # None where nothing was recognised yet.
        Column("products", ForeignKey("product_set.id")),
        # Numbers of `unknown_name`, as packed.pack_few has them.
        Column("unknown", LargeBinary, nullable=False),
    ]


# Each device as counting knows it now.
snapshot = Table(
    "snapshot",
    metadata,
    Column("device", RowId, primary_key=True, autoincrement=False),
    *_counted(),
    **PER_DEVICE,
)

# The list of devices is turned by name; what few of them are is found by itself.
Index("ix_snapshot_name", snapshot.c.name, snapshot.c.device)
Index(
    "ix_snapshot_standing",
    snapshot.c.standing,
    snapshot.c.name,
    sqlite_where=snapshot.c.standing != literal_column("'active'"),
    postgresql_where=snapshot.c.standing != literal_column("'active'"),
)
Index(
    "ix_snapshot_failed",
    snapshot.c.name,
    sqlite_where=snapshot.c.failed == literal_column("1"),
    postgresql_where=snapshot.c.failed,
)

# As counting knew it, `until` excluded; those of removed devices stay.
snapshot_before = Table(
    "snapshot_before",
    metadata,
    Column("device", RowId, nullable=False),
    *_counted(),
    Column("until", Moment, nullable=False, index=True),
    PrimaryKeyConstraint("device", "since"),
    **PER_DEVICE,
)

# A device that was not heard for more than a week.
silence = Table(
    "silence",
    metadata,
    Column("device", RowId, primary_key=True, autoincrement=False),
    Column("since", Moment, primary_key=True, autoincrement=False),
    Column("until", Moment, nullable=False),
    **PER_DEVICE,
)

# What was counted by, from when on.
catalogue_version = Table(
    "catalogue_version",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    # catalogue.CountingTerms, as JSON, deflated.
    Column("terms", LargeBinary, nullable=False),
)

# One row: nothing is kept that ended before.
retention = Table(
    "retention",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("before", Moment, nullable=False),
    # How often numbers were taken away from what nothing names any more.
    Column("purges", Integer, nullable=False, server_default="0"),
)

# A line stays when another one takes its place or it is removed, `until` excluded.
entitlement = Table(
    "entitlement",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("since", Moment, primary_key=True, autoincrement=False),
    Column("until", Moment),
    Column("product", String(255), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("metric", String(32), nullable=False),
    Column("downgrade", Boolean, nullable=False),
    Column("bound_to", String(255)),
    Column("entity", String(64)),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("proof", String, nullable=False),
    Column("edition_downgrade", Boolean, nullable=False, server_default=false()),
    Column("maintenance_until", Date),
    Column("second_use", Boolean, nullable=False, server_default=false()),
    Column("devices_per_user", Integer),
    Column("virtual_machines", Integer),
    Column("requires_base", String(255)),
    Column("channel", String(32), nullable=False, server_default="unstated"),
    # What the document of purchase writes.
    Column("part_number", String(255), nullable=False, server_default=""),
    Column("bought_as", String(1000), nullable=False, server_default=""),
    # Of used licences: the former owners, the first one first; a country's code, or EEA.
    Column("previous_owners", JSON, nullable=False, server_default="[]"),
    Column("first_sale", String(3), nullable=False, server_default=""),
    Column("perpetual", Boolean),
    # Whose doing it is that the line is so, and that it is no more.
    Column("added_by", String(255), nullable=False, server_default=""),
    Column("added_reason", String(1000), nullable=False, server_default=""),
    Column("ended_by", String(255), nullable=False, server_default=""),
    Column("ended_reason", String(1000), nullable=False, server_default=""),
)

# A line of the price list stays when another one takes its place or it is removed, `until`
# excluded. `licence` is what is bought, by field; the amount is exact, as it is written.
price = Table(
    "price",
    metadata,
    Column("number", RowId, primary_key=True),
    Column("id", String(255), nullable=False, index=True),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("licence", JSON, nullable=False),
    Column("amount", String(32), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("source", String(255), nullable=False),
    Column("added_by", String(255), nullable=False, server_default=""),
    Column("added_reason", String(1000), nullable=False, server_default=""),
    Column("ended_by", String(255), nullable=False, server_default=""),
    Column("ended_reason", String(1000), nullable=False, server_default=""),
)

# A document that proves a line, which may be gone; what was taken off stays, with who did it.
proof = Table(
    "proof",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("entitlement", String(255), nullable=False, index=True),
    # Of the file's content, hex: what it is kept under.
    Column("sha256", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
    Column("added_by", String(255), nullable=False),
    Column("removed_at", UTCDateTime),
    Column("removed_by", String(255), nullable=False, server_default=""),
    Column("reason", String(1000), nullable=False, server_default=""),
)

# What people say of a device; it stays when something else is said, `until` excluded.
placement = Table(
    "placement",
    metadata,
    Column("device", RowId, primary_key=True, autoincrement=False),
    Column("since", Moment, primary_key=True, autoincrement=False),
    Column("until", Moment),
    Column("device_id", String(36), nullable=False),
    Column("entity", String(64)),
    Column("site", String(255), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("reason", String(1000), nullable=False),
)

# Installs that need no licence on devices of a role; kept as placements are.
exemption = Table(
    "exemption",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("since", Moment, primary_key=True, autoincrement=False),
    Column("until", Moment),
    Column("product", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("evidence", String(1000), nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
)

# How the company reads a contested rule of the catalogue; kept as placements are.
reading = Table(
    "reading",
    metadata,
    Column("rule", String(64), primary_key=True),
    Column("since", Moment, primary_key=True, autoincrement=False),
    Column("until", Moment),
    Column("reading", String(16), nullable=False),
    Column("reason", String(1000), nullable=False),
)

# Names of legal entities; `head` is the SIREN or the name of the group that one belongs to.
legal_entity = Table(
    "legal_entity",
    metadata,
    Column("siren", String(9), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("head", String(255), nullable=False),
)

# The figures of a day, to be drawn over time.
measurement = Table(
    "measurement",
    metadata,
    Column("day", Date, primary_key=True),
    Column("enrolled", Integer, nullable=False),
    Column("reporting", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    Column("undetermined", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
)
