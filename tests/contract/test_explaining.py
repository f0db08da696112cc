"""What every implementation of ports.Store lets one say of a figure."""

import pytest

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.errors import UsageError
from quitus_collector.services.explaining import Reasons, why
from quitus_collector.services.ports import Store
from tests.builders import an_entitlement, an_install
from tests.contract.rules import OFFICE, VISIO
from tests.contract.test_history import DAY, DRAW, TOOL, WORD, Office
from tests.fakes.clock import FakeClock


@pytest.fixture
def office(store: Store, clock: FakeClock) -> Office:
    made = Office(store, clock)
    for device in ("d-1", "d-2", "d-3"):
        made.enrol(device)
    made.report("d-1", WORD, TOOL)
    made.report("d-2", WORD, DRAW)
    made.report("d-3", TOOL)
    with store.writing() as work:
        work.entitlements.add(an_entitlement("E-1", OFFICE))
    return made


def reasons(office: Office, product: str, device: str | None = None, days_ago: int = 0) -> Reasons:
    day = office.clock.today() - days_ago * DAY
    return why(
        office.store,
        office.catalogue,
        HighsSolver(),
        office.clock,
        product,
        device=device,
        day=day if days_ago else None,
    )


def names_shown(found: Reasons) -> dict[str, list[str]]:
    return {
        device: [found.records[place].install.name for place in places]
        for device, places in found.shown_by.items()
    }


def test_a_figure_is_the_devices_their_raw_records_and_the_rule(office: Office) -> None:
    found = reasons(office, OFFICE)

    assert found.explained.line == next(
        line for line in office.position().lines if line.product == OFFICE
    )
    assert names_shown(found) == {"d-1": [WORD.name], "d-2": [WORD.name]}
    assert {each.recognition.product for each in found.records} == {OFFICE}
    assert all(each.recognition.rule for each in found.records)


def test_one_device_can_be_named_as_people_call_it(office: Office) -> None:
    found = reasons(office, OFFICE, device="pc-d-2")

    assert names_shown(found) == {"d-2": [WORD.name]}
    assert [each.device for each in found.explained.devices] == ["d-2"]
    assert found.explained.line.installed == 2


def test_a_past_figure_is_explained_by_the_records_of_then(office: Office) -> None:
    office.after(days=2)
    office.report("d-1", TOOL)
    office.report("d-2", an_install("Office 1", publisher="Acme", source="rpm"), DRAW)

    then, now = reasons(office, OFFICE, days_ago=1), reasons(office, OFFICE)

    assert (then.explained.line.installed, now.explained.line.installed) == (2, 1)
    assert names_shown(then) == {"d-1": [WORD.name], "d-2": [WORD.name]}
    assert {each.install.source for each in then.records} == {"dpkg"}
    assert {each.install.source for each in now.records} == {"rpm"}


def test_a_licence_that_a_document_proves_is_said_to_have_one(office: Office) -> None:
    with office.store.writing() as work:
        work.entitlements.add(an_entitlement("E-9", OFFICE))
        now = office.clock.now()
        work.proofs.add(Proof("E-9", "a" * 64, ProofKind.INVOICE, "F-7.pdf", 1, now))

    found = reasons(office, OFFICE)

    assert found.documented == {"E-9"}
    (told,) = (each for each in found.document()["licences"] if each["id"] == "E-9")  # type: ignore[attr-defined]
    assert told["has_document"]


def test_what_nobody_has_or_owns_is_not_explained(office: Office) -> None:
    office.report("d-2", WORD)

    with pytest.raises(UsageError, match="neither installed"):
        reasons(office, VISIO)
    with pytest.raises(UsageError, match="the catalogue has no product 'acme/other'"):
        reasons(office, "acme/other")
    with pytest.raises(UsageError, match="is not counted on 'pc-d-3'"):
        reasons(office, OFFICE, device="pc-d-3")


def test_the_document_refers_each_device_to_its_records(office: Office) -> None:
    document = reasons(office, OFFICE).document()

    devices, records = document["devices"], document["records"]
    assert isinstance(devices, list)
    assert isinstance(records, list)
    assert [(each["id"], each["records"]) for each in devices] == [("d-1", (0,)), ("d-2", (0,))]
    assert records[0]["install"]["name"] == WORD.name
