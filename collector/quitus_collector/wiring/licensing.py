"""Perimeter, position, and what no rule knows."""

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from quitus_collector.adapters import scenarios
from quitus_collector.adapters.catalogue import own_rules
from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.adapters.sheets import placements_csv
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.contested import Reading
from quitus_collector.domain.findings import Finding
from quitus_collector.domain.history import Removal
from quitus_collector.domain.install import Install
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.perimeter import Placement
from quitus_collector.domain.position import Position
from quitus_collector.domain.product import line_of
from quitus_collector.domain.recognition import Recognition
from quitus_collector.domain.triage import Group, groups
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services import (
    ledger,
    licence_sheet,
    licensing,
    observing,
    perimeter,
)
from quitus_collector.services.readings import Readings, side_by_side
from quitus_collector.wiring.collector import OWN_RULES, Collector
from quitus_collector.wiring.processes import each_apart


def import_placements(collector: Collector, file: Path) -> Sequence[Placement]:
    """Takes in what a CSV file says of devices, all of it or nothing; what is new."""
    lines = placements_csv.read(file)
    try:
        return perimeter.place(collector.store, collector.clock, lines, actor=collector.actor)
    except (UsageError, UnknownDevice) as error:
        told = "\n".join(f"{file}: {each}" for each in str(error).splitlines())
        raise UsageError(told) from error


def position(collector: Collector, day: date | None = None) -> Position:
    """The effective licence position of now, or of the end of a past day."""
    return licensing.position(
        collector.store, collector.catalogue, collector.solver, collector.clock, day
    )


def readings(collector: Collector, day: date | None = None) -> Readings:
    """The position of now, or of the end of a past day, under three readings."""
    return side_by_side(
        collector.store, collector.catalogue, collector.solver, collector.clock, day
    )


def export(
    collector: Collector,
    form: str,
    day: date | None,
    publisher: str | None,
    *,
    reading: Reading | None = None,
    choose: licence_sheet.Choice | None = None,
) -> bytes:
    """The position as json, csv or xlsx: of one publisher or all, of the lines that are chosen."""
    sheet = licence_sheet.licence_sheet(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        day=day,
        publisher=publisher,
        reading=reading,
        choose=choose,
    )
    if form == "json":
        text = json.dumps(sheet.position.document(), ensure_ascii=False, indent=1)
        return text.encode() + b"\n"
    from quitus_collector.adapters.sheets import workbook

    if form == "csv":
        return workbook.csv_text(sheet, collector.messages).encode()
    return workbook.xlsx(sheet, collector.messages)


def removals(
    collector: Collector, day: date, product: str | None
) -> tuple[Sequence[Removal], datetime | None]:
    """What went away from that day on, and when the history begins, if that is later."""
    if product and line_of(product) not in collector.catalogue.products:
        raise UsageError("the catalogue has no product {product!r}", product=product)
    morning = collector.clock.end_of(day - timedelta(days=1))
    return ledger.removed(collector.store, morning, product)


def triage(collector: Collector, found: Position | None = None) -> tuple[Group, ...]:
    """What no rule knows, in groups, those on most devices first; of a position, or of now."""
    from quitus_collector.adapters.catalogue.likeness import Likeness

    found = found or position(collector)
    return groups(found.unknown, collector.catalogue, Likeness())


def preview(collector: Collector, ruling: Ruling) -> tuple[tuple[Install, Recognition], ...]:
    """The fleet's records whose answer a decision would change, with the new answer."""
    longer = own_rules.preview(ruling, collector.config.home / OWN_RULES)
    with collector.store.reading() as work:
        records = work.inventories.distinct().values()
        changed = [
            (each, answer)
            for each in records
            if (answer := longer.recognise(each)) != collector.catalogue.recognise(each)
        ]
    return tuple(sorted(changed, key=lambda pair: pair[0].key()))


def decide(collector: Collector, ruling: Ruling) -> Path:
    """Makes the decision a rule of the customer's own; returns its file.

    Raises UsageError or CatalogueError, and writes nothing, where it makes no sound rule.
    """
    own = collector.config.home / OWN_RULES
    own_rules.preview(ruling, own)
    file = own_rules.write(ruling, own)
    detail = {
        "publisher": ruling.publisher,
        "class": ruling.software_class.value,
        "product": ruling.product,
    }
    with collector.store.writing() as work:
        now = collector.clock.now()
        # Names of inventories are as long as their makers like.
        work.audit.add(Event(now, Kind.RULE_MADE, collector.actor, ruling.stem[:200], detail))
    return file


def findings(collector: Collector, key_servers: Iterable[str]) -> tuple[Finding, ...]:
    """What stands beside the position; `key_servers` are the company's own."""
    own = frozenset(server.lower() for server in key_servers)
    return observing.observe(collector.store, collector.catalogue, collector.clock, own)


def reconcile_scenario(
    collector: Collector, file: Path, time_limit_s: float | None
) -> tuple[Iterator[str], bool]:
    """The answer to a scenario file in pieces, and whether it was proven; needs no folder."""
    from quitus_collector.adapters.solver.highs import HighsSolver

    # Millions of objects are made and kept to the end: to look for circles among them, time and
    # again and once more on the way out, takes longer than to read them.
    gc.disable()
    try:
        solver = HighsSolver(time_limit_s)
        found = reconcile(scenarios.read(file), solver, spread=each_apart)
        return scenarios.answer(found), found.optimal
    finally:
        gc.freeze()
        gc.enable()
