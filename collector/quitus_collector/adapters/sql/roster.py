"""The list of devices, a page at a time: services.ports.Roster on one SQL connection."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy import Row as SQLRow

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.packed import unpack_numbers
from quitus_collector.adapters.sql.statements import among, in_batches
from quitus_collector.domain.device import Standing
from quitus_collector.domain.perimeter import Scope
from quitus_collector.domain.roster import Condition, Moments, Place, Row, Sought
from quitus_collector.errors import UnknownDevice

_NOW, _DEVICE, _SAID = tables.snapshot.c, tables.device.c, tables.placement.c
_FEW, _NAMED = tables.device.alias("few"), tables.snapshot.alias("named")
_COUNTED = or_(_SAID.scope.is_(None), _SAID.scope == Scope.COUNTED.value)
_ENTITY = func.coalesce(_SAID.entity, _NOW.entity)


class SQLRoster:
    """A page is found through the index of names; what a row tells is looked up for that page."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def find(
        self, sought: Sought, moments: Moments, *, beyond: Place | None, forward: bool, most: int
    ) -> Sequence[Row]:
        """The next rows after, or the last ones before a place, sorted by name."""

        def turned(query: Select[Any], there: Any) -> Select[Any]:
            if beyond:
                here = tuple_(there.name, there.device)
                place = tuple_(literal(beyond.name), literal(beyond.number))
                query = query.where(here > place if forward else here < place)
            order = (there.name, there.device)
            if not forward:
                order = (there.name.desc(), there.device.desc())
            return query.order_by(*order).limit(most)

        query = _rows()
        if sought == Sought(text=sought.text) and sought.text:
            # In the index of names alone: who looks in vain goes through all of them.
            names = select(_NAMED.c.device).where(self._has(_NAMED.c.name, sought.text))
            query = query.where(_NOW.device.in_(turned(names, _NAMED.c)))
        else:
            query = query.where(*self._meets(sought, moments))
        found = [_row(each) for each in self._connection.execute(turned(query, _NOW))]
        return found if forward else found[::-1]

    def _has(self, name: ColumnElement[str], text: str) -> ColumnElement[bool]:
        """Whether a name has the text in it, in large or small letters."""
        if self._connection.dialect.name == "sqlite":
            # Its LIKE does not tell them apart, and changing each name to small ones takes longer.
            return name.contains(text, autoescape=True)
        return name.icontains(text, autoescape=True)

    def get(self, device_id: str) -> Row:
        """Raises UnknownDevice."""
        found = self._connection.execute(_rows().where(_DEVICE.id == device_id)).one_or_none()
        if found is None:
            raise UnknownDevice("no device has the id {device_id!r}", device_id=device_id)
        return _row(found)

    def conditions(self, moments: Moments) -> Mapping[Condition, int]:
        """How many devices are in each condition."""
        told = case(*((and_(*_holds(each, moments)), each.value) for each in Condition))
        query = _joined(select(told, func.count())).group_by(told)
        return {Condition(name): count for name, count in self._connection.execute(query)}

    def ending(self, moments: Moments) -> int:
        """How many devices that are let in have a certificate that ends soon or has ended."""
        query = select(func.count()).select_from(tables.device).where(*_ending(_DEVICE, moments))
        return self._connection.execute(query).scalar_one()

    def sites(self) -> Sequence[str]:
        """The sites that devices are said to be at, sorted."""
        query = select(_SAID.site).where(_SAID.until.is_(None), _SAID.site != "").distinct()
        return sorted(self._connection.execute(query).scalars())

    def products(self) -> Mapping[str, int]:
        """On how many devices each product is counted."""
        sets = self._sets()
        query = select(_NOW.products, func.count()).where(
            _NOW.standing == Standing.ACTIVE.value, _NOW.products.is_not(None)
        )
        found: Counter[str] = Counter()
        for number, count in self._connection.execute(query.group_by(_NOW.products)):
            for product in sets[number]:
                found[product] += count
        return found

    def _sets(self) -> dict[int, list[str]]:
        names = tables.product.c
        products = {n: name for n, name in self._connection.execute(select(names.id, names.name))}
        sets = tables.product_set.c
        return {
            number: [products[each] for each in unpack_numbers(packed)]
            for number, packed in in_batches(self._connection, select(sets.id, sets.products))
        }

    def _meets(self, sought: Sought, moments: Moments) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if sought.text:
            conditions.append(self._has(_NOW.name, sought.text))
        if sought.condition:
            conditions += _holds(sought.condition, moments)
        if sought.site is not None:
            conditions.append(_SAID.site == sought.site)
        if sought.entity is not None:
            conditions.append(func.coalesce(_ENTITY, "") == sought.entity)
        if sought.ending:
            conditions.append(_few(*_ending(_FEW.c, moments)))
        if sought.product is not None:
            wanted = [number for number, those in self._sets().items() if sought.product in those]
            counted = _NOW.standing == Standing.ACTIVE.value
            conditions += [counted, _COUNTED, among(self._connection, _NOW.products, wanted)]
        return conditions


