"""What every implementation of ports.Store promises of decisions on devices."""

from datetime import date

import pytest

from quitus_collector.domain.perimeter import (
    Exemption,
    LegalEntity,
    Placement,
    ReasonedDevices,
    Role,
    Scope,
    SiteCoverage,
    Unreachable,
)
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services import ledger, perimeter
from quitus_collector.services.perimeter import PlacementLine
from tests.builders import an_entitlement
from tests.contract.office import DRAW, WORD, Office
from tests.contract.rules import OFFICE, VISIO

SIREN = "732829320"


def place(office: Office, *lines: PlacementLine) -> list[Placement]:
    return list(perimeter.place(office.store, office.clock, lines, actor="operator anne"))


def exempt(office: Office, exemption: Exemption) -> None:
    perimeter.add_exemption(
        office.store, office.catalogue, office.clock, exemption, actor="operator anne"
    )


@pytest.fixture
def three(office: Office) -> Office:
    """Three devices with Office, two of them with Visio."""
    for device, installs in (("d-1", (WORD, DRAW)), ("d-2", (WORD, DRAW)), ("d-3", (WORD,))):
        office.enrol(device)
        office.report(device, *installs)
    return office


def test_devices_that_people_leave_out_are_not_counted_and_said_why(three: Office) -> None:
    place(
        three,
        PlacementLine("pc-d-1", scope=Scope.RETIRED, reason="scrapped in March"),
        PlacementLine("PC-D-2", scope=Scope.EXCLUDED, reason="a customer's own"),
    )

    found = three.position()
    assert [(line.product, line.installed) for line in found.lines] == [(OFFICE, 1)]
    about = found.perimeter
    assert (about.enrolled, about.retired, about.excluded, about.set_apart) == (1, 1, 1, 0)
    assert about.reasons == (
        ReasonedDevices(Unreachable.RETIRED, "scrapped in March", 1),
        ReasonedDevices(Unreachable.EXCLUDED, "a customer's own", 1),
    )


def test_a_past_day_has_what_was_decided_then(three: Office) -> None:
    three.after(2)
    place(three, PlacementLine("pc-d-1", scope=Scope.RETIRED, reason="gone"))
    three.after(2)
    place(three, PlacementLine("pc-d-1", scope=Scope.COUNTED, reason=""))

    assert three.installed(days_ago=3)[OFFICE] == 3
    assert three.installed(days_ago=1)[OFFICE] == 2
    assert three.installed()[OFFICE] == 3


def test_exempt_installs_need_no_licence_and_name_the_exemption(three: Office) -> None:
    with three.store.writing() as work:
        work.entitlements.add(an_entitlement("E", OFFICE, 1))
    place(three, PlacementLine("pc-d-1", role=Role.TEST, reason="acceptance bench"))
    exempt(three, Exemption("X", OFFICE, Role.TEST, "contract 12, article 4"))

    lines = {line.product: line for line in three.position().lines}
    office, visio = lines[OFFICE], lines[VISIO]
    assert (office.installed, office.exempt, office.covered_installs, office.missing) == (
        *(3, (("X", 1),)),
        *(1, 1),
    )
    assert (visio.installed, visio.exempt, visio.missing) == (2, (), 2)


@pytest.mark.parametrize(
    ("product", "role", "valid_until"),
    [
        (VISIO, Role.TEST, None),
        (OFFICE, Role.STANDBY, None),
        (OFFICE, Role.TEST, date(2000, 1, 1)),
    ],
)
def test_an_exemption_is_for_its_product_its_role_and_its_time(
    three: Office, product: str, role: Role, valid_until: date | None
) -> None:
    place(three, PlacementLine("pc-d-3", role=Role.TEST, reason="bench"))
    exempt(three, Exemption("X", product, role, "a contract", None, valid_until))

    assert [line.exempt for line in three.position().lines] == [(), ()]


def test_an_exemption_of_a_publisher_holds_for_its_products(three: Office) -> None:
    place(three, PlacementLine("pc-d-1", role=Role.STANDBY, reason="cold spare"))
    exempt(three, Exemption("X", "acme", Role.STANDBY, "a contract"))

    assert [line.exempt for line in three.position().lines] == [(("X", 1),), (("X", 1),)]


def test_an_exemption_that_was_removed_held_before(three: Office) -> None:
    place(three, PlacementLine("pc-d-1", role=Role.TEST, reason="bench"))
    exempt(three, Exemption("X", OFFICE, Role.TEST, "a contract"))
    three.after(2)
    perimeter.remove_exemption(three.store, three.clock, "X", actor="operator anne")

    assert [line.exempt for line in three.position().lines] == [(), ()]
    assert [line.exempt for line in three.position(1).lines] == [(("X", 1),), ()]
    with pytest.raises(UsageError, match="no exemption has the id 'X'"):
        perimeter.remove_exemption(three.store, three.clock, "X", actor="operator anne")


