"""What if: the position after changes that are tried on paper; nothing is kept."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.changes import (
    Bought,
    Change,
    Effect,
    Estate,
    LineChange,
    Moved,
    Uninstalled,
    differences,
    try_out,
)
from quitus_collector.domain.counting import lines_of
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.fleet import answer_for
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import PositionLine
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.lines import Cell, RawLine, Reading, path_in
from quitus_collector.services.licensing import Known, known
from quitus_collector.services.pools import Refused, on_paper
from quitus_collector.services.ports import Clock, Store

# What people move to must be counted by the people or devices that move.
MOVED_BY = (Metric.USER, Metric.DEVICE)


class Uninstall(NamedTuple):
    """A product to try to be without, on one device by its name or id, or on all."""

    product: str
    device: str | None


class Purchase(NamedTuple):
    """So many licences of a product under its own metric, with no right beside it."""

    product: str
    quantity: int


class Move(NamedTuple):
    """People who are to change products: by their devices' names or ids, or `all`."""

    product: str
    to: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Two positions of one moment and what differs; `effects` are those of each change."""

    as_of: datetime
    effects: tuple[Effect, ...]
    before: tuple[PositionLine, ...]
    after: tuple[PositionLine, ...]

    @property
    def differences(self) -> tuple[LineChange, ...]:
        """The lines that differ."""
        return differences(self.before, self.after)

    @property
    def missing(self) -> tuple[int, int]:
        """Installs without a licence, of all lines that are determined: before and after."""
        return _missing(self.before), _missing(self.after)

    def document(self) -> dict[str, object]:
        """What differs as JSON has it."""
        return {
            "as_of": self.as_of.isoformat(),
            "changes": [
                {
                    "change": type(each.change).__name__.lower(),
                    "product": _product(each.change),
                    "installs": each.installs,
                    "licences": each.licences,
                }
                for each in self.effects
            ],
            "lines": [
                {
                    "product": each.product,
                    "label": each.label,
                    "before": each.before.document() if each.before else None,
                    "after": each.after.document() if each.after else None,
                }
                for each in self.differences
            ],
            "missing": dict(zip(("before", "after"), self.missing, strict=True)),
        }


def what_if(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    *,
    uninstalls: Sequence[Uninstall] = (),
    purchases: Sequence[Purchase] = (),
    pools: Reading | None = None,
    moves: Sequence[Move] = (),
) -> WhatIf:
    """The position of now and after the changes: moves first, then uninstalls, then licences.

    Raises pools.Refused for what is wrong with `pools`, UsageError for a change that changes
    nothing or names what is not there, and what `licensing.position` raises.
    """
    found = known(store, catalogue, clock)
    estate = found.estate()
    taken = {each.id for each in estate.entitlements}
    changes: list[Change] = []
    for number, move in enumerate(moves, start=1):
        changes.append(_moved(move, found, estate, catalogue, _free_id(f"move-{number}", taken)))
    for uninstall in uninstalls:
        device = uninstall.device and _device(uninstall.device, found)
        changes.append(Uninstalled(uninstall.product, device or None))
    for number, purchase in enumerate(purchases, start=1):
        id_ = _free_id(f"new-{number}", taken)
        changes.append(Bought(_licences(purchase.product, purchase.quantity, id_, catalogue)))
    if pools:
        bought = on_paper(catalogue, estate.entitlements, pools)
        changes.extend(Bought(found.bound(each.entitlement)) for each in bought)
    after, effects = try_out(estate, changes)
    for effect in effects:
        if not effect.installs and not isinstance(effect.change, Bought):
            raise UsageError(
                "{product} is not installed there: nothing to change",
                product=_product(effect.change),
            )
    return WhatIf(
        found.as_of,
        effects,
        _lines(found, estate, solver),
        _lines(found, after, solver),
    )


def _lines(found: Known, estate: Estate, solver: Solver) -> tuple[PositionLine, ...]:
    asked = found.question(estate)
    answer = answer_for(asked.situation, asked.fleet, asked.demanded, solver)
    return lines_of(asked, answer, found.terms)


def _moved(move: Move, found: Known, estate: Estate, catalogue: Catalogue, id_: str) -> Moved:
    licences = _licences(move.to, 0, id_, catalogue)
    if licences.metric not in MOVED_BY:
        raise UsageError(
            "{to} is counted by {metric}: people cannot move to it",
            to=move.to,
            metric=licences.metric,
        )
    if move.users == ("all",):
        users = frozenset(each.user for each in estate.devices if each.user)
    else:
        ids = {_device(each, found) for each in move.users}
        users = frozenset(each.user for each in estate.devices if each.id in ids and each.user)
        silent = ids - {each.id for each in estate.devices if each.user}
        if silent:
            names = {each.device_id: each.name for each in found.devices}
            raise UsageError("{value} does not tell whose it is", value=names[min(silent)])
    return Moved(move.product, licences, users)


def _licences(product: str, quantity: int, id_: str, catalogue: Catalogue) -> Entitlement:
    """So many licences of the product under its own metric; raises UsageError."""
    metric = catalogue.metric(product).value
    cells: dict[str, Cell] = {"id": id_, "product": product, "quantity": quantity, "metric": metric}
    line = RawLine(path_in(product), cells)
    try:
        (made,) = on_paper(catalogue, (), Reading("", (line,)))
    except Refused as refused:
        raise UsageError(str(refused)) from refused
    return made.entitlement


def _device(name: str, found: Known) -> str:
    """The id of a device by its id or name; raises UsageError."""
    ids = [each.device_id for each in found.devices if name in (each.device_id, each.name)]
    if not ids:
        raise UsageError("no device that counts has the name or id {name!r}", name=name)
    if len(ids) > 1:
        raise UsageError("several devices have the name {name!r}: name one by its id", name=name)
    return ids[0]


def _free_id(wanted: str, taken: Collection[str]) -> str:
    while wanted in taken:
        wanted += "+"
    return wanted


def _product(change: Change) -> str:
    return change.entitlement.product if isinstance(change, Bought) else change.product


def _missing(lines: Iterable[PositionLine]) -> int:
    return sum(line.missing or 0 for line in lines)
