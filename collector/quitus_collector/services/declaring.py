"""Filling in the declaration."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.company import Company
from quitus_collector.domain.contested import ReadRule, entitlements_as
from quitus_collector.domain.contribution import Basis
from quitus_collector.domain.declaration import Declaration, Exclusion, OwnRule, Reach
from quitus_collector.domain.device import Standing
from quitus_collector.domain.entitlement import Channel, Entitlement
from quitus_collector.domain.evidence import Evidence
from quitus_collector.domain.expected import ExpectedDevice, SeenDevice, by_system, without
from quitus_collector.domain.history import Snapshot
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.perimeter import Exemption
from quitus_collector.domain.position import Position
from quitus_collector.domain.product import publisher_of
from quitus_collector.errors import UsageError
from quitus_collector.services import licensing
from quitus_collector.services.licensing import STALE_AFTER, Counted, Known
from quitus_collector.services.ports import Clock, Store


def draft(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    *,
    company: Company,
    publisher: str | None,
    software_version: str,
    seed: bytes,
    at: datetime | None = None,
    language: str = "fr",
) -> tuple[Declaration, Evidence]:
    """A declaration from the position of now or of a past moment, to one publisher or all.

    `seed` is 32 random bytes for the salts of the evidence. Raises UsageError for a publisher that
    the catalogue does not know, and what `licensing.position` raises.
    """
    check_publisher(catalogue, publisher)
    counted = licensing.count(licensing.known_at(store, catalogue, clock, at), solver)
    position = counted.position
    if publisher is not None:
        # The addressee learns nothing about other publishers' software.
        position = position.of_publisher(publisher)
    evidence, declaration = _evidence(counted, position, seed), _blank(company, position, clock)
    own_rules = _own_rules(catalogue, position) if at is None else ()
    listed = _listed(store, counted.known)
    return (
        replace(
            declaration,
            publisher=publisher,
            publisher_label=catalogue.publishers.get(publisher or "", ""),
            software_version=software_version,
            language=language,
            catalogue_version=catalogue.version if at is None else "",
            bases=_bases(counted, position),
            channels=_channels(counted.known),
            entitlements=_entitlements(counted.known.entitlements, position),
            readings=tuple(_readings(store, counted.known, position, at)),
            exemptions=tuple(_exemptions(counted.known, position)),
            evidence=evidence.commitment,
            reach=_with_expected(_reach(counted.known.devices, position.as_of), listed),
            systems=by_system(listed, _seen(counted.known)),
            exclusions=tuple(_exclusions(counted.known)),
            own_rules=own_rules,
        ),
        evidence,
    )


def check_publisher(catalogue: Catalogue, publisher: str | None) -> None:
    """Raises UsageError unless the publisher is None or known."""
    if publisher is not None and publisher not in catalogue.publishers:
        close = get_close_matches(publisher, catalogue.publishers, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UsageError(
            "the catalogue has no publisher {publisher!r}{hint}", publisher=publisher, hint=hint
        )


def _blank(company: Company, position: Position, clock: Clock) -> Declaration:
    return Declaration(company, None, "", position, clock.now(), "")


def _evidence(counted: Counted, position: Position, seed: bytes) -> Evidence:
    stated = {line.product for line in position.lines}
    parts = counted.contributions.parts.items()
    return Evidence({kind: found for kind, found in parts if kind.product in stated}, seed)


def _bases(counted: Counted, position: Position) -> dict[str, Basis]:
    bases = counted.contributions.bases
    return {line.product: bases[line.product] for line in position.lines}


def _entitlements(known: Iterable[Entitlement], position: Position) -> tuple[Entitlement, ...]:
    """Those of the lines' products, and those that cover one of them."""
    products = {line.product for line in position.lines}
    covering = {each.entitlement for line in position.lines for each in line.covered}
    return tuple(each for each in known if each.product in products or each.id in covering)


def _channels(known: Known) -> dict[str, dict[Channel, int]]:
    """The units of each product that count on the day, by how they were bought."""
    found: dict[str, dict[Channel, int]] = {}
    for each in entitlements_as(known.read, known.entitlements):
        if each.is_valid_on(known.day):
            units = found.setdefault(each.product, {})
            units[each.channel] = units.get(each.channel, 0) + each.quantity
    return found


def _readings(
    store: Store, known: Known, position: Position, at: datetime | None
) -> Iterable[ReadRule]:
    """The contested rules that concern one of the lines, each with the company's own reason."""
    with store.reading() as work:
        reasons = {rule: reason for rule, (_, reason) in work.decisions.readings(at).items()}
    for rule, reading in known.read:
        if any(rule.concerns(line.product) for line in position.lines):
            yield ReadRule(rule, reading, reasons.get(rule.id, ""))


def _exemptions(known: Known, position: Position) -> Iterable[Exemption]:
    named = {name for line in position.lines for name, _ in line.exempt}
    return (each for each in known.exemptions if each.id in named)


def _reach(counted: Sequence[Snapshot], at: datetime) -> Iterable[Reach]:
    """By legal entity (SIREN), sorted; without one last, under no name."""
    for entity in sorted(
        {each.entity or "" for each in counted}, key=lambda name: (not name, name)
    ):
        there = [each for each in counted if (each.entity or "") == entity]
        heard = [each.heard_at for each in there if each.heard_at]
        fresh = sum(at - each <= STALE_AFTER for each in heard)
        failed = sum(each.has_failed_sources for each in there)
        yield Reach(entity, len(there), fresh, len(heard) - fresh, failed)


def _listed(store: Store, known: Known) -> list[ExpectedDevice]:
    """The company's list as it is now, without those that people took out."""
    with store.reading() as work:
        listed = work.expected_devices.list()
    return without(
        listed, (each.name for each, _ in known.left_out), (each.name for each in known.devices)
    )


def _with_expected(reach: Iterable[Reach], listed: Sequence[ExpectedDevice]) -> tuple[Reach, ...]:
    """With how many devices there should be by legal entity, where the company has a list."""
    reach, wanted = tuple(reach), Counter(each.entity for each in listed)
    if not listed:
        return reach
    missing = [Reach(name, 0, 0, 0, 0) for name in wanted if name not in {r.name for r in reach}]
    # Without an entity last, as before.
    found = sorted((*reach, *missing), key=lambda each: (not each.name, each.name))
    return tuple(replace(each, expected=wanted[each.name]) for each in found)


def _seen(known: Known) -> Iterable[SeenDevice]:
    for each in known.devices:
        lately = each.heard_at is not None and known.as_of - each.heard_at <= STALE_AFTER
        yield SeenDevice(each.name, lately, each.system)


def _exclusions(known: Known) -> Iterable[Exclusion]:
    standings = [each.standing for each in known.set_apart]
    for standing in (Standing.QUARANTINED, Standing.REPLACED):
        if number := standings.count(standing):
            yield Exclusion(standing.value, number)
    people = Counter((placement.scope, placement.reason) for _, placement in known.left_out)
    for (scope, reason), number in sorted(people.items()):
        yield Exclusion(scope.value, number, reason)


def _own_rules(catalogue: Catalogue, position: Position) -> tuple[OwnRule, ...]:
    """The company's own rules, those on others' products left out where one is addressed."""
    publishers = {publisher_of(line.product) for line in position.lines}
    return tuple(
        OwnRule(rule.line, rule.software_class.value, tuple(each.text for each in rule.names))
        for rule in catalogue.rules
        if rule.is_own and (not rule.line or publisher_of(rule.line) in publishers)
    )