def test_a_device_belongs_to_the_entity_that_people_say(three: Office) -> None:
    with three.store.writing() as work:
        work.entitlements.add(an_entitlement("E", OFFICE, 3, entity=SIREN))
    place(three, PlacementLine("pc-d-1", entity=SIREN))

    found = three.position()
    assert found.perimeter.entities == (SIREN,)
    assert {line.product: line.missing for line in found.lines} == {OFFICE: 2, VISIO: 2}


def test_sites_tell_how_many_of_their_devices_report(three: Office) -> None:
    place(
        three,
        PlacementLine("pc-d-1", site="Évry"),
        PlacementLine("pc-d-2", site="Évry"),
    )
    three.after(31)
    three.report("d-1", WORD)

    about = three.position().perimeter
    assert about.sites == (SiteCoverage("", 1, 0), SiteCoverage("Évry", 2, 1))
    assert about.reasons == (ReasonedDevices(Unreachable.STALE, "", 2),)


def test_a_reason_that_was_given_for_silence_is_told(three: Office) -> None:
    three.enrol("d-4")
    place(three, PlacementLine("d-4", reason="in stock"))

    assert three.position().perimeter.reasons == (
        ReasonedDevices(Unreachable.SILENT, "in stock", 1),
    )


def test_one_wrong_line_keeps_all_out_and_each_is_named(three: Office) -> None:
    with pytest.raises(UsageError) as error:
        place(
            three,
            PlacementLine("pc-d-1", site="Lyon", where="line 2: "),
            PlacementLine("pc-d-9", where="line 3: "),
            PlacementLine("pc-d-2", scope=Scope.RETIRED, where="line 4: "),
            PlacementLine("pc-d-3", entity="123456789", where="line 5: "),
            PlacementLine("d-1", site="Nice", where="line 6: "),
        )

    assert str(error.value).splitlines() == [
        "line 3: no device has the id or the name 'pc-d-9'",
        "line 4: the device 'pc-d-2' is retired without a reason",
        "line 5: '123456789' is not a SIREN: nine digits with their check digit",
        "line 6: the device 'd-1' is there twice",
    ]
    assert perimeter.list_placements(three.store) == []


def test_what_is_said_twice_changes_nothing_and_is_not_told_again(three: Office) -> None:
    line = PlacementLine("pc-d-1", site="Lyon", role=Role.TEST, reason="bench")

    assert [each.site for each in place(three, line)] == ["Lyon"]
    assert place(three, line) == []
    with three.store.reading() as work:
        placed = [each.event for each in work.audit.list() if each.event.kind == "device placed"]
    assert [(each.subject, each.detail) for each in placed] == [("d-1", {"role": "test"})]


def test_a_forgotten_device_stays_left_out_of_the_past(three: Office) -> None:
    place(three, PlacementLine("pc-d-1", scope=Scope.EXCLUDED, reason="of Mr Durand"))
    three.after(2)
    ledger.forget(three.store, three.clock, "pc-d-1", actor="operator anne")

    assert three.installed(days_ago=1)[OFFICE] == 2
    with three.store.reading() as work:
        assert "Durand" not in repr(work.decisions.placements())


def test_an_exemption_needs_evidence_and_a_known_product(three: Office) -> None:
    for exemption, complaint in (
        (Exemption("X", OFFICE, Role.TEST, " "), "needs evidence"),
        (Exemption("X", "acme/offic", Role.TEST, "y"), "did you mean acme/office"),
        (Exemption("X", OFFICE, Role.PRODUCTION, "y"), "what licences are for"),
        (
            Exemption("X", OFFICE, Role.TEST, "y", date(2026, 2, 1), date(2026, 1, 1)),
            "ends before it begins",
        ),
    ):
        with pytest.raises(UsageError, match=complaint):
            exempt(three, exemption)


def test_entities_have_names(office: Office) -> None:
    entity = LegalEntity(SIREN, "Exemple SA", "Groupe Exemple")
    perimeter.name_entity(office.store, office.clock, entity, actor="operator anne")

    with office.store.reading() as work:
        assert work.decisions.entities() == [entity]
    with pytest.raises(UsageError, match="not a SIREN"):
        perimeter.name_entity(
            office.store, office.clock, LegalEntity("1", "x"), actor="operator anne"
        )


def test_a_device_of_an_ambiguous_name_is_not_guessed(office: Office) -> None:
    office.enrol("d-1", hostname="twin")
    office.enrol("d-2", hostname="twin")

    with pytest.raises(UsageError, match="2 devices have the name 'twin': give one of d-1, d-2"):
        place(office, PlacementLine("twin", site="Lyon"))
    with pytest.raises(UsageError, match="no device has"):
        place(office, PlacementLine("nobody", site="Lyon"))
    assert issubclass(UnknownDevice, Exception)
