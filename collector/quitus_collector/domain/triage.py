"""What no rule knows, in groups, so that one decision answers many names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.plain_names import plain_name, plain_publisher
from quitus_collector.domain.position import Unknown

# Below it two names are not called alike (0 to 100, order of words left aside).
ALIKE = 88
_VERSION = re.compile(r"(?:[ -]+(?:version |release |v\.? ?)?\d[\w.+-]*)+$", re.IGNORECASE)


class Likeness(Protocol):
    """How alike names are."""

    def groups(self, names: Sequence[str], at_least: int) -> Sequence[Sequence[int]]:
        """The names by number, those that are alike together, each in one group."""

    def nearest(self, name: str, among: Sequence[str]) -> tuple[str, int] | None:
        """The most alike of the others and how alike it is, 0 to 100; None among none."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product that a group may be, and how alike the names are, 0 to 100."""

    product: str
    label: str
    likeness: int


@dataclass(frozen=True, slots=True)
class Group:
    """Unknown names of one publisher that are alike; `stem` is what they are without versions."""

    stem: str
    publisher: str
    names: tuple[str, ...]
    devices: int
    suggestion: Suggestion | None

    def document(self) -> dict[str, object]:
        """The group as JSON has it."""
        suggestion = self.suggestion
        return {
            "name": self.stem,
            "publisher": self.publisher or None,
            "names": list(self.names),
            "devices": self.devices,
            "suggestion": suggestion
            and {
                "product": suggestion.product,
                "label": suggestion.label,
                "likeness": suggestion.likeness,
            },
        }


def stem_of(name: str) -> str:
    """The plain name without the version at its end."""
    plain = plain_name(name)
    return _VERSION.sub("", plain) or plain


def groups(
    unknown: Iterable[Unknown], catalogue: Catalogue, likeness: Likeness
) -> tuple[Group, ...]:
    """The unknown names in groups, those on most devices first.

    `devices` is the most that any name of the group is on: a device may have several of them.
    """
    by_publisher: defaultdict[str, list[Unknown]] = defaultdict(list)
    for each in unknown:
        by_publisher[plain_publisher(each.publisher)].append(each)
    labels = {
        " ".join(product.label.replace("{version}", "").split()): line
        for line, product in catalogue.products.items()
    }
    found = [
        _group([rows[number] for number in numbers], labels, likeness)
        for rows in by_publisher.values()
        for numbers in likeness.groups([stem_of(row.name) for row in rows], ALIKE)
    ]
    return tuple(sorted(found, key=lambda group: (-group.devices, group.stem, group.publisher)))


def pattern_of(stem: str) -> str:
    """The name pattern of a rule for a stem and any version at its end."""
    kept = (re.escape(character) if not character.isalnum() else character for character in stem)
    return "".join(kept).replace("\\ ", " ") + "{tail}"


def _group(rows: Sequence[Unknown], labels: Mapping[str, str], likeness: Likeness) -> Group:
    first = max(rows, key=lambda row: (row.devices, row.name))
    stem = stem_of(first.name)
    nearest = likeness.nearest(stem, tuple(labels))
    suggestion = None
    if nearest and nearest[1] >= ALIKE:
        suggestion = Suggestion(labels[nearest[0]], *nearest)
    names = tuple(sorted({row.name for row in rows}))
    return Group(stem, first.publisher, names, max(row.devices for row in rows), suggestion)
