"""Rules that publishers and customers read differently, each a switch with its legal note."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from quitus_collector.domain.entitlement import Channel, Entitlement
from quitus_collector.domain.perimeter import Exemption
from quitus_collector.domain.product import publisher_of


class Reading(StrEnum):
    """STRICT is how a publisher reads a rule, LENIENT how a customer may."""

    STRICT = "strict"
    LENIENT = "lenient"


class Effect(StrEnum):
    """What the two readings do to the figures.

    USED: licences bought second-hand count for nothing under the strict reading. UNPROVEN: so do
    licences without any proof, kept or referred to. EXEMPT: no exemption holds under the strict
    one. BOUND: licences sold with a device cover other ones under the lenient reading. SILENT:
    devices that are silent for long count for nothing under the lenient one.
    """

    USED = "used"
    UNPROVEN = "unproven"
    EXEMPT = "exempt"
    BOUND = "bound"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ContestedRule:
    """A rule of the catalogue that is read in two ways; `declared` unless the company decides.

    `note` says what is contested and on which grounds, in English and in French; it is orientation,
    no legal advice. Without `publishers` it concerns all of them. Both dates are included.
    """

    id: str
    effect: Effect
    declared: Reading
    label: str
    label_fr: str
    note: str
    note_fr: str
    sources: tuple[str, ...]
    publishers: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def concerns(self, product: str) -> bool:
        """Whether the product's (or the publisher's) licences are counted by it."""
        return not self.publishers or publisher_of(product) in self.publishers

    def is_valid_on(self, day: date) -> bool:
        """Whether it is contested on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A contested rule as the company reads it; `reason` is its own, empty where none was given."""

    rule: ContestedRule
    reading: Reading
    reason: str = ""

    def document(self) -> dict[str, object]:
        """The rule as JSON has it."""
        rule = self.rule
        return {
            "id": rule.id,
            "effect": rule.effect.value,
            "reading": self.reading.value,
            "reason": self.reason,
            "label": rule.label,
            "label_fr": rule.label_fr,
            "note": rule.note,
            "note_fr": rule.note_fr,
            "sources": list(rule.sources),
            "publishers": list(rule.publishers),
        }


# Rules with how each is read.
Read = Sequence[tuple[ContestedRule, Reading]]


def read_as(
    rules: Iterable[ContestedRule], readings: Mapping[str, Reading], day: date
) -> Sequence[tuple[ContestedRule, Reading]]:
    """The rules that are contested on that day, each as the company reads it."""
    return [(each, readings.get(each.id, each.declared)) for each in rules if each.is_valid_on(day)]


def entitlements_as(
    read: Read, entitlements: Iterable[Entitlement], unproven: Collection[str] = ()
) -> list[Entitlement]:
    """The licences that count, as these readings have them.

    `unproven` are the ids of those without proof; what is only tried on paper is not among them.
    """
    counted = list(entitlements)
    for rule, reading in read:
        match rule.effect, reading:
            case Effect.USED, Reading.STRICT:
                counted = [
                    each
                    for each in counted
                    if each.channel is not Channel.USED or not rule.concerns(each.product)
                ]
            case Effect.UNPROVEN, Reading.STRICT:
                counted = [
                    each
                    for each in counted
                    if each.id not in unproven or not rule.concerns(each.product)
                ]
            case Effect.BOUND, Reading.LENIENT:
                counted = [
                    replace(each, bound_to=None)
                    if each.bound_to and rule.concerns(each.product)
                    else each
                    for each in counted
                ]
    return counted


def exemptions_as(read: Read, exemptions: Iterable[Exemption]) -> list[Exemption]:
    """The exemptions that hold, as these readings have them."""
    strict = [
        rule for rule, reading in read if rule.effect is Effect.EXEMPT and reading is Reading.STRICT
    ]
    return [each for each in exemptions if not any(rule.concerns(each.product) for rule in strict)]


def products_as(
    read: Read, products: Mapping[str, frozenset[str]], silent: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """The products of each device that count; `silent` are the ids of devices silent for long."""
    lenient = [
        rule
        for rule, reading in read
        if rule.effect is Effect.SILENT and reading is Reading.LENIENT
    ]
    if not lenient:
        return products
    counted = dict(products)
    for device_id in counted.keys() & set(silent):
        counted[device_id] = frozenset(
            product
            for product in counted[device_id]
            if not any(rule.concerns(product) for rule in lenient)
        )
    return counted
