"""Products: ids `publisher/family[/edition][@version]`, the order of versions, what is known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from quitus_collector.domain.entitlement import Metric

ID_PATTERN = re.compile(
    r"(?P<publisher>[a-z0-9][a-z0-9.+-]*)(?:/[a-z0-9][a-z0-9.+-]*){1,2}(?:@[a-z0-9][a-z0-9.-]*)?"
)
_RUN = re.compile(r"(\d+)|([a-z]+)")

# For each run: digits or letters, the length of the number, the run itself.
VersionKey = tuple[tuple[bool, int, str], ...]


def is_product_id(text: str) -> bool:
    """Whether the text has the form of a product id."""
    return ID_PATTERN.fullmatch(text) is not None


def line_of(product: str) -> str:
    """The product without its version: what is sold under one name through all versions."""
    return product.partition("@")[0]


def version_of(product: str) -> str:
    """The version that the licence is sold for; empty where the product has none."""
    return product.partition("@")[2]


def publisher_of(product: str) -> str:
    """The publisher's short name."""
    return product.partition("/")[0]


def version_key(version: str) -> VersionKey:
    """Orders versions by runs of digits and letters; a longer version is higher (2012 < 2012r2).

    Digits compare as numbers and stand above letters, so that a year follows a name (cs6 < 2015).
    """
    return tuple(
        (True, len(number := digits.lstrip("0")), number) if digits else (False, 0, letters)
        for digits, letters in _RUN.findall(version.lower())
    )


def version_label(version: str) -> str:
    """The version as people write it: `cs6` is CS6, `2012r2` is 2012 R2, `r2023b` is R2023b."""
    spaced = re.sub(r"(?<=\d)r(?=\d)", " R", version)
    return re.sub(r"^[a-z]+", lambda letters: letters[0].upper(), spaced)


def family_of(product: str) -> str:
    """The product line without its edition: `publisher/family`."""
    return "/".join(line_of(product).split("/")[:2])


def compare_versions(version: str, other: str) -> int | None:
    """Below 0 where the first is lower, 0 where they are the same, above 0 where it is higher.

    A product without versions matches only itself: None where one has a version, the other none.
    """
    if not version or not other:
        return 0 if version == other else None
    one, two = version_key(version), version_key(other)
    return (one > two) - (one < two)


def is_lower_version(product: str, of: str) -> bool:
    """Whether `product` is a lower version of the same product as `of`."""
    order = compare_versions(version_of(product), version_of(of))
    return line_of(product) == line_of(of) and order is not None and order < 0


def is_valid_line(line: str) -> bool:
    """Whether a text names a product line: a product id without a version."""
    return is_product_id(line) and "@" not in line


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a product: first sold, and the last day of its support; None if not public.

    Of a product that is sold without versions, `version` is what the raw version begins with.
    `source` is the page that says so.
    """

    version: str
    released: date | None = None
    supported_until: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How licences of a product are counted from `valid_from` on; zero where no such rule is.

    `processor_minimum` and `device_minimum` count cores, `pack` the units sold together,
    `devices_per_user` the devices that one user's licence serves.
    """

    metric: Metric
    source: str
    valid_from: date | None = None
    valid_until: date | None = None
    processor_minimum: int = 0
    device_minimum: int = 0
    pack: int = 0
    devices_per_user: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """Whom a product's free use is closed to: companies of `employees` or more, or as `text` says.

    `text_fr` says the same in French. `builds` is a word on which builds or parts it concerns;
    empty for all.
    """

    text: str
    source: str
    text_fr: str = ""
    valid_from: date | None = None
    employees: int = 0
    builds: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold under one name through all its versions; `metric` counts a missing licence.

    `version_names` says how people write versions whose names do not sort: 11 is XI. `includes`
    are the products that a suite of the same version has inside; `continues` is the product line
    that was sold under another name before, whose versions are older ones of this; `rank` orders
    the editions of a family, the higher one having all that the lower one has (0: not ranked). Of
    a `subscription` what tells no version is sold without one, beside versions that were sold once.
    """

    line: str
    label: str
    metric: Metric = Metric.DEVICE
    version_names: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    rank: int = 0
    subscription: bool = False
    releases: tuple[Release, ...] = ()
    terms: tuple[Terms, ...] = ()
    conditions: tuple[Condition, ...] = ()
    continues: str = ""
    place: str = field(default="", compare=False)

    def release(self, version: str, raw: str) -> Release | None:
        """What is known of a version; of a product without one, by the raw version: 13 of 13.4."""
        if version:
            return next((each for each in self.releases if each.version == version), None)
        number = re.sub(r"^\d+:", "", raw)
        within = [
            each for each in self.releases if re.match(rf"{re.escape(each.version)}(?!\d)", number)
        ]
        return max(within, key=lambda each: len(each.version), default=None)

    def terms_on(self, day: date) -> tuple[Terms, ...]:
        """The counting terms in force on that day."""
        return tuple(
            each
            for each in self.terms
            if (each.valid_from is None or each.valid_from <= day)
            and (each.valid_until is None or day <= each.valid_until)
        )
