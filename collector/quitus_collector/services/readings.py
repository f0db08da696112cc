"""How the company reads contested rules, and what the other readings come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.contested import ContestedRule, Reading, ReadRule, read_as
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import Position
from quitus_collector.errors import UsageError
from quitus_collector.services.licensing import known, position_of
from quitus_collector.services.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class Readings:
    """One position under three readings: as declared, all rules strict, all lenient."""

    declared: Position
    worst: Position
    best: Position
    rules: tuple[ReadRule, ...]

    def of_publisher(self, publisher: str) -> "Readings":
        """The same, reduced to one publisher's products and the rules that concern them."""
        return replace(
            self,
            declared=self.declared.of_publisher(publisher),
            worst=self.worst.of_publisher(publisher),
            best=self.best.of_publisher(publisher),
            rules=tuple(each for each in self.rules if each.rule.concerns(publisher)),
        )

    def document(self) -> dict[str, object]:
        """All of them as JSON has them."""
        return {
            "declared": self.declared.document(),
            "worst": self.worst.document(),
            "best": self.best.document(),
            "rules": [each.document() for each in self.rules],
        }


def side_by_side(
    store: Store, catalogue: Catalogue, solver: Solver, clock: Clock, day: date | None = None
) -> Readings:
    """The position of now or of a past day under the three readings.

    Raises what `licensing.position` raises.
    """
    found = known(store, catalogue, clock, day)
    rules = read_as(found.terms.contested, found.readings, found.day)
    with store.reading() as work:
        reasons = work.decisions.readings(found.as_of if day else None)
    return Readings(
        declared=position_of(found, solver),
        worst=position_of(found.read_as(Reading.STRICT), solver),
        best=position_of(found.read_as(Reading.LENIENT), solver),
        rules=tuple(
            ReadRule(rule, reading, reasons.get(rule.id, (reading, ""))[1])
            for rule, reading in rules
        ),
    )


def list_rules(store: Store, catalogue: Catalogue, clock: Clock) -> Sequence[ReadRule]:
    """The rules that are contested today, each as the company reads it."""
    with store.reading() as work:
        decided: Mapping[str, tuple[Reading, str]] = work.decisions.readings()
    return [
        ReadRule(each, *decided.get(each.id, (each.declared, "")))
        for each in catalogue.contested
        if each.is_valid_on(clock.today())
    ]


def decide(
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    rule: str,
    reading: Reading,
    reason: str,
    *,
    actor: str,
) -> ContestedRule:
    """Reads a rule in one way from now on; raises UsageError for one that is not contested."""
    known_rules = {each.id: each for each in catalogue.contested}
    if rule not in known_rules:
        close = get_close_matches(rule, known_rules, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError("no contested rule has the id {rule!r}{hint}", rule=rule, hint=hint)
    if not reason.strip():
        raise UsageError("a reading needs a reason: it is printed beside the figures")
    with store.writing() as work:
        work.decisions.hold()
        work.decisions.read(rule, reading, reason)
        detail = {"reading": reading.value, "reason": reason}
        work.audit.add(Event(clock.now(), Kind.READ, actor, rule, detail))
    return known_rules[rule]
