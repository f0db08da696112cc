"""A declaration counted again as of its date states the same, whatever was done since."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.adapters.declaration.attachments import JSON, attachments
from quitus_collector.adapters.declaration.files import Made, made_of
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.company import Company
from quitus_collector.domain.comparison import Difference, Reason, compare
from quitus_collector.domain.declaration import Declaration
from quitus_collector.services import declaring
from quitus_collector.services.ports import Store
from tests.builders import an_entitlement
from tests.contract.rules import OFFICE, VISIO, a_catalogue
from tests.contract.test_history import DRAW, WORD, Office
from tests.fakes.clock import FakeClock

HOUR = timedelta(hours=1)


def made(declaration: Declaration) -> Made:
    return made_of(attachments(declaration)[JSON], "declaration.json")


class Declarer(Office):
    """An office that declares."""

    def declare(self, again: Made | None = None) -> Declaration:
        declaration, evidence = declaring.draft(
            self.store,
            self.catalogue,
            HighsSolver(),
            self.clock,
            company=Company("Ateliers Mercure"),
            publisher=None,
            software_version="0.1.0",
            seed=bytes(32),
            at=again and again.as_of,
        )
        assert evidence.commitment == declaration.evidence
        return declaration

    def own(self, *entitlements: object) -> None:
        with self.store.writing() as work:
            for each in entitlements:
                work.entitlements.add(each)  # type: ignore[arg-type]


@pytest.fixture
def office(store: Store, clock: FakeClock) -> Declarer:
    """Two devices and one licence for one of them."""
    made = Declarer(store, clock)
    for number in (1, 2):
        made.enrol(f"d-{number}")
        made.report(f"d-{number}", WORD)
    made.own(an_entitlement("E-1", OFFICE, 1))
    made.clock.advance(HOUR)
    return made


def test_it_states_the_same_after_installs_licences_devices_and_rules_changed(
    office: Declarer,
) -> None:
    before = office.declare()

    office.clock.advance(HOUR)
    office.report("d-1", DRAW)
    office.report("d-2", WORD, DRAW)
    office.enrol("d-3")
    office.report("d-3", WORD)
    office.own(an_entitlement("E-1", OFFICE, 5), an_entitlement("E-2", VISIO, 1))
    with office.store.writing() as work:
        work.devices.remove("d-2")
    office.catalogue = replace(a_catalogue(), digest="of other rules")
    office.clock.advance(HOUR)
    office.declare()
    again = office.declare(made(before))

    assert compare(made(before).stated, made(again).stated) == ()
    assert again.position.lines == before.position.lines
    assert again.position.catalogue_digest == before.position.catalogue_digest
    assert again.evidence == before.evidence


def reasons(differences: tuple[Difference, ...]) -> dict[str, list[Reason]]:
    return {each.product: [found.reason for found in each.reasons] for each in differences}


def test_the_difference_of_two_declarations_is_told_line_by_line(office: Declarer) -> None:
    before = office.declare()
    office.clock.advance(HOUR)
    office.report("d-2", WORD, DRAW)
    office.own(an_entitlement("E-1", OFFICE, 2))
    office.clock.advance(HOUR)

    found = compare(made(before).stated, made(office.declare()).stated)

    assert reasons(found) == {OFFICE: [Reason.ENTITLEMENTS], VISIO: [Reason.INSTALLS]}
    (change,) = [each for each in found[0].changes if each.figure == "missing"]
    assert (change.before, change.after) == (1, 0)


def test_what_is_no_declaration_cannot_be_reopened() -> None:
    from quitus_collector.errors import UsageError

    for content in (b"", b"{}", json.dumps({"format": "quitus-declaration/2"}).encode()):
        with pytest.raises(UsageError, match=r"declaration\.json: "):
            made_of(content, "declaration.json")
