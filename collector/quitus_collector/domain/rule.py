"""A rule of recognition: the records that it applies to and the product that it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import chain

from quitus_collector.domain.install import Install
from quitus_collector.domain.patterns import Pattern
from quitus_collector.domain.product import version_key
from quitus_collector.domain.recognition import SoftwareClass


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
