"""The catalogue: which raw names are which products, and whether they need a licence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from quitus_collector.domain.contested import ContestedRule
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.install import Install
from quitus_collector.domain.plain_names import plain_name, plain_publisher
from quitus_collector.domain.product import (
    Product,
    line_of,
    version_label,
    version_of,
)
from quitus_collector.domain.recognition import PART, UNRECOGNISED, Recognition, SoftwareClass
from quitus_collector.domain.rule import Rule
from quitus_collector.domain.rule_index import RuleIndex


@dataclass(frozen=True, slots=True)
class CountingTerms:
    """What a position takes from a catalogue besides the products that were recognised.

    Kept with the history: a past position is that of the catalogue of then.
    """

    digest: str
    version: str
    products: Mapping[str, Product]
    versioned: frozenset[str]
    contested: tuple[ContestedRule, ...] = ()

    def label(self, product: str) -> str:
        """The name that people know a product by, with its version in its place or at the end."""
        known = self.products.get(line_of(product), Product(line_of(product), line_of(product)))
        label = known.label if "{version}" in known.label else f"{known.label} {{version}}"
        return " ".join(label.replace("{version}", self.version_name(product)).split())

    def version_name(self, product: str) -> str:
        """The version as people write it; empty where the product has none."""
        known, version = self.products.get(line_of(product)), version_of(product)
        named = known.version_names.get(version) if known else None
        return named or version_label(version)

    def metric(self, product: str) -> Metric:
        """What a licence of the product is counted against where nothing else is agreed."""
        known = self.products.get(line_of(product))
        return known.metric if known else Metric.DEVICE

    def is_versioned(self, line: str) -> bool:
        """Whether licences of this product line are sold for a version."""
        return line in self.versioned

    def lacks_version(self, product: str) -> bool:
        """Whether the product id tells less than a licence is sold for."""
        line, at, _ = product.partition("@")
        known = self.products.get(line)
        return not at and self.is_versioned(line) and not (known and known.subscription)


class CatalogueVersion(NamedTuple):
    """A catalogue that was counted by from `since` on."""

    since: datetime
    terms: CountingTerms


@dataclass(frozen=True)
class Catalogue:
    """Publishers' names by id, products by line, rules in the order of their files.

    `digest` is the SHA-256 of the files it was read from, hex; `version` the day it was published.
    """

    publishers: dict[str, str] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    digest: str = ""
    version: str = ""
    contested: tuple[ContestedRule, ...] = ()

    def recognise(self, install: Install) -> Recognition:
        """The strongest evidence decides; the customer's own rules come before all others.

        In this order: identifiers by what they prove, patches by name, names under a known
        publisher, names under any; within each by Strength. Rules of equal strength agree
        (`catalogue check`), so that the order of the files does not matter.
        """
        plain = plain_name(install.name)
        words = tuple(plain.lower().split(" ", 3)[:3])
        publisher = plain_publisher(install.publisher)
        for index in self._indexes:
            if found := index.recognise(install, plain, words, publisher):
                return found
        return PART if install.hidden else UNRECOGNISED

    def label(self, product: str) -> str:
        """The name that people know a product by, with its version in its place or at the end."""
        return self.counting.label(product)

    def needs_licence(self, line: str) -> bool:
        """Whether any build of this product line is commercial."""
        return SoftwareClass.COMMERCIAL in self._classes.get(line, frozenset())

    def metric(self, product: str) -> Metric:
        """What a licence of the product is counted against where nothing else is agreed."""
        return self.counting.metric(product)

    def is_versioned(self, line: str) -> bool:
        """Whether licences of this product line are sold for a version."""
        return line in self._versioned

    def lacks_version(self, product: str) -> bool:
        """Whether the product id tells less than a licence is sold for."""
        return self.counting.lacks_version(product)

    @cached_property
    def counting(self) -> CountingTerms:
        """What a position takes from the catalogue."""
        return CountingTerms(
            self.digest, self.version, self.products, self._versioned, self.contested
        )

    @cached_property
    def suites(self) -> Mapping[str, frozenset[str]]:
        """The product lines inside each suite, those of suites inside it too."""
        return {
            line: frozenset(self._inside(line, frozenset()))
            for line, product in self.products.items()
            if product.includes
        }

    def _inside(self, line: str, above: frozenset[str]) -> Iterator[str]:
        for each in self.products[line].includes if line in self.products else ():
            yield each
            if each not in above:
                yield from self._inside(each, above | {each})

    @cached_property
    def _classes(self) -> Mapping[str, frozenset[SoftwareClass]]:
        classes: defaultdict[str, set[SoftwareClass]] = defaultdict(set)
        for rule in self.rules:
            classes[rule.line].add(rule.software_class)
            classes[rule.line].update(build.software_class for build in rule.builds)
        return {line: frozenset(found) for line, found in classes.items()}

    @cached_property
    def _versioned(self) -> frozenset[str]:
        return frozenset(rule.line for rule in self.rules if rule.line and rule.tells_version)

    @cached_property
    def _indexes(self) -> tuple[RuleIndex, ...]:
        own = [rule for rule in self.rules if rule.is_own]
        shipped = [rule for rule in self.rules if not rule.is_own]
        return tuple(RuleIndex(rules) for rules in (own, shipped) if rules)


def fold(
    products: Iterable[str], suites: Mapping[str, frozenset[str]] | None = None
) -> frozenset[str]:
    """One device's products, less those that better evidence on the same device makes exact.

    "SQL Server 2019" without an edition is the same install as "SQL Server 2019 Standard", and
    "Windows Pro" as "Windows 11 Pro"; with `suites`, Word 2016 is a part of the Office Standard
    2016 beside it.
    """
    found = frozenset(products)
    hidden = set()
    for product in found:
        line, at, version = product.partition("@")
        if at:
            hidden.add(line)
        if line.count("/") == 2:
            hidden.add(f"{line.rpartition('/')[0]}{at}{version}")
        for part in (suites or {}).get(line, ()):
            hidden.add(f"{part}{at}{version}")
    return found - hidden
