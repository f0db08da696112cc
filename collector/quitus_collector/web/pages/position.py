"""The effective licence position, line by line, and why each figure is what it is."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import Query, Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.contested import Reading, ReadRule
from quitus_collector.domain.explanation import ExplainedDevice
from quitus_collector.domain.position import LineState, Position, PositionLine
from quitus_collector.domain.price import Costs
from quitus_collector.domain.product import line_of, publisher_of, version_of
from quitus_collector.domain.roster import Sought
from quitus_collector.errors import UsageError
from quitus_collector.services import roster
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.explaining import Evidence, Reasons
from quitus_collector.services.readings import Readings
from quitus_collector.web.paging import address, place_of, told
from quitus_collector.web.rendering import page, waiting
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.wiring import explaining, licensing
from quitus_collector.wiring.console import Console

router = Pages()
Filter = Annotated[str, Query(max_length=255)]

SORTS: dict[str, Callable[[PositionLine], tuple[object, ...]]] = {
    "product": lambda line: (line.label.casefold(),),
    "installed": lambda line: (line.installed,),
    "entitled": lambda line: (line.entitled,),
    "covered": lambda line: (-1 if line.covered_installs is None else line.covered_installs,),
    "missing": lambda line: (-1 if line.missing is None else line.missing,),
    "available": lambda line: (-1 if line.available is None else line.available,),
    "state": lambda line: (list(LineState).index(line.state),),
}
READINGS = {"declared": None, "best": Reading.LENIENT, "worst": Reading.STRICT}
# By what the gap costs, for which the price list is needed.
BY_COST = "cost"
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
# Of a product, devices and records that its page shows at once.
SHOWN_DEVICES, SHOWN_RECORDS = 50, 25


class Bill(NamedTuple):
    """What the gaps of a publisher cost, by currency, and of how many lines no price is known."""

    name: str
    totals: Mapping[str, Decimal]
    unknown: int


@router.page("/position", Permission.READ)
def position(
    request: Request,
    visit: Visit,
    publisher: Filter = "",
    state: Filter = "",
    text: Filter = "",
    sort: Filter = "product",
    reading: Filter = "declared",
    as_of: str = "",
) -> Response:
    """Of now, or of the end of a past day; as declared, at best, at worst; of one publisher."""
    check_publisher(visit.collector.catalogue, publisher or None)
    _check(state, sort, reading)
    day = _day(as_of)
    rules: Sequence[ReadRule] = ()
    counted_at = None
    found: Position | None
    if reading != "declared":
        several = readings(visit.console, day)
        found = getattr(several, reading) if several else None
        every = several.rules if several else ()
        rules = [each for each in every if not publisher or each.rule.concerns(publisher)]
    elif day:
        found = visit.figures.past(day)
    else:
        counted = visit.figures.position()
        found, counted_at = counted.value, counted.at
    if found is None:
        return waiting(request)
    # The list has the prices of now: what a past gap would have cost, nobody said.
    costs = None if day else visit.figures.costs(found)
    lines = _sorted(_lines(found, publisher, state, text), sort, costs)
    filters = {
        "publisher": publisher,
        "state": state,
        "text": text,
        "sort": sort if sort != "product" else "",
        "reading": reading if reading != "declared" else "",
        "as_of": as_of,
    }
    present = {publisher_of(line.product) for line in found.lines}
    names = visit.collector.catalogue.publishers
    context = {
        "position": found,
        "lines": lines,
        "costs": costs if costs and costs.has_prices else None,
        "bills": _bills(lines, costs, names) if costs and costs.has_prices else [],
        "rules": rules,
        "counted_at": counted_at,
        "as_of": day,
        "filters": filters,
        "reading": reading,
        "publishers": sorted((names.get(each, each), each) for each in present),
        "states": list(LineState),
        "sort": sort,
        "link": lambda **more: address("/position", filters, **more),
        "export": lambda form: address("/position/export", {"form": form, **filters}),
    }
    return page(request, "position.html", context)


def readings(console: Console, day: date | None) -> Readings | None:
    """Declared, at best and at worst; None while they are counted."""
    collector = console.collector
    return console.figures.behind(("readings", day), lambda: licensing.readings(collector, day))


@router.page("/position/export", Permission.READ)
def export(
    request: Request,
    visit: Visit,
    form: str = "xlsx",
    publisher: Filter = "",
    state: Filter = "",
    text: Filter = "",
    sort: Filter = "product",
    reading: Filter = "declared",
    as_of: str = "",
) -> Response:
    """The lines that the page shows, in its order, as a file."""
    check_publisher(visit.collector.catalogue, publisher or None)
    _check(state, sort, reading)
    if form not in FORMS:
        raise UsageError("there is no export as {name}", name=form)
    day, collector, figures = _day(as_of), visit.collector, visit.figures

    def choose(found: Position) -> list[PositionLine]:
        costs = None if day else figures.costs(found)
        return _sorted(_lines(found, publisher, state, text), sort, costs)

    asked = {"publisher": publisher, "state": state, "text": text, "reading": reading}
    content = figures.behind(
        ("export", form, day, sort, *asked.values(), collector.messages.language),
        lambda: licensing.export(
            collector, form, day, publisher or None, reading=READINGS[reading], choose=choose
        ),
    )
    if content is None:
        return waiting(request)
    kind = "position" if reading == "declared" else f"position-{reading}"
    name = f"{kind}-{day or collector.clock.today()}.{form}"
    told = {what: said.replace("\0", "") for what, said in asked.items()}
    collector.took_out(name, **{what: said for what, said in told.items() if said})
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=FORMS[form], headers=disposition)


@router.page("/position/line", Permission.READ)
def line(
    request: Request,
    visit: Visit,
    product: Filter,
    as_of: str = "",
    without: bool = False,
    after: Annotated[str, Query(max_length=400)] = "",
    before: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """One line, and all that is behind it: rules, licences, records, devices, what would change."""
    day, product = _day(as_of), product.replace("\0", "")
    counted = visit.figures.past(day) if day else visit.figures.position().value
    if counted is None:
        return waiting(request)
    found = next((each for each in counted.lines if each.product == product), None)
    if found is None:
        raise UsageError("the position has no line {product!r}", product=product)
    behind = _behind(visit, product, day)
    filters = {"product": product, "as_of": as_of, "without": "true" if without else ""}
    context = {
        "line": found,
        "position": counted,
        "as_of": day,
        "behind": behind,
        "reasons": behind and behind.reasons,
        "publisher": publisher_of(product),
        "filters": filters,
        "without": without,
        "link": lambda **more: address("/position/line", filters, **more),
        "known": visit.collector.catalogue.products.get(line_of(product)),
        "version": version_of(product),
        **_devices(visit, product, day, behind, without, before, after),
    }
    return page(request, "line.html", context)


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind a line, set in order once for all who look.

    `records` are those that most devices have, each with how many; `devices` are (name, id).
    """

    reasons: Reasons
    records: list[tuple[Evidence, int]]
    other_records: int
    covers: dict[str, ExplainedDevice]
    devices: list[tuple[str, str]]
    without: list[tuple[str, str]]

    @property
    def is_worked_out(self) -> bool:
        """Whether it was tried what would change the figure."""
        return bool(self.reasons.explained.trials or self.reasons.explained.line.reason)


