"""The catalogue: which raw names are which products, and whether they need a licence."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

from quitus_collector.domain.contested import ContestedRule
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.install import Install
from quitus_collector.domain.patterns import Pattern, without_accents
from quitus_collector.domain.product import (
    is_product_id,
    line_of,
    version_key,
    version_label,
    version_of,
)


class SoftwareClass(StrEnum):
    """What a raw record is to a licence count; UNKNOWN goes to triage, never silently to FREE."""

    COMMERCIAL = "commercial"
    FREE = "free"
    COMPONENT = "component"
    UPDATE = "update"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """When rules are tried: patches of anyone FIRST, a publisher's own, then those of anyone."""

    FIRST = "first"
    PUBLISHER = "publisher"
    LAST = "last"


class Strength(IntEnum):
    """How much a name pattern says, the strongest first.

    One that fixes the whole name comes before one that leaves a part open; of the open ones, those
    of parts come first: a word like "language pack" tells more than the product's name around it.
    """

    FIXED = 0
    OPEN_PART = 1
    OPEN = 2


# Identifiers by what they prove, strongest first; others follow in alphabetical order.
IDENTIFIERS = (
    "release_id",
    "product_code",
    "tag_id",
    "licence_family",
    "upgrade_code",
    "package_family_name",
    "bundle_id",
    "product_id",
    "purl",
)


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


