"""The price list: services.ports.Prices on one SQL connection."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from quitus_collector.adapters.sql import tables
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.holding import NOBODY, Act
from quitus_collector.domain.price import HeldPrice, Key, Price


class SQLPrices:
    """Implements ports.Prices."""

    # Of the lock that who changes the list takes; any number that nothing else here uses.
    LOCK = 0x71756974757370

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._now = now

    def hold(self) -> None:
        """Others wait: what is read from here on is what the change is made of.

        On SQLite a writing transaction has the database to itself anyway.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(func.pg_advisory_xact_lock(self.LOCK)))

    def add(self, price: Price, act: Act = NOBODY) -> None:
        """Keeps a line; one with the same key is what the list said before."""
        self.remove(price.key, act)
        values = {
            "id": price.licence.id,
            "valid_from": price.valid_from,
            "valid_until": price.valid_until,
            "since": self._now,
            "licence": _document(price.licence),
            "amount": str(price.amount),
            "currency": price.currency,
            "source": price.source,
            "added_by": act.actor,
            "added_reason": act.reason,
        }
        self._connection.execute(insert(tables.price).values(values))

    def list(self, at: datetime | None = None) -> Sequence[Price]:
        """All that are known, or were at that time, by id and first day."""
        table = tables.price
        lasts = table.c.until.is_(None)
        query = select(table).where(lasts)
        if at:
            query = select(table).where(table.c.since <= at, or_(lasts, table.c.until > at))
        return sorted(map(_price, self._connection.execute(query)), key=_order)

    def remove(self, key: Key, act: Act = NOBODY) -> None:
        """Takes the line off the list from now on."""
        table = tables.price
        price_id, start = key
        begins = table.c.valid_from.is_(None) if start is None else table.c.valid_from == start
        present = (table.c.id == price_id, begins, table.c.until.is_(None))
        # What came only now was never on the list before.
        self._connection.execute(delete(table).where(*present, table.c.since >= self._now))
        ended = {"until": self._now, "ended_by": act.actor, "ended_reason": act.reason}
        self._connection.execute(update(table).where(*present).values(ended))

    def history(self, price_id: str | None = None) -> Sequence[HeldPrice]:
        """What the lines of an offer, or all, have said, by id, oldest first."""
        table = tables.price
        query = select(table)
        if price_id is not None:
            query = query.where(table.c.id == price_id)
        held = (
            HeldPrice(
                _price(row),
                row.since,
                row.until,
                Act(row.added_by, row.added_reason),
                Act(row.ended_by, row.ended_reason),
            )
            for row in self._connection.execute(query)
        )
        return sorted(held, key=lambda each: (*_order(each.price), each.since))


def _order(price: Price) -> tuple[str, date]:
    return price.licence.id, price.valid_from or date.min


def _document(licence: Entitlement) -> dict[str, Any]:
    """The fields that say something."""
    found = {}
    for each in fields(Entitlement):
        value = getattr(licence, each.name)
        if value != each.default:
            found[each.name] = value.isoformat() if isinstance(value, date) else value
    return found


def _price(row: Row[Any]) -> Price:
    told = dict(row.licence)
    for name in ("valid_from", "valid_until", "maintenance_until"):
        if name in told:
            told[name] = date.fromisoformat(told[name])
    told["metric"] = Metric(told.get("metric", Metric.DEVICE))
    told["channel"] = Channel(told.get("channel", Channel.UNSTATED))
    told["previous_owners"] = tuple(told.get("previous_owners", ()))
    return Price(
        Entitlement(**told),
        Decimal(row.amount),
        row.currency,
        row.source,
        row.valid_from,
        row.valid_until,
    )
