"""A neutral line as the fields of an entitlement, with every complaint about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quitus_collector.domain.entitlement import Channel, Metric
from quitus_collector.domain.product import is_product_id
from quitus_collector.services.intake.cells import METRICS, PERPETUAL, READERS, Count, as_text
from quitus_collector.services.intake.headings import plain
from quitus_collector.services.intake.lines import Cell, Problem, RawLine, Text, Wrong, phrase
from quitus_collector.services.intake.products import written_name
from quitus_collector.services.wording import N_

# What says which product it is, before the catalogue is asked.
NAMING = frozenset({"product", "publisher", "version", "edition", "part_number"})


@dataclass(frozen=True)
class Draft:
    """What a line says of an entitlement: `told` by field, all that the document has a place for.

    `named` says which product it is; `quantity` counts what the document counts, of which each
    has `pack` units.
    """

    line: RawLine
    told: Mapping[str, Any]
    named: Mapping[str, str]
    quantity: int | None = None
    metric: Metric | None = None
    pack: int = 1
    problems: Sequence[Problem] = field(default_factory=tuple)

    @property
    def where(self) -> Text:
        """Its place in the document."""
        return self.line.where

    @property
    def name(self) -> str:
        """What the document calls the product."""
        return written_name(self.named)

    def problem(self, field: str, message: str, /, **values: object) -> Problem:
        """A complaint about one of its fields."""
        return Problem(self.where, self.line.columns.get(field, field), phrase(message, **values))


def draft(line: RawLine) -> Draft:
    """Reads every cell of a line, and complains of each that cannot be read."""
    told: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, cell in _in_its_place(line.cells).items():
        try:
            told[name] = READERS[name](cell)
        except Wrong as wrong:
            problems.append(Problem(line.where, line.columns.get(name, name), wrong.text))
            told[name] = None
    count = told.pop("quantity", None)
    metric = told.pop("metric", None)
    pack = told.pop("units_per_pack", None) or 1
    named = {name: told.pop(name) or "" for name in NAMING & told.keys()}
    found = Draft(
        line,
        told,
        named,
        count.number * pack if isinstance(count, Count) else None,
        metric or (count.metric if isinstance(count, Count) else None),
        pack,
    )
    problems.extend(_lacks(found, problems))
    problems.extend(_contradictions(found, metric, count))
    return Draft(
        found.line, found.told, named, found.quantity, found.metric, found.pack, tuple(problems)
    )


def _in_its_place(cells: Mapping[str, Cell]) -> Mapping[str, Cell]:
    """The cells, what a column "type of licence" says of metric or duration among its own."""
    kind = plain(cells.get("channel") or "").removeprefix("licence ").removeprefix("license ")
    if kind in PERPETUAL:
        return {"perpetual": True, **cells, "channel": None}
    if kind in METRICS and not as_text(cells.get("metric")):
        return {**cells, "metric": kind, "channel": None}
    return cells


def _lacks(found: Draft, problems: Sequence[Problem]) -> list[Problem]:
    """What every line needs."""
    complained = {each.column for each in problems}
    lacking = []
    if not found.named.get("product") and not found.named.get("part_number"):
        lacking.append("product")
    if found.quantity is None:
        lacking.append("quantity")
    return [
        found.problem(name, N_("is empty"))
        for name in lacking
        if found.line.columns.get(name, name) not in complained
    ]


def _contradictions(found: Draft, metric: Metric | None, count: Count | None) -> list[Problem]:
    wrong = []
    if metric and count and count.metric and count.metric is not metric:
        message = N_("counts by {unit}, the metric is {metric}")
        wrong.append(found.problem("quantity", message, unit=count.metric, metric=metric))
    start, end = found.told.get("valid_from"), found.told.get("valid_until")
    if start and end and start > end:
        message = N_("is before the first day, {day}")
        wrong.append(found.problem("valid_until", message, day=start))
    if found.told.get("perpetual") and end:
        message = N_("has a last day ({day}), though the line is said to be perpetual")
        wrong.append(found.problem("perpetual", message, day=end))
    return wrong


def made_id(found: Draft, product: str) -> str:
    """An id for a line that has none: the same each time that the document is read."""
    reference = found.told.get("proof") or ""
    counted = found.named.get("part_number") or product
    return f"{reference}/{counted}"[:255] if reference else ""


def values_of(found: Draft, product: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The entitlement's fields that the line tells; an empty cell tells the default."""
    values = {
        name: defaults[name] if value is None else value
        for name, value in found.told.items()
        if name in defaults
    }
    values["product"] = product
    if found.quantity is not None:
        values["quantity"] = found.quantity
    if found.metric:
        values["metric"] = found.metric
    if "part_number" in found.named:
        values["part_number"] = found.named["part_number"]
    if found.named.get("product"):
        values["bought_as"] = "" if is_product_id(found.name) else found.name
    return values


def implied_channel(values: Mapping[str, Any]) -> Channel | None:
    """Used, where former owners are named and nothing else is said."""
    stated = values.get("channel", Channel.UNSTATED)
    if values.get("previous_owners") and stated is Channel.UNSTATED:
        return Channel.USED
    return None
