"""What every implementation of ports.Store promises of contested rules and how they are read."""

from dataclasses import replace
from datetime import date

import pytest

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.contested import ContestedRule, Effect, Reading
from quitus_collector.domain.entitlement import Channel
from quitus_collector.domain.holding import NOBODY
from quitus_collector.domain.perimeter import Exemption, Role
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.errors import UsageError
from quitus_collector.services import perimeter, readings
from quitus_collector.services.perimeter import PlacementLine
from quitus_collector.services.readings import Readings
from quitus_collector.services.trying import Purchase, what_if
from tests.builders import an_entitlement
from tests.contract.office import DAY, WORD, Office
from tests.contract.rules import OFFICE


def a_rule(effect: Effect, declared: Reading = Reading.LENIENT, **fields: object) -> ContestedRule:
    return ContestedRule(effect.value, effect, declared, "", "", "", "", ("a source",), **fields)  # type: ignore[arg-type]


@pytest.fixture
def contesting(office: Office) -> Office:
    """Three devices with Office; one licence second-hand, one unproven, one bound to d-3."""
    for device in ("d-1", "d-2", "d-3"):
        office.enrol(device)
        office.report(device, WORD)
    with office.store.writing() as work:
        used = an_entitlement("used", OFFICE, 1, channel=Channel.USED, proof="invoice 1")
        work.entitlements.add(used)
        work.entitlements.add(an_entitlement("unproven", OFFICE, 1))
        bound = an_entitlement("bound", OFFICE, 1, bound_to="pc-d-3", proof="invoice 2")
        work.entitlements.add(bound)
    return office


def contest(office: Office, *rules: ContestedRule) -> None:
    office.catalogue = replace(office.catalogue, contested=rules, digest=f"{hash(rules)}")


def missing(office: Office) -> tuple[int | None, int | None, int | None]:
    """Under the most favourable, the declared, and the most severe reading."""
    found = side_by_side(office)
    lines = (each.lines[0] for each in (found.best, found.declared, found.worst))
    best, declared, worst = (line.missing for line in lines)
    return best, declared, worst


def side_by_side(office: Office, day: date | None = None) -> Readings:
    return readings.side_by_side(office.store, office.catalogue, HighsSolver(), office.clock, day)


def decide(office: Office, effect: Effect, reading: Reading, reason: str = "counsel") -> None:
    readings.decide(
        *(office.store, office.catalogue, office.clock),
        *(effect.value, reading, reason),
        actor="operator anne",
    )


def test_without_contested_rules_the_three_are_one(contesting: Office) -> None:
    assert missing(contesting) == (0, 0, 0)


@pytest.mark.parametrize("effect", [Effect.USED, Effect.UNPROVEN])
def test_licences_that_a_publisher_disputes_count_for_nothing_at_worst(
    contesting: Office, effect: Effect
) -> None:
    contest(contesting, a_rule(effect))

    assert missing(contesting) == (0, 0, 1)


def test_a_document_kept_for_a_licence_proves_it_from_then_on_until_it_is_taken_off(
    contesting: Office,
) -> None:
    contest(contesting, a_rule(Effect.UNPROVEN))
    assert missing(contesting) == (0, 0, 1)
    contesting.after(2)
    now = contesting.clock.now()
    with contesting.store.writing() as work:
        work.proofs.add(Proof("unproven", "a" * 64, ProofKind.INVOICE, "F-7.pdf", 1, now))

    assert missing(contesting) == (0, 0, 0)
    yesterday = side_by_side(contesting, contesting.clock.today() - DAY)
    assert yesterday.worst.lines[0].missing == 1
    contesting.after(2)
    with contesting.store.writing() as work:
        work.proofs.remove("unproven", "a" * 64, contesting.clock.now(), NOBODY)
    assert missing(contesting) == (0, 0, 1)
    assert side_by_side(contesting, contesting.clock.today() - DAY).worst.lines[0].missing == 0


def test_licences_that_are_tried_on_paper_need_no_proof(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.UNPROVEN, Reading.STRICT))

    found = what_if(
        *(contesting.store, contesting.catalogue, HighsSolver(), contesting.clock),
        purchases=[Purchase(OFFICE, 1)],
    )

    assert found.missing == (1, 0)


def test_several_rules_add_up(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.USED), a_rule(Effect.UNPROVEN, Reading.STRICT))

    assert missing(contesting) == (0, 1, 2)


def test_a_licence_sold_with_a_device_covers_others_at_best(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.BOUND, Reading.STRICT))
    with contesting.store.writing() as work:
        work.devices.remove("d-3")
        work.entitlements.remove("used")

    assert missing(contesting) == (0, 1, 1)


def test_devices_that_are_silent_count_for_nothing_at_best(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.SILENT, Reading.STRICT))
    with contesting.store.writing() as work:
        work.entitlements.remove("used")
        work.entitlements.remove("unproven")
    contesting.after(31)
    contesting.report("d-3", WORD)

    found = side_by_side(contesting)
    assert [line.installed for line in found.best.lines] == [1]
    assert [line.installed for line in found.declared.lines] == [3]
    assert missing(contesting) == (0, 2, 2)


def test_exemptions_hold_for_nothing_at_worst(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.EXEMPT))
    with contesting.store.writing() as work:
        work.entitlements.remove("used")
    line = PlacementLine("pc-d-1", role=Role.TEST, reason="bench")
    perimeter.place(contesting.store, contesting.clock, [line], actor="operator anne")
    perimeter.add_exemption(
        *(contesting.store, contesting.catalogue, contesting.clock),
        Exemption("X", OFFICE, Role.TEST, "a contract"),
        actor="operator anne",
    )

    assert missing(contesting) == (0, 0, 1)


def test_a_rule_concerns_its_publishers_on_its_days(contesting: Office) -> None:
    contest(
        contesting,
        a_rule(Effect.USED, publishers=("other",)),
        a_rule(Effect.UNPROVEN, valid_until=date(2000, 1, 1)),
    )

    assert missing(contesting) == (0, 0, 0)
    shown = side_by_side(contesting)
    assert [each.rule.id for each in shown.rules] == ["used"]
    assert shown.of_publisher("acme").rules == ()


def test_the_company_decides_and_the_past_keeps_what_it_decided(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.USED))
    assert missing(contesting) == (0, 0, 1)
    contesting.after(2)
    decide(contesting, Effect.USED, Reading.STRICT, "counsel, 3 May")

    assert missing(contesting) == (0, 1, 1)
    assert contesting.position().lines[0].missing == 1
    yesterday = side_by_side(contesting, contesting.clock.today() - DAY)
    assert yesterday.declared.lines[0].missing == 0
    (read,) = side_by_side(contesting).rules
    assert (read.reading, read.reason) == (Reading.STRICT, "counsel, 3 May")
    (listed,) = readings.list_rules(contesting.store, contesting.catalogue, contesting.clock)
    assert listed == read


def test_a_reading_needs_a_known_rule_and_a_reason(contesting: Office) -> None:
    contest(contesting, a_rule(Effect.USED))

    with pytest.raises(UsageError, match="no contested rule has the id 'unproven'"):
        decide(contesting, Effect.UNPROVEN, Reading.STRICT)
    with pytest.raises(UsageError, match="needs a reason"):
        decide(contesting, Effect.USED, Reading.STRICT, " ")
