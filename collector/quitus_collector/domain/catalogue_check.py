"""What is wrong with a catalogue: contradictions, dead rules, circles, versions out of order."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.patterns import Pattern, PatternError, witness
from quitus_collector.domain.product import version_key
from quitus_collector.domain.rule import Rule, Stage


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, and the file and line of the entry that is."""

    place: str
    text: str

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class _Stated:
    """One pattern of one rule, under `key`: an identifier's, or empty for names."""

    rule: Rule
    pattern: Pattern
    key: str = ""

    @property
    def rank(self) -> int:
        """Patterns of one rank are equally strong; an identifier's one exact value is stronger."""
        if self.key:
            return int(not self.pattern.only_text)
        return self.rule.strength(self.pattern)


def problems(catalogue: Catalogue) -> Iterator[Problem]:
    """Everything that is wrong, in no particular order."""
    yield from _suites(catalogue)
    yield from _versions(catalogue)
    yield from _unsaid(catalogue)
    first = [
        pattern
        for rule in catalogue.rules
        if rule.stage is Stage.FIRST and not rule.except_names
        for pattern in rule.names
    ]
    for group in _groups(catalogue):
        pairs = list(_overlapping(group))
        yield from _conflicts(pairs)
        yield from _dead(group, pairs, first)
    for rule in catalogue.rules:
        if not rule.names and not rule.identifiers and not _is_sold_only(catalogue, rule):
            yield Problem(rule.place, f"{rule.id} has neither names nor identifiers")


def _is_sold_only(catalogue: Catalogue, rule: Rule) -> bool:
    """Access licences are bought and never installed."""
    product = catalogue.products.get(rule.line)
    return product is not None and product.metric.value.endswith("_cal")


def _suites(catalogue: Catalogue) -> Iterator[Problem]:
    products = catalogue.products
    for line, product in products.items():
        for each in product.includes:
            if each not in products:
                yield Problem(product.place, f"{line} includes {each}, which is not a product")
        if product.continues and product.continues not in products:
            yield Problem(
                product.place, f"{line} continues {product.continues}, which is not there"
            )
        if line in catalogue.suites.get(line, ()):
            yield Problem(product.place, f"the suite {line} includes itself")


def _versions(catalogue: Catalogue) -> Iterator[Problem]:
    for line, product in catalogue.products.items():
        for older, newer in pairwise(product.releases):
            if version_key(older.version) >= version_key(newer.version):
                yield Problem(
                    product.place, f"{line}: version {newer.version} stands after {older.version}"
                )
            elif older.released and newer.released and older.released > newer.released:
                yield Problem(
                    product.place,
                    f"{line}: version {newer.version} was released before {older.version}",
                )
        for each in product.releases:
            if each.released and each.supported_until and each.supported_until < each.released:
                yield Problem(
                    product.place, f"{line}: support of {each.version} ends before its release"
                )
        for before, after in pairwise(product.terms):
            if before.valid_from and after.valid_from and before.valid_from > after.valid_from:
                yield Problem(product.place, f"{line}: terms are not in the order of their dates")


def _unsaid(catalogue: Catalogue) -> Iterator[Problem]:
    """Names that tell no version, of products whose other names do.

    One fleet would show the product with and without it. Where a name may leave it out, the group
    `version` is optional.
    """
    for rule in catalogue.rules:
        if not catalogue.lacks_version(rule.line) or rule.tells_by_build:
            continue
        for pattern in rule.names:
            if not rule.says_version(pattern):
                yield Problem(
                    rule.place,
                    f"{rule.id}: other names tell a version, {pattern.text!r} does not",
                )