def _behind(visit: Visitor, product: str, day: date | None) -> Behind | None:
    """With what would change the figure, where that is worked out already."""

    def answer(*, changes: bool) -> Callable[[], Behind]:
        collector = visit.console.collector
        return lambda: _ordered(explaining.why(collector, product, None, day, changes=changes))

    figures = visit.figures
    first = figures.behind(("why", product, day), answer(changes=False))
    if first is None or first.is_worked_out:
        return first
    return figures.behind(("changes", product, day), answer(changes=True)) or first


def _ordered(reasons: Reasons) -> Behind:
    on = Counter(place for places in reasons.shown_by.values() for place in places)
    covers = {each.device: each for each in reasons.explained.devices}
    devices = sorted((reasons.names[each], each) for each in covers)
    return Behind(
        reasons,
        [(reasons.records[place], count) for place, count in on.most_common(SHOWN_RECORDS)],
        max(len(on) - SHOWN_RECORDS, 0),
        covers,
        devices,
        [each for each in devices if covers[each[1]].covered is False],
    )


def _devices(
    visit: Visitor,
    product: str,
    day: date | None,
    behind: Behind | None,
    without: bool,
    before: str,
    after: str,
) -> dict[str, object]:
    """A page of the devices: of now by the store, else of those that the reasons name."""
    covers = behind.covers if behind else {}
    filters = {"product": product, "as_of": day or "", "without": "true" if without else ""}
    if day is None and not without:
        turned = roster.turn(
            visit.collector.store,
            visit.collector.clock,
            Sought(product=product),
            beyond=place_of(before or after),
            forward=not before,
            most=SHOWN_DEVICES,
        )
        shown = [(row.id, row.name, covers.get(row.id)) for row in turned.rows]
        first, last = told(turned.before), told(turned.after)
    else:
        listed = [] if behind is None else behind.without if without else behind.devices
        start = _start(before or after)
        end = start + SHOWN_DEVICES
        shown = [(id_, name, covers[id_]) for name, id_ in listed[start:end]]
        first = f"{max(start - SHOWN_DEVICES, 0)}:" if start else ""
        last = f"{end}:" if end < len(listed) else ""
    return {
        "devices": shown,
        "previous": first and address("/position/line", filters, before=first),
        "next": last and address("/position/line", filters, after=last),
    }


