"""The licence pools and what proves them on one SQL connection; services.ports has the promises."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.statements import hold
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.holding import NOBODY, Act, Held
from quitus_collector.domain.proof import Proof, ProofKind


class SQLEntitlements:
    """Implements ports.Entitlements."""

    # Of the lock that who changes lines takes; any number that nothing else here uses.
    LOCK = 0x7175697475732E65

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._now = now

    def hold(self) -> None:
        """Others wait: what is read from here on is what the change is made of."""
        hold(self._connection, self.LOCK)

    def add(self, entitlement: Entitlement, act: Act = NOBODY) -> None:
        """Keeps a line; one with the same id is what was owned before."""
        self.remove(entitlement.id, act)
        values = {
            "since": self._now,
            **asdict(entitlement),
            "added_by": act.actor,
            "added_reason": act.reason,
        }
        self._connection.execute(insert(tables.entitlement).values(values))

    def list(self, at: datetime | None = None) -> Sequence[Entitlement]:
        """All that are known, or were at that time, sorted by id."""
        table = tables.entitlement
        lasts = table.c.until.is_(None)
        query = select(table).where(lasts)
        if at:
            query = select(table).where(table.c.since <= at, or_(lasts, table.c.until > at))
        lines = map(_entitlement, self._connection.execute(query))
        return sorted(lines, key=lambda line: line.id)

    def remove(self, entitlement_id: str, act: Act = NOBODY) -> None:
        """Takes the line away from now on."""
        table = tables.entitlement
        present = (table.c.id == entitlement_id, table.c.until.is_(None))
        # What came only now was never owned before.
        self._connection.execute(delete(table).where(*present, table.c.since >= self._now))
        ended = {"until": self._now, "ended_by": act.actor, "ended_reason": act.reason}
        self._connection.execute(update(table).where(*present).values(ended))

    def history(self, entitlement_id: str | None = None) -> Sequence[Held]:
        """What a line, or every line, has said, by id, oldest first."""
        table = tables.entitlement
        query = select(table)
        if entitlement_id is not None:
            query = query.where(table.c.id == entitlement_id)
        held = (
            Held(
                _entitlement(row),
                row.since,
                row.until,
                Act(row.added_by, row.added_reason),
                Act(row.ended_by, row.ended_reason),
            )
            for row in self._connection.execute(query)
        )
        return sorted(held, key=lambda each: (each.entitlement.id, each.since))


class SQLProofs:
    """Implements ports.Proofs."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, proof: Proof) -> None:
        """Ties a document to a line."""
        self._connection.execute(insert(tables.proof).values(asdict(proof)))

    def list(self, *, removed: bool = False) -> Sequence[Proof]:
        """By line, in the order they came."""
        table = tables.proof
        query = select(table).order_by(table.c.id)
        if not removed:
            query = query.where(table.c.removed_at.is_(None))
        proofs = [
            Proof(**_of(row, Proof) | {"kind": ProofKind(row.kind)})
            for row in self._connection.execute(query)
        ]
        return sorted(proofs, key=lambda each: each.entitlement)

    def remove(self, entitlement_id: str, sha256: str, at: datetime, act: Act) -> None:
        """Takes a document off a line; that it was there stays."""
        table = tables.proof
        here = (
            table.c.entitlement == entitlement_id,
            table.c.sha256 == sha256,
            table.c.removed_at.is_(None),
        )
        gone = {"removed_at": at, "removed_by": act.actor, "reason": act.reason}
        self._connection.execute(update(table).where(*here).values(gone))


def _of(row: Row[Any], kind: type) -> dict[str, Any]:
    """The row's values that are fields of a dataclass."""
    names = _names(kind)
    return {name: value for name, value in row._mapping.items() if name in names}


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(each.name for each in fields(kind))


def _entitlement(row: Row[Any]) -> Entitlement:
    read = {
        "metric": Metric(row.metric),
        "channel": Channel(row.channel),
        "previous_owners": tuple(row.previous_owners),
    }
    return Entitlement(**{**_of(row, Entitlement), **read})