def _rows() -> Select[Any]:
    return _joined(
        select(
            *(_NOW.name, _NOW.device, _DEVICE.id, _NOW.standing, _NOW.failed),
            *(_DEVICE.facts, _DEVICE.last_report_at, _DEVICE.certificate_expires_at),
            *(_DEVICE.revoked_at, _DEVICE.installs),
            *(_ENTITY.label("entity"), _SAID.site, _SAID.scope),
        )
    )


def _joined(query: Select[Any]) -> Select[Any]:
    said = and_(_SAID.device == _NOW.device, _SAID.until.is_(None))
    return query.select_from(
        tables.snapshot.join(tables.device, _DEVICE.number == _NOW.device).outerjoin(
            tables.placement, said
        )
    )


def _holds(condition: Condition, moments: Moments) -> list[ColumnElement[bool]]:
    """Where a device is in the condition and in none before it."""
    if condition is Condition.REVOKED:
        return [_few(_FEW.c.revoked_at.is_not(None))]
    is_in = _DEVICE.revoked_at.is_(None)
    if condition in (Condition.QUARANTINED, Condition.REPLACED):
        # Said twice, for the index of those that are not active.
        apart = _NOW.standing != literal_column(f"'{Standing.ACTIVE.value}'")
        return [_NOW.standing == condition.value, apart, is_in]
    counts = [_NOW.standing == Standing.ACTIVE.value, is_in]
    if condition in (Condition.RETIRED, Condition.EXCLUDED):
        return [*counts, _SAID.scope == condition.value]
    counts.append(_COUNTED)
    if condition is Condition.SILENT:
        return [*counts, _DEVICE.last_report_at.is_(None)]
    if condition is Condition.STALE:
        return [*counts, _DEVICE.last_report_at < moments.stale]
    lately = _DEVICE.last_report_at >= moments.stale
    if condition is Condition.FAILED:
        return [*counts, lately, _NOW.failed]
    return [*counts, lately, ~_NOW.failed]


def _few(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of `_FEW`: looked up before the names, all of which SQLite would go through instead."""
    return _NOW.device.in_(select(_FEW.c.number).where(*conditions))


def _ending(device: Any, moments: Moments) -> list[ColumnElement[bool]]:
    """`device` are the columns of that table."""
    return [
        device.certificate_expires_at < moments.ending,
        device.revoked_at.is_(None),
        device.standing != Standing.REPLACED.value,
    ]


def _row(row: SQLRow[Any]) -> Row:
    return Row(
        row.name,
        row.device,
        row.id,
        " ".join(filter(None, (row.facts.get("system"), row.facts.get("system_version")))),
        row.entity,
        row.site or "",
        Standing(row.standing),
        Scope(row.scope) if row.scope else Scope.COUNTED,
        row.failed,
        row.last_report_at,
        row.certificate_expires_at,
        row.revoked_at,
        row.installs,
    )
