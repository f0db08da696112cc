"""What changed between two catalogues, product by product and rule by rule."""

from collections.abc import Iterator

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.rule import Rule


def differences(old: Catalogue, new: Catalogue) -> Iterator[str]:
    """One sentence for each change, sorted by what it is about."""
    for publisher in sorted(old.publishers.keys() ^ new.publishers.keys()):
        yield f"publisher {publisher}: {_word(publisher in new.publishers)}"
    for line in sorted(old.products.keys() | new.products.keys()):
        before, after = old.products.get(line), new.products.get(line)
        if before is None or after is None:
            yield f"product {line}: {_word(after is not None)}"
        elif before != after:
            yield f"product {line}: {', '.join(_changed(before, after))} changed"
    was_contested = {each.id: each for each in old.contested}
    is_contested = {each.id: each for each in new.contested}
    for name in sorted(was_contested.keys() | is_contested.keys()):
        if was_contested.get(name) != is_contested.get(name):
            both = name in was_contested and name in is_contested
            change = "changed" if both else _word(name in is_contested)
            yield f"contested rule {name}: {change}"
    before_rules, after_rules = _rules(old), _rules(new)
    for rule in sorted(before_rules.keys() | after_rules.keys()):
        was, now = before_rules.get(rule, []), after_rules.get(rule, [])
        if not was or not now:
            yield f"rule {rule}: {_word(bool(now))}"
        elif was != now:
            yield f"rule {rule}: {', '.join(_rule_changes(was, now))}"


def _word(is_new: bool) -> str:
    return "added" if is_new else "removed"


def _rules(catalogue: Catalogue) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in catalogue.rules:
        found.setdefault(rule.id, []).append(rule)
    return found


def _changed(before: object, after: object) -> list[str]:
    names = (
        "label",
        "metric",
        "version_names",
        "includes",
        "continues",
        "rank",
        "releases",
        "terms",
    )
    every = (*names, "conditions")
    return [name for name in every if getattr(before, name) != getattr(after, name)]


def _rule_changes(was: list[Rule], now: list[Rule]) -> Iterator[str]:
    patterns = [
        {
            text
            for rule in rules
            for text in (
                *(pattern.text for pattern in rule.names),
                *(f"{k}={each.text}" for k, found in rule.identifiers.items() for each in found),
            )
        }
        for rules in (was, now)
    ]
    gone, come = patterns[0] - patterns[1], patterns[1] - patterns[0]
    if [rule.answer for rule in was] != [rule.answer for rule in now]:
        yield "answer changed"
    if come:
        yield f"{len(come)} patterns added"
    if gone:
        yield f"{len(gone)} patterns removed"
    if not come and not gone and [r.answer for r in was] == [r.answer for r in now]:
        yield "changed"