def _start(place: str) -> int:
    found = place_of(place)
    return found.number if found else 0


def _lines(found: Position, publisher: str, state: str, text: str) -> list[PositionLine]:
    wanted = text.casefold().strip()
    return [
        each
        for each in found.lines
        if (not publisher or publisher_of(each.product) == publisher)
        and (not state or each.state.value == state)
        and (wanted in each.label.casefold() or wanted in each.product)
    ]


def _sorted(lines: list[PositionLine], sort: str, costs: Costs | None) -> list[PositionLine]:
    name = sort.removeprefix("-")
    by_name = sorted(lines, key=lambda line: line.label.casefold())
    if name == BY_COST:
        key = partial(_cost_order, costs) if costs else SORTS["missing"]
    else:
        key = SORTS[name]
    return sorted(by_name, key=key, reverse=sort.startswith("-"))


def _cost_order(costs: Costs, line: PositionLine) -> tuple[object, ...]:
    """No gap, price unknown, other currencies each apart, then the currency of the list."""
    cost = costs.lines.get(line.product)
    if cost is None:
        return (1 if line.product in costs.unknown else 0,)
    is_main = cost.currency == costs.currency
    return (3 if is_main else 2, cost.currency, cost.amount)


def _bills(lines: Sequence[PositionLine], costs: Costs, names: Mapping[str, str]) -> list[Bill]:
    """What the gaps of these lines come to, by the publishers' names."""
    gaps: dict[str, list[str]] = {}
    for line in lines:
        if line.missing:
            gaps.setdefault(publisher_of(line.product), []).append(line.product)
    found = []
    for publisher, products in gaps.items():
        known = {each: costs.lines[each] for each in products if each in costs.lines}
        totals = replace(costs, lines=known).totals
        name = names.get(publisher, publisher)
        found.append(Bill(name, totals, len(products) - len(known)))
    return sorted(found, key=lambda bill: bill.name.casefold())


def _check(state: str, sort: str, reading: str) -> None:
    """Raises UsageError."""
    if state and state not in set(LineState):
        raise UsageError("no line can be in the state {name}", name=state)
    if sort.removeprefix("-") not in {*SORTS, BY_COST}:
        raise UsageError("lines cannot be sorted by {name}", name=sort)
    if reading not in READINGS:
        raise UsageError("there is no reading {name}", name=reading)


def _day(text: str) -> date | None:
    """A day as a date field sends it; empty is now."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError("{day!r} is no day like 2026-12-31", day=text) from error