def _groups(catalogue: Catalogue) -> Iterator[list[_Stated]]:
    """Patterns that may meet in one record and are of one kind of evidence.

    Names of one publisher; names of all publishers for records without one; identifiers by key.
    """
    for own in (False, True):
        rules = [rule for rule in catalogue.rules if rule.is_own is own]
        by_key: defaultdict[str, list[_Stated]] = defaultdict(list)
        by_publisher: defaultdict[str, list[_Stated]] = defaultdict(list)
        by_stage: defaultdict[object, list[_Stated]] = defaultdict(list)
        nameless: list[_Stated] = []
        for rule in rules:
            for key, patterns in rule.identifiers.items():
                by_key[key].extend(_Stated(rule, pattern, key) for pattern in patterns)
            stated = [_Stated(rule, pattern) for pattern in rule.names]
            if rule.stage is not Stage.PUBLISHER:
                tie = rule.publisher_pattern.pattern if rule.publisher_pattern else ""
                by_stage[rule.stage, tie, rule.sources].extend(stated)
                continue
            for publisher in rule.publishers:
                by_publisher[publisher].extend(stated)
            nameless.extend(each for each in stated if rule.shows_alone(each.pattern))
        seen = set[tuple[int, ...]]()
        for group in (*by_key.values(), *by_stage.values(), *by_publisher.values(), nameless):
            ids = tuple(sorted(map(id, (each.pattern for each in group))))
            if ids not in seen:
                seen.add(ids)
                yield group


def _overlapping(group: list[_Stated]) -> Iterator[tuple[_Stated, _Stated]]:
    """Pairs whose texts may begin alike; only these are worth comparing."""
    by_word: defaultdict[str, list[int]] = defaultdict(list)
    anywhere: list[int] = []
    for number, each in enumerate(group):
        words = {beginning[0] for beginning in each.pattern.beginnings if beginning}
        if () in each.pattern.beginnings:
            anywhere.append(number)
            continue
        for word in words:
            by_word[word].append(number)
    pairs = {pair for numbers in by_word.values() for pair in combinations(numbers, 2)}
    pairs |= {
        (min(first, second), max(first, second))
        for first in anywhere
        for second in range(len(group))
        if first != second
    }
    for first, second in sorted(pairs):
        one, other = group[first], group[second]
        if _begin_alike(one.pattern, other.pattern):
            yield one, other


def _begin_alike(one: Pattern, other: Pattern) -> bool:
    return any(
        all(a == b for a, b in zip(mine, theirs, strict=False))
        for mine in one.beginnings
        for theirs in other.beginnings
    )


def _conflicts(pairs: list[tuple[_Stated, _Stated]]) -> Iterator[Problem]:
    for one, other in pairs:
        if one.rank != other.rank or _agree(one, other):
            continue
        exceptions = (*one.rule.except_names, *other.rule.except_names)
        try:
            text = witness([one.pattern, other.pattern], exceptions if not one.key else ())
        except PatternError as error:
            yield Problem(one.rule.place, str(error))
            continue
        if text is not None:
            what = one.key or "name"
            yield Problem(
                one.rule.place,
                f"{one.rule.id} and {other.rule.id} ({other.rule.place}) both claim the {what} "
                f"{text!r}",
            )


def _agree(one: _Stated, other: _Stated) -> bool:
    if one.rule is other.rule or one.rule.answer == other.rule.answer:
        return True
    # Rules of one product may differ in how they find the version.
    same_class = one.rule.software_class is other.rule.software_class
    return same_class and one.rule.line == other.rule.line and not one.rule.line


def _dead(
    group: list[_Stated], pairs: list[tuple[_Stated, _Stated]], first: list[Pattern]
) -> Iterator[Problem]:
    """Patterns of which every text is taken: by an earlier one as strong, or as a patch."""
    for one, other in pairs:
        if one.rule is other.rule and one.pattern.text != other.pattern.text:
            continue
        if one.rank == other.rank and _agree(one, other) and _covers(one, other.pattern):
            yield _is_dead(other, one.rule.id)
    for each in group:
        if not each.key and each.rule.stage is Stage.PUBLISHER:
            text = each.pattern.sample
            for above in first:
                if above.compiled.fullmatch(text) and not witness([each.pattern], [above]):
                    yield _is_dead(each, "the rules of patches")


def _covers(stated: _Stated, pattern: Pattern) -> bool:
    rule = stated.rule
    if rule.unless or rule.sources or rule.except_names:
        return False
    # A text of the pattern that the other does not match answers most questions at once.
    if not stated.pattern.compiled.fullmatch(pattern.sample):
        return False
    return witness([pattern], [stated.pattern]) is None


def _is_dead(stated: _Stated, above: str) -> Problem:
    what = stated.key or "name"
    return Problem(
        stated.rule.place,
        f"the {what} pattern {stated.pattern.text!r} of {stated.rule.id} is dead: "
        f"{above} has all its texts",
    )
