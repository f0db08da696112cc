"""The catalogue: which raw names are which products, and whether they need a licence."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.install import Install
from quitus_collector.domain.product import is_product_id, line_of, version_key, version_label


class SoftwareClass(StrEnum):
    """What a raw record is to a licence count; UNKNOWN goes to triage, never silently to FREE."""

    COMMERCIAL = "commercial"
    FREE = "free"
    COMPONENT = "component"
    UPDATE = "update"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold under one name through all its versions; `metric` counts a missing licence.

    `version_names` says how people write versions whose names do not sort: 11 is XI.
    """

    line: str
    label: str
    metric: Metric = Metric.DEVICE
    version_names: Mapping[str, str] = field(default_factory=dict)


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
    the whole plain name, or one of `identifiers` the whole value under its key; `unless` names
    identifiers that keep it from applying. A group `version` in the pattern gives the product's
    version, else `version_else`; `major` takes the first number of the raw version instead, and
    `java` the second one of Java's old 1.N. `versions` turns names that do not sort into numbers.
    With `needs_publisher` it does not apply to a record that names none.
    """

    id: str
    software_class: SoftwareClass
    line: str = ""
    publishers: frozenset[str] = frozenset()
    publisher_pattern: re.Pattern[str] | None = None
    sources: frozenset[str] = frozenset()
    names: tuple[re.Pattern[str], ...] = ()
    identifiers: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict)
    unless: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    builds: tuple[Build, ...] = ()
    major: bool = False
    java: bool = False
    version_else: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    needs_publisher: bool = False

    def match_name(self, install: Install, plain: str) -> re.Match[str] | None:
        """The match of the plain name, if the rule applies to the record at all."""
        if self.sources and install.source not in self.sources:
            return None
        if self.publisher_pattern and not self.publisher_pattern.fullmatch(install.publisher):
            return None
        for key, pattern in self.unless.items():
            if pattern.fullmatch(install.identifiers.get(key, "")):
                return None
        return _match(self.names, plain)

    @property
    def tells_version(self) -> bool:
        """Whether the products that the rule recognises have a version."""
        return self.major or any("version" in pattern.groupindex for pattern in self.names)

    def class_of(self, version: str) -> SoftwareClass:
        """The class of the exact build, which may differ from the product's."""
        raw = self.raw_version(version)
        matching = (build.software_class for build in self.builds if build.includes(raw))
        return next(matching, self.software_class)

    def raw_version(self, version: str) -> str:
        """The version that builds are compared by: Java 1.7.0 is Java 7."""
        return re.sub(r"^1\.(?=\d)", "", version) if self.java else version

    def product_version(self, found: re.Match[str], raw_version: str) -> str:
        """The version of the product that a match shows; empty where nothing tells it."""
        if self.major:
            number = re.match(r"\d+", self.raw_version(raw_version))
            return number[0] if number else self.version_else
        named = found.groupdict().get("version") or self.version_else
        named = named.lower().replace(" ", "")
        return self.versions.get(named, named)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a raw record is, which rule says so and on what evidence; both empty when UNKNOWN."""

    software_class: SoftwareClass
    product: str | None = None
    rule: str = ""
    evidence: str = ""


UNRECOGNISED = Recognition(SoftwareClass.UNKNOWN)
# What no rule knows and its own installer hides is a part of something that it shows.
PART = Recognition(SoftwareClass.COMPONENT, rule="hidden", evidence="hidden by its installer")


@dataclass(frozen=True)
class Catalogue:
    """Publishers' names by id, products by line, rules in the order in which they are tried.

    `digest` is the SHA-256 of the files it was read from, hex.
    """

    publishers: dict[str, str] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    digest: str = ""

    def recognise(self, install: Install) -> Recognition:
        """Identifiers first, then names under a known publisher, then names under any.

        Within one strength of evidence the first rule wins, so the answer is deterministic.
        """
        for recognition in self._candidates(install):
            return recognition
        return PART if install.hidden else UNRECOGNISED

    def label(self, product: str) -> str:
        """The name that people know a product by, with its version in its place or at the end."""
        line, _, version = product.partition("@")
        known = self.products.get(line, Product(line, line))
        label = known.label if "{version}" in known.label else f"{known.label} {{version}}"
        written = known.version_names.get(version) or version_label(version)
        return " ".join(label.replace("{version}", written).split())

    def needs_licence(self, line: str) -> bool:
        """Whether any build of this product line is commercial."""
        classes = {
            each
            for rule in self.rules
            if rule.line == line
            for each in (rule.software_class, *(build.software_class for build in rule.builds))
        }
        return SoftwareClass.COMMERCIAL in classes

    def metric(self, product: str) -> Metric:
        """What a licence of the product is counted against where nothing else is agreed."""
        known = self.products.get(line_of(product))
        return known.metric if known else Metric.DEVICE

    def is_versioned(self, line: str) -> bool:
        """Whether licences of this product line are sold for a version."""
        return any(rule.tells_version for rule in self.rules if rule.line == line)

    def _candidates(self, install: Install) -> Iterator[Recognition]:
        for key in sorted(install.identifiers):
            value = install.identifiers[key]
            for rule in self._by_identifier.get(key, ()):
                if found := _match(rule.identifiers[key], value):
                    yield _recognised(rule, install, found, f"{key} {value}")
        name, publisher = plain_name(install.name), plain_publisher(install.publisher)
        for rule in self._by_publisher.get(publisher, ()) if publisher else self._unassuming:
            if found := rule.match_name(install, name):
                yield _recognised(
                    rule, install, found, "name and publisher" if publisher else "name"
                )
        for rule in self._of_anyone:
            if found := rule.match_name(install, name):
                yield _recognised(rule, install, found, "name")

    @cached_property
    def _by_identifier(self) -> Mapping[str, list[Rule]]:
        index: defaultdict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for key in rule.identifiers:
                index[key].append(rule)
        return index

    @cached_property
    def _by_publisher(self) -> Mapping[str, list[Rule]]:
        index: defaultdict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for publisher in rule.publishers:
                index[publisher].append(rule)
        return index

    @cached_property
    def _unassuming(self) -> list[Rule]:
        """Rules that may apply to a record without a publisher."""
        return [rule for rule in self.rules if not rule.needs_publisher]

    @cached_property
    def _of_anyone(self) -> list[Rule]:
        """Rules tied to no exact publisher; those that a pattern ties to one come first."""
        rules = [rule for rule in self.rules if not rule.publishers]
        return sorted(rules, key=lambda rule: rule.publisher_pattern is None)


def fold(products: Iterable[str]) -> frozenset[str]:
    """One device's products, less those that better evidence on the same device makes exact.

    "SQL Server 2019" without an edition is the same install as "SQL Server 2019 Standard".
    """
    found = frozenset(products)
    exact = set()
    for product in found:
        line, at, version = product.partition("@")
        if line.count("/") == 2:
            exact.add(f"{line.rpartition('/')[0]}{at}{version}")
    return found - exact


def _match(patterns: Iterable[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.fullmatch(text))), None)


def _recognised(rule: Rule, install: Install, found: re.Match[str], evidence: str) -> Recognition:
    product = None
    if rule.line:
        version = rule.product_version(found, install.version)
        product = f"{rule.line}@{version}" if version else rule.line
    return Recognition(rule.class_of(install.version), product, rule.id, evidence)


_SPACES = re.compile(r"\s+")
_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™©\u200b-\u200f\u202a-\u202e\u2066-\u2069]", re.IGNORECASE)
# What publishers append to a name without changing the product: architecture and language.
_LANGUAGES = (
    "french|français|francais|france|english|anglais|german|deutsch|allemand|italian|italiano|"
    "spanish|español|dutch|nederlands|portuguese|português|multi(?:-?language)?|international"
)
_ARCHITECTURES = r"64[- ]?bits?|32[- ]?bits?|x64|x86|amd64|arm64|win64|win32|x86_64"
_SUFFIX = re.compile(
    rf"""\s*(?:
        [-–]\s*[a-z]{{2,3}}-[a-z]{{2,4}}                      # "- fr-fr"
      | [-–]\s*(?:{_LANGUAGES})(?:\s*\((?:{_LANGUAGES})\))?   # "- Français (French)"
      | \((?:{_ARCHITECTURES})(?:\s+(?:{_ARCHITECTURES}|[a-z]{{2}}(?:-[a-z]{{2}})?))?\)  # "(x64)"
      | \((?:{_LANGUAGES}|[a-z]{{2}}(?:-[a-z]{{2}})?)\)       # "(French)", "(fr)"
      | [-–]?\s(?:{_ARCHITECTURES})                           # "64 bits"
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
_LEGAL_FORMS = re.compile(
    r"\b(?:inc|incorporated|corp|corporation|company|co|ltd|limited|llc|plc|pty|gmbh|ag|kg|"
    r"sa|sas|sarl|s a|s a s|s r o|bv|b v|ab|oy|srl|spa)\b"
)
_PUNCTUATION = re.compile(r"[.,()\"']+")


def plain_name(name: str) -> str:
    """The name without trade marks, architecture and language, which do not change the product."""
    plain = _SPACES.sub(" ", _MARKS.sub("", unicodedata.normalize("NFC", name))).strip()
    while plain != (shorter := _SUFFIX.sub("", plain).strip()) and shorter:
        plain = shorter
    return plain


def plain_publisher(publisher: str) -> str:
    """The publisher in lower case without its legal form: "Adobe Inc." and "Adobe" are one."""
    words = _PUNCTUATION.sub(" ", unicodedata.normalize("NFC", publisher).casefold())
    plain = _SPACES.sub(" ", _LEGAL_FORMS.sub(" ", _SPACES.sub(" ", words))).strip()
    return plain or words.strip()


def is_valid_line(line: str) -> bool:
    """Whether a text names a product line: a product id without a version."""
    return is_product_id(line) and "@" not in line