@dataclass(frozen=True, slots=True)
class Build:
    """A range of builds whose terms differ: `since` included, `below` excluded; empty is open."""

    software_class: SoftwareClass
    since: str = ""
    below: str = ""

    def includes(self, version: str) -> bool:
        """Whether a raw version lies in the range; one that is not known lies in none."""
        if not version:
            return False
        key = version_key(version)
        return (not self.since or version_key(self.since) <= key) and (
            not self.below or key < version_key(self.below)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a publisher's file.

    It applies to records of its `publishers` (in plain form) or whose publisher matches the pattern
    (with neither: of anyone) and of its `sources` (empty: of any), of which one of `names` matches
    the whole plain name and none of `except_names` does, or one of `identifiers` the whole value
    under its key; `unless` names identifiers that keep it from applying. A group `version` in the
    pattern gives the product's version, or a group `code` by way of `from_code`; else `from_build`
    does by the first number of the raw version, or that number itself (`major`; of Java's old 1.N
    the second); of an identifier that tells none, `version_else`.
    `versions` turns names that do not sort into numbers. With `needs_publisher` it does not apply
    to a record that names none. `is_own` marks a rule of the customer's.
    """

    id: str
    software_class: SoftwareClass
    line: str = ""
    publishers: frozenset[str] = frozenset()
    publisher_pattern: re.Pattern[str] | None = None
    sources: frozenset[str] = frozenset()
    names: tuple[Pattern, ...] = ()
    except_names: tuple[Pattern, ...] = ()
    identifiers: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict)
    unless: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    builds: tuple[Build, ...] = ()
    major: bool = False
    java: bool = False
    from_build: Mapping[str, str] = field(default_factory=dict)
    from_code: Mapping[str, str] = field(default_factory=dict)
    version_else: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    needs_publisher: bool = False
    stage: Stage = Stage.PUBLISHER
    is_own: bool = False
    place: str = field(default="", compare=False)

    def applies(self, install: Install, plain: str) -> bool:
        """Whether a record with this plain name, which matches, is the rule's at all."""
        if self.sources and install.source not in self.sources:
            return False
        if self.publisher_pattern and not self.publisher_pattern.fullmatch(install.publisher):
            return False
        for key, pattern in self.unless.items():
            if pattern.fullmatch(install.identifiers.get(key, "")):
                return False
        return not any(each.compiled.fullmatch(plain) for each in self.except_names)

    def shows_alone(self, pattern: Pattern) -> bool:
        """Whether a name says enough without its publisher; one that begins anyhow does not."""
        return not self.needs_publisher and () not in pattern.beginnings

    def strength(self, pattern: Pattern) -> Strength:
        """How much one of its patterns says."""
        if not pattern.is_broad:
            return Strength.FIXED
        return Strength.OPEN if self.line else Strength.OPEN_PART

    @property
    def answer(self) -> tuple[object, ...]:
        """What the rule says of a record; rules with one answer do not contradict each other."""
        return (self.software_class, self.line, self.builds, tuple(self.versions.items()))

    @property
    def tells_version(self) -> bool:
        """Whether the products that the rule recognises have a version."""
        patterns = chain(self.names, *self.identifiers.values())
        return (
            self.tells_by_build or bool(self.version_else) or any(map(self.says_version, patterns))
        )

    def says_version(self, pattern: Pattern) -> bool:
        """Whether a text that one of its patterns matches may tell the product's version."""
        return "version" in pattern.groups or bool(self.from_code and "code" in pattern.groups)

    @property
    def tells_by_build(self) -> bool:
        """Whether the raw version tells the product's, whatever the name."""
        return self.major or bool(self.from_build)

    def class_of(self, raw: str) -> SoftwareClass:
        """The class of the exact build, which may differ from the product's."""
        matching = (build.software_class for build in self.builds if build.includes(raw))
        return next(matching, self.software_class)

    def raw_version(self, version: str, found: re.Match[str]) -> str:
        """The version that builds are compared by: Java 1.7.0 is Java 7.

        Where the record has none, the name may: Java 8 Update 202 is build 8.0.2020.
        """
        if self.java:
            version = re.sub(r"^1\.(?=\d)", "", version)
        named = found.groupdict() if found.re.groups else {}
        if not version and named.get("build"):
            return str(named["build"])
        if not version and named.get("update"):
            return f"{named['version']}.0.{named['update']}0"
        return version

    def named_version(self, plain: str) -> str:
        """The version by the record's name, for an identifier that tells none."""
        for pattern in self.names:
            if "version" in pattern.groups and (found := pattern.compiled.fullmatch(plain)):
                return self.product_version(found, "") or self.version_else
        return self.version_else

    def product_version(self, found: re.Match[str], raw: str) -> str:
        """The version of the product that a match shows; empty where nothing tells it."""
        groups = found.groupdict() if found.re.groups else {}
        named = groups.get("version") or ""
        if "code" in groups:
            named = self.from_code.get(groups["code"] or "", "")
        if not named and self.tells_by_build:
            number = re.match(r"\d+", raw)
            first = number[0] if number else ""
            named = self.from_build.get(first, "") or (first if self.major else "")
        named = named.lower().replace(" ", "")
        return self.versions.get(named, named)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a raw record is, which rule says so and on what evidence; both empty when UNKNOWN.

    `confidence` is from 0 to 1 and orders kinds of evidence; it is not a probability.
    """

    software_class: SoftwareClass
    product: str | None = None
    rule: str = ""
    evidence: str = ""
    confidence: float = 0.0

    def document(self) -> dict[str, object]:
        """The answer as JSON has it; only what is commercial or free is a product to name."""
        is_product = self.software_class in (SoftwareClass.COMMERCIAL, SoftwareClass.FREE)
        return {
            "product": self.product if is_product else None,
            "class": self.software_class.value,
            "rule": self.rule or None,
            "evidence": self.evidence or None,
            "confidence": self.confidence,
        }


UNRECOGNISED = Recognition(SoftwareClass.UNKNOWN)
# What no rule knows and its own installer hides is a part of something that it shows.
PART = Recognition(SoftwareClass.COMPONENT, None, "hidden", "hidden by its installer", 0.5)
# By whether the publisher agrees with the rule's, and whether the pattern leaves a part open.
CONFIDENCE = {
    (True, False): 0.95,
    (True, True): 0.85,
    (False, False): 0.75,
    (False, True): 0.6,
}


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
    def _indexes(self) -> tuple["_Index", ...]:
        own = [rule for rule in self.rules if rule.is_own]
        shipped = [rule for rule in self.rules if not rule.is_own]
        return tuple(_Index(rules) for rules in (own, shipped) if rules)


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


@dataclass(frozen=True, slots=True)
class _Entry:
    """A pattern of a rule, ready to be matched."""

    rank: tuple["Strength", int]
    fullmatch: Callable[[str], re.Match[str] | None]
    rule: Rule


class _Names:
    """Name patterns by the words that their texts begin with."""

    def __init__(
        self, rules: Iterable[tuple[int, Rule]], *, without_publisher: bool = False
    ) -> None:
        by_beginning: defaultdict[tuple[str, ...], list[_Entry]] = defaultdict(list)
        for number, rule in rules:
            for pattern in rule.names:
                if without_publisher and not rule.shows_alone(pattern):
                    continue
                rank = (rule.strength(pattern), number)
                entry = _Entry(rank, pattern.compiled.fullmatch, rule)
                for words in pattern.beginnings:
                    by_beginning[words].append(entry)
        # Each list holds those of its shorter beginnings too, so that one look-up finds them all.
        self._entries = {
            words: sorted(
                (
                    entry
                    for length in range(len(words) + 1)
                    for entry in by_beginning.get(words[:length], ())
                ),
                key=lambda entry: entry.rank,
            )
            for words in {(), *by_beginning}
        }

    def find(
        self, install: Install, plain: str, words: tuple[str, ...]
    ) -> tuple[_Entry, re.Match[str]] | None:
        """The strongest pattern that matches the plain name, with its match."""
        while words and words not in self._entries:
            words = words[:-1]
        for entry in self._entries[words]:
            if (found := entry.fullmatch(plain)) and entry.rule.applies(install, plain):
                return entry, found
        return None


class _Index:
    """Rules by what they apply to, so that a record meets only the few that may.

    The names of a publisher are put in order when its first record comes.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        numbered = list(enumerate(rules))
        self._identifiers = _identifiers(rule for _, rule in numbered)
        at = {stage: [each for each in numbered if each[1].stage is stage] for stage in Stage}
        self._first = _Names(at[Stage.FIRST])
        # Those that a pattern ties to some publishers come before those of anyone.
        self._tied = _Names(each for each in at[Stage.LAST] if each[1].publisher_pattern)
        self._last = _Names(each for each in at[Stage.LAST] if not each[1].publisher_pattern)
        self._rules = at[Stage.PUBLISHER]
        self._by_publisher: defaultdict[str, list[tuple[int, Rule]]] = defaultdict(list)
        for number, rule in self._rules:
            for publisher in rule.publishers:
                self._by_publisher[publisher].append((number, rule))
        self._names: dict[str, _Names] = {}

    @cached_property
    def _unassuming(self) -> _Names:
        """The names that say enough without a publisher."""
        return _Names(self._rules, without_publisher=True)

    def recognise(
        self, install: Install, plain: str, words: tuple[str, ...], publisher: str
    ) -> Recognition | None:
        """The answer of the strongest rule; None where no rule applies."""
        identifiers = install.identifiers
        if plain.endswith(" edition") and (activated := _ACTIVATED.fullmatch(plain)):
            identifiers = {"licence_family": activated["family"], **identifiers}
        if identifiers and (recognition := self._by_identifier(install, identifiers, plain)):
            return recognition
        if found := self._first.find(install, plain, words):
            return _by_name(install, *found, is_publishers=False)
        names = self._names_of(publisher) if publisher else self._unassuming
        if names and (found := names.find(install, plain, words)):
            return _by_name(install, *found, is_publishers=bool(publisher))
        for names in (self._tied, self._last):
            if found := names.find(install, plain, words):
                return _by_name(install, *found, is_publishers=names is self._tied)
        return None

    def _names_of(self, publisher: str) -> _Names | None:
        """By the whole publisher, else by its first words: "Mozilla Foundation" is Mozilla."""
        while publisher and publisher not in self._by_publisher:
            publisher = publisher.rpartition(" ")[0]
        if publisher and publisher not in self._names:
            self._names[publisher] = _Names(self._by_publisher[publisher])
        return self._names.get(publisher)

    def _by_identifier(
        self, install: Install, identifiers: Mapping[str, str], plain: str
    ) -> Recognition | None:
        for key, (exact, patterns) in self._identifiers.items():
            value = identifiers.get(key)
            if not value:
                continue
            entries = exact.get(value.lower(), patterns)
            for fullmatch, rule in entries:
                if found := fullmatch(value):
                    named = rule.named_version(plain)
                    return _recognised(rule, install, found, f"{key} {value}", 1.0, named)
        return None


_Matcher = tuple[Callable[[str], re.Match[str] | None], Rule]


def _identifiers(
    rules: Iterable[Rule],
) -> dict[str, tuple[dict[str, list[_Matcher]], list[_Matcher]]]:
    """Rules by identifier, strongest first: those for one exact value, then those for many."""
    found: dict[str, tuple[dict[str, list[_Matcher]], list[_Matcher]]] = {}
    for rule in rules:
        for key, patterns in rule.identifiers.items():
            exact, many = found.setdefault(key, ({}, []))
            for pattern in patterns:
                matcher = (pattern.compiled.fullmatch, rule)
                if value := pattern.only_text:
                    exact.setdefault(value, []).append(matcher)
                else:
                    many.append(matcher)
    order = {key: number for number, key in enumerate(IDENTIFIERS)}
    return {key: found[key] for key in sorted(found, key=lambda key: (order.get(key, 99), key))}


def _by_name(
    install: Install, entry: _Entry, found: re.Match[str], *, is_publishers: bool
) -> Recognition:
    evidence = "name and publisher" if is_publishers else "name"
    confidence = CONFIDENCE[is_publishers, entry.rank[0] is not Strength.FIXED]
    return _recognised(entry.rule, install, found, evidence, confidence)


def _recognised(
    rule: Rule,
    install: Install,
    found: re.Match[str],
    evidence: str,
    confidence: float,
    version_else: str = "",
) -> Recognition:
    product = None
    raw = rule.raw_version(install.version, found)
    if rule.line:
        version = rule.product_version(found, raw) or version_else
        product = f"{rule.line}@{version}" if version else rule.line
    return Recognition(rule.class_of(raw), product, rule.id, evidence, confidence)


# How the activation service names what it activates: "Office 16, Office16ProPlusVL_MAK edition".
_ACTIVATED = re.compile(r"(?:Office|Windows)\S*(?: [^,]*)?, (?P<family>\S+) edition")
_SPACES = re.compile(r"\s+")
_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™©\u200b-\u200f\u202a-\u202e\u2066-\u2069]", re.IGNORECASE)
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019`\u00b4", "'"))
# What publishers append to a name without changing the product: architecture, language, scope.
_LANGUAGE_NAMES = (
    "french|francais|france|english|anglais|englisch|inglese|ingles|german|deutsch|allemand|"
    "tedesco|aleman|italian|italiano|italien|italienisch|spanish|espanol|espagnol|spanisch|dutch|"
    "nederlands|neerlandais|portuguese|portugues|portugais|portugiesisch|polish|polski|polonais|"
    "russian|japanese|chinese|simplified chinese|czech|hungarian|turkish|swedish|danish|norwegian|"
    "finnish|korean|greek|romanian|multi(?:-?language|lingual|lingue|lingua)?|international|ml|"
    "multilanguages"
)
_ARCHITECTURES = (
    "(?:64|32)[- ]?bits?|x64|x86|x86[_-]64|amd64|arm64|ia64|win64|win32|64 ?bit edition|"
    "64 ?octets|intel|universal|apple silicon"
)
_CODES = "[a-z]{2}(?:[-_][a-z]{2,4})?"
# In brackets at the end: "(x64 fr)", "(64-bit edition)", "(remove only)", "(User)".
_BRACKETED = re.compile(
    rf"(?:(?:{_ARCHITECTURES})(?: edition| version)?(?: (?:{_ARCHITECTURES}|{_CODES}))?|{_CODES}|"
    rf"{_LANGUAGE_NAMES}|remove only|uninstall only|(?:only )?current user|all users|"
    r"user(?: installer)?|machine(?:-wide)?|system(?: installer)?|per[- ]user|per[- ]machine|"
    r"supprimer uniquement|nur entfernen|solo rimozione)"
)
# After a dash at the end: "- fr-fr", "- Français (French)", "- FRA", "- x64".
_DASHED = re.compile(
    r"(?:[a-z]{2,3}-[a-z]{2,4}(?:-[a-z]{2,4})?|"
    rf"(?:{_LANGUAGE_NAMES})(?: \((?:{_LANGUAGE_NAMES})\))?|"
    rf"(?:{_LANGUAGE_NAMES})(?:, (?:{_LANGUAGE_NAMES}))+|"
    rf"{_ARCHITECTURES}|enu|fra|deu|ita|esn|esp|nld|ptb|ptg|plk|csy|rus|jpn|chs|cht|kor|trk)"
)
_LAST_WORDS = re.compile(rf"(.+) (?:-?(?:{_ARCHITECTURES}))", re.IGNORECASE)
_LEGAL_FORMS = re.compile(
    r"\b(?:inc|incorporated|corp|corporation|corporations|company|co|ltd|limited|llc|llp|plc|pty|"
    r"gmbh|mbh|ag|kg|se|sa|sas|sarl|s a|s a s|s a r l|s r o|sro|s r l|bv|b v|nv|ab|oy|srl|spa|"
    r"s p a|s l|sl|aps|a s|as|pvt|lp|l p|kk)\b"
)
_PUNCTUATION = re.compile(r"[.,()\"'/]+")
_SUBJECT = re.compile(r"(?:^|,\s*)(?:O|CN)\s*=\s*\"?([^\",]+)")
_NOTICE = re.compile(
    r"^(?:(?:copyright|by|the)\b|\(c\)|[©\ufffd]|ï¿½|[\s,–-]*(?:19|20)\d\d[\d\s,–-]*)[\s,]*",
    re.IGNORECASE,
)
_HOLDER = re.compile(
    r"^.*?(?:copyright|©|\(c\))(?:\s*(?:copyright|©|\(c\)))*\s*(?=.*[a-z])", re.IGNORECASE
)
_ADDRESS = re.compile(r"\s*<[^>]*>|https?://\S+")


def plain_name(name: str) -> str:
    """The name without accents, marks, architecture and language: what changes no product."""
    plain = name
    if not plain.isascii():
        plain = without_accents(_MARKS.sub("", plain.translate(_QUOTES)))
    elif "(" in plain:
        plain = _MARKS.sub("", plain)
    plain = " ".join(plain.split())
    while (shorter := _without_ending(plain)) and shorter != plain:
        plain = shorter
    return plain


def _without_ending(plain: str) -> str:
    if plain.endswith(")"):
        head, bracket, inside = plain.rpartition("(")
        if bracket and _BRACKETED.fullmatch(inside[:-1].strip().lower()):
            return head.rstrip(" -")
    head, dash, end = plain.rpartition(" - ")
    if dash and _DASHED.fullmatch(end.strip().lower()):
        return head.rstrip()
    if plain[-1:].lower() in "4672st" and (found := _LAST_WORDS.fullmatch(plain)):
        return found[1].rstrip(" -,")
    return plain


@lru_cache(maxsize=1 << 16)
def plain_publisher(publisher: str) -> str:
    """The publisher in lower case without its legal form: "Adobe Inc." and "Adobe" are one.

    Of a certificate's subject the organisation, of a copyright notice its holder.
    """
    plain = unicodedata.normalize("NFC", publisher)
    if subject := _SUBJECT.findall(plain):
        plain = str(subject[-1] if "O=" in plain.replace(" ", "") else subject[0])
    plain = _HOLDER.sub("", plain)
    plain = _ADDRESS.sub("", _MARKS.sub("", plain)).strip()
    while (shorter := _NOTICE.sub("", plain, count=1)) != plain and shorter:
        plain = shorter
    words = _PUNCTUATION.sub(" ", without_accents(plain).casefold())
    words = _SPACES.sub(" ", words).strip()
    words = words.removesuffix("all rights reserved").strip()
    found = _SPACES.sub(" ", _LEGAL_FORMS.sub(" ", words)).strip(" -&")
    # A number where a name should be says nothing.
    return (found or words) if any(map(str.isalpha, words)) else ""


def is_valid_line(line: str) -> bool:
    """Whether a text names a product line: a product id without a version."""
    return is_product_id(line) and "@" not in line
