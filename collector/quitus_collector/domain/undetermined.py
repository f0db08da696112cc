"""Why a figure cannot be had."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.counting_terms import core_terms
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.fleet import Fleet
from quitus_collector.domain.licensing.rights import components
from quitus_collector.domain.licensing.situation import (
    ProductTerms,
)
from quitus_collector.domain.position import Undetermined
from quitus_collector.domain.product import (
    compare_versions,
    family_of,
    line_of,
    version_of,
)

# The metrics that devices alone tell how to count; a product under another one is undetermined.
# Concurrent use waits for peaks, employees and CALs for numbers.
COUNTED_METRICS = frozenset({Metric.DEVICE, Metric.USER, Metric.PROCESSOR, Metric.CORE})


def reasons_of(
    fleet: Fleet,
    entitlements: Sequence[Entitlement],
    catalogue: Catalogue | CountingTerms,
    terms: Mapping[str, ProductTerms],
    day: date,
) -> dict[str, Undetermined]:
    """What cannot be determined: lines, which one missing fact taints whole, and products."""
    reasons: dict[str, Undetermined] = {}
    installed: defaultdict[str, set[str]] = defaultdict(set)
    for product in fleet.installed:
        installed[line_of(product)].add(product)
    nobodys = fleet.lines_where(lambda device: not device.user)
    without_processors = fleet.lines_where(lambda device: not device.processors)
    without_cores = without_processors | fleet.lines_where(lambda device: not device.cores)
    without_host = fleet.lines_where(lambda device: device.is_virtual and not device.host)
    metrics: defaultdict[str, set[Metric]] = defaultdict(set)
    for line, found in installed.items():
        metrics[line] |= {catalogue.metric(product) for product in found}
        for product in found:
            if catalogue.lacks_version(product):
                # A product without its version is written like its line: the @ tells them apart.
                reasons[f"{product}@"] = Undetermined.VERSION
    for each in entitlements:
        metrics[line_of(each.product)] |= {each.metric, catalogue.metric(each.product)}
    lent = {line_of(each.product) for each in entitlements if each.second_use}
    hosting = {line_of(each.product) for each in entitlements if each.virtual_machines is not None}
    for line, counted in metrics.items():
        if not counted <= COUNTED_METRICS or (
            Metric.CORE in counted and not _tells_cores(line, catalogue, day)
        ):
            reasons[line] = Undetermined.METRIC
        elif (Metric.USER in counted or line in lent) and line in nobodys:
            reasons[line] = Undetermined.PERSON
        elif (
            (Metric.PROCESSOR in counted and line in without_processors)
            or (Metric.CORE in counted and line in without_cores)
            or (line in hosting and line in without_host)
        ):
            reasons[line] = Undetermined.MACHINE
    competing_lines = []
    for each in entitlements:
        reached = _reached(each, installed, terms)
        for line in _reached_by_unknown_terms(each, reached, installed, terms):
            reasons.setdefault(line, Undetermined.TERMS)
        base = {line_of(each.requires_base)} if each.requires_base else set[str]()
        competing_lines.append(reached | base)
    return _with_what_competes(reasons, competing_lines)


def _tells_cores(line: str, catalogue: Catalogue | CountingTerms, day: date) -> bool:
    """Whether the catalogue has the minimums and packs of this product line."""
    known = catalogue.products.get(line)
    return known is not None and core_terms(known, day) is not None


def _reached(
    entitlement: Entitlement,
    installed: Mapping[str, set[str]],
    terms: Mapping[str, ProductTerms],
) -> set[str]:
    """The installed lines that units of the entitlement may cover, and its own."""
    owned = line_of(entitlement.product)
    reached = {owned} | {
        line_of(each) for each in components(entitlement.product, lambda p: _of(p, terms))
    }
    if entitlement.downgrade:
        reached.add(_of(entitlement.product, terms).continues)
    if entitlement.edition_downgrade:
        reached |= {line for line in installed if family_of(line) == family_of(owned)}
    return {line for line in reached if line in installed or line == owned}


def _of(product: str, terms: Mapping[str, ProductTerms]) -> ProductTerms:
    return terms.get(product) or ProductTerms(product)


def _reached_by_unknown_terms(
    entitlement: Entitlement,
    reached: set[str],
    installed: Mapping[str, set[str]],
    terms: Mapping[str, ProductTerms],
) -> Iterator[str]:
    """Lines that a right may reach by release dates or ranks that the catalogue has not."""
    owned = entitlement.product
    for line in reached:
        undated = any(
            (compare_versions(version_of(product), version_of(owned)) or 0) > 0
            and terms[product].released is None
            for product in installed.get(line, ())
        )
        ranks = [terms[owned], *(terms[product] for product in installed.get(line, ()))]
        if (entitlement.maintenance_until and undated) or (
            entitlement.edition_downgrade
            and line != line_of(owned)
            and family_of(line) == family_of(owned)
            and any(each.edition_rank is None for each in ranks)
        ):
            yield line


def _with_what_competes(
    reasons: dict[str, Undetermined], competing: Sequence[set[str]]
) -> dict[str, Undetermined]:
    """A line whose licences may be consumed for an undetermined one is undetermined too."""
    spreading = True
    while spreading:
        spreading = False
        for lines in competing:
            tainted = [reasons[line] for line in sorted(lines) if line in reasons]
            for line in lines - reasons.keys() if tainted else ():
                reasons[line] = tainted[0]
                spreading = True
    return reasons
