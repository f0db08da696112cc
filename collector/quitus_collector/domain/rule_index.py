"""Rules by what they apply to, and the strongest of those that match a record."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from quitus_collector.domain.install import Install
from quitus_collector.domain.recognition import CONFIDENCE, Recognition
from quitus_collector.domain.rule import Rule, Stage, Strength

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
# How the activation service names what it activates: "Office 16, Office16ProPlusVL_MAK edition".
_ACTIVATED = re.compile(r"(?:Office|Windows)\S*(?: [^,]*)?, (?P<family>\S+) edition")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A pattern of a rule, ready to be matched."""

    rank: tuple[Strength, int]
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


class RuleIndex:
    """Rules by what they apply to, so that a record meets only the few that may.

    The names of a publisher are put in order when its first record comes.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        """`rules` in the order of their files: of two that say as much, the first is taken."""
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
