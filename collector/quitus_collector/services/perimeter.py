"""Decisions on devices: entity, site, role, and whether they count."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from hashlib import sha256

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.company import is_siren
from quitus_collector.domain.perimeter import (
    Exemption,
    LegalEntity,
    Placement,
    Role,
    Scope,
)
from quitus_collector.errors import ChangedMeanwhile, UnknownDevice, UsageError
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.wording import CHANGED


@dataclass(frozen=True, slots=True)
class PlacementLine:
    """What one line of a file, or one command, says of a device; None is left as it was."""

    device: str
    entity: str | None = None
    site: str | None = None
    role: Role | None = None
    scope: Scope | None = None
    reason: str | None = None
    where: str = ""
    # The fingerprint of what was said when it was looked at; empty where nobody looked.
    seen: str = ""


def fingerprint(placement: Placement) -> str:
    """Another one for every change of what is said of a device."""
    return sha256(repr(placement).encode()).hexdigest()[:32]


def place(
    store: Store, clock: Clock, lines: Iterable[PlacementLine], *, actor: str
) -> Sequence[Placement]:
    """Keeps what is said of devices, all of it or nothing; returns those of which it is new.

    A device is named by its id or its name. Raises UsageError or UnknownDevice, naming each line
    that is wrong; ChangedMeanwhile for one that was looked at before somebody else changed it.
    """
    with store.writing() as work:
        lines = list(lines)
        named = _devices_named(work, {line.device for line in lines})
        work.decisions.hold()
        known = {each.device_id: each for each in work.decisions.placements()}
        said: dict[str, Placement] = {}
        wrong: list[str] = []
        for line in lines:
            try:
                placement = _placement(line, named, known)
                before = known.get(placement.device_id, Placement(placement.device_id))
                if line.seen not in ("", fingerprint(before)):
                    raise ChangedMeanwhile(CHANGED, name=line.device)
                if placement.device_id in said:
                    raise UsageError("the device {device!r} is there twice", device=line.device)
            except ChangedMeanwhile:
                raise
            except (UsageError, UnknownDevice) as error:
                wrong.append(f"{line.where}{error}")
                continue
            said[placement.device_id] = placement
        if wrong:
            raise UsageError("\n".join(wrong))
        changed = {
            device_id: each
            for device_id, each in said.items()
            if each != known.get(device_id, Placement(device_id))
        }
        work.decisions.place(changed.values())
        for placement in changed.values():
            work.audit.add(Event(clock.now(), Kind.PLACED, actor, *_told(placement)))
    return list(changed.values())


def list_placements(store: Store) -> Sequence[tuple[str, Placement]]:
    """What is said of devices that are there, with their names, sorted by them."""
    with store.reading() as work:
        names = {each.id: each.name for each in work.devices.list()}
        found = work.decisions.placements()
    return sorted(
        ((names[each.device_id], each) for each in found if each.device_id in names),
        key=lambda pair: (pair[0], pair[1].device_id),
    )


def add_exemption(
    store: Store, catalogue: Catalogue, clock: Clock, exemption: Exemption, *, actor: str
) -> None:
    """Lets installs on devices of a role need no licence; raises UsageError where it cannot be."""
    product = exemption.product
    known = {*catalogue.publishers, *catalogue.products}
    if product.partition("@")[0] not in known:
        close = get_close_matches(product, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(
            "the catalogue has no publisher or product {product!r}{hint}",
            product=product,
            hint=hint,
        )
    if exemption.role is Role.PRODUCTION:
        raise UsageError("production is what licences are for: nothing is exempt there")
    if not exemption.evidence.strip():
        raise UsageError("an exemption needs evidence: the contract or the document that grants it")
    if _is_reversed(exemption.valid_from, exemption.valid_until):
        raise UsageError("the exemption ends before it begins")
    with store.writing() as work:
        work.decisions.hold()
        work.decisions.exempt(exemption)
        detail = {
            "product": product,
            "role": exemption.role.value,
            "evidence": exemption.evidence,
        }
        work.audit.add(Event(clock.now(), Kind.EXEMPTED, actor, exemption.id, detail))


def remove_exemption(store: Store, clock: Clock, exemption_id: str, *, actor: str) -> Exemption:
    """Takes an exemption away from now on; raises UsageError if there is none with this id."""
    with store.writing() as work:
        work.decisions.hold()
        known = {each.id: each for each in work.decisions.exemptions()}
        if exemption_id not in known:
            raise UsageError("no exemption has the id {exemption_id!r}", exemption_id=exemption_id)
        work.decisions.remove_exemption(exemption_id)
        work.audit.add(Event(clock.now(), Kind.EXEMPTION_REMOVED, actor, exemption_id))
    return known[exemption_id]


def name_entity(store: Store, clock: Clock, entity: LegalEntity, *, actor: str) -> None:
    """Keeps the name of a legal entity; raises UsageError where its SIREN is none."""
    _check_siren(entity.siren)
    if not entity.name.strip():
        raise UsageError("a legal entity needs a name")
    with store.writing() as work:
        work.decisions.name_entity(entity)
        detail = {"name": entity.name, "group": entity.group}
        work.audit.add(Event(clock.now(), Kind.ENTITY_NAMED, actor, entity.siren, detail))


def _devices_named(work: UnitOfWork, names: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The ids of devices by their names, and by themselves."""
    by_id = work.devices.known(names)
    if len(by_id) == len(names):
        return {each: [each] for each in by_id}
    found: dict[str, list[str]] = {}
    for device in work.devices.list():
        for name in {device.id, device.name.casefold()}:
            found.setdefault(name, []).append(device.id)
    return found


def _placement(
    line: PlacementLine, named: Mapping[str, Sequence[str]], known: Mapping[str, Placement]
) -> Placement:
    ids = named.get(line.device) or named.get(line.device.casefold()) or ()
    if not ids:
        raise UnknownDevice("no device has the id or the name {device!r}", device=line.device)
    if len(ids) > 1:
        raise UsageError(
            "{number} devices have the name {device!r}: give one of {listed}",
            number=len(ids),
            device=line.device,
            listed=", ".join(ids),
        )
    before = known.get(ids[0], Placement(ids[0]))
    given = {
        name: value
        for name in ("site", "role", "scope", "reason")
        if (value := getattr(line, name)) is not None
    }
    if line.entity is not None:
        if line.entity:
            _check_siren(line.entity)
        given["entity"] = line.entity or None
    after = replace(before, **given)
    if not after.reason.strip() and (
        after.role is not Role.PRODUCTION or after.scope is not Scope.COUNTED
    ):
        what = after.role if after.scope is Scope.COUNTED else after.scope
        raise UsageError(
            "the device {device!r} is {what} without a reason", device=line.device, what=what
        )
    return after


def _told(placement: Placement) -> tuple[str, Mapping[str, str]]:
    """The device and what is said of it, without what is said of all.

    Free text, which may tell of a person, stays where it can be forgotten.
    """
    document = placement.document()
    del document["reason"], document["site"]
    nothing = Placement(placement.device_id).document()
    return placement.device_id, {
        name: str(value) for name, value in document.items() if value != nothing[name]
    }


def _check_siren(siren: str) -> None:
    if not is_siren(siren):
        raise UsageError(
            "{siren!r} is not a SIREN: nine digits with their check digit", siren=siren
        )


def _is_reversed(start: date | None, end: date | None) -> bool:
    return start is not None and end is not None and start > end
