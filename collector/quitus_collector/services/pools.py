"""Licence pools: taking entitlements in, and out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Store


@dataclass(frozen=True, slots=True)
class PoolLine:
    """An entitlement and the line of the file that states it."""

    number: int
    entitlement: Entitlement


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How many entitlements an import brought."""

    added: int
    changed: int
    unchanged: int


def import_pools(store: Store, catalogue: Catalogue, lines: Iterable[PoolLine]) -> ImportSummary:
    """Adds entitlements; one with a known id is replaced, the others stay.

    All lines are taken or none. Raises UsageError naming the line.
    """
    counts: Counter[str] = Counter()
    with store.writing() as work:
        known = {each.id: each for each in work.entitlements.list()}
        for line in lines:
            entitlement = _checked(line, catalogue)
            before = known.get(entitlement.id)
            if before == entitlement:
                counts["unchanged"] += 1
                continue
            counts["changed" if before else "added"] += 1
            work.entitlements.add(entitlement)
    return ImportSummary(counts["added"], counts["changed"], counts["unchanged"])


def remove_entitlement(store: Store, entitlement_id: str) -> Entitlement:
    """Takes a line out of the pools; raises UsageError if there is none with this id."""
    with store.writing() as work:
        known = {each.id: each for each in work.entitlements.list()}
        if entitlement_id not in known:
            raise UsageError(f"no entitlement has the id {entitlement_id!r}")
        work.entitlements.remove(entitlement_id)
    return known[entitlement_id]


def _checked(line: PoolLine, catalogue: Catalogue) -> Entitlement:
    """The same, naming the line of the file."""
    try:
        return checked(line.entitlement, catalogue)
    except UsageError as error:
        raise UsageError(f"line {line.number}: {error}") from error


def checked(entitlement: Entitlement, catalogue: Catalogue) -> Entitlement:
    """The entitlement, its version written as the catalogue does; raises UsageError."""
    product = entitlement.product
    name, _, version = product.partition("@")
    if name not in catalogue.products:
        close = get_close_matches(name, catalogue.products, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"the catalogue has no product {name!r}{hint}")
    base = entitlement.requires_base
    if base and base.partition("@")[0] not in catalogue.products:
        raise UsageError(f"the catalogue has no product {base!r} to require")
    if not catalogue.needs_licence(name):
        raise UsageError(f"{name} is free: there is no licence to count")
    if catalogue.lacks_version(product):
        raise UsageError(f"{name} is licensed by version: write {name}@VERSION")
    if version and not catalogue.is_versioned(name):
        raise UsageError(f"{name} has no versions: write it without @")
    numbers = {
        written.lower(): number
        for number, written in catalogue.products[name].version_names.items()
    }
    if version in numbers:
        return replace(entitlement, product=f"{name}@{numbers[version]}")
    return entitlement
