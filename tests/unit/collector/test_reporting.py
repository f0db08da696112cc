"""Reports: what is kept, what is asked for whole, and what goes to quarantine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.audit import Kind
from quitus_collector.domain.certificate import ClientCertificate
from quitus_collector.domain.device import Device, Standing, fingerprint, likeness
from quitus_collector.domain.install import DeviceFacts, Install, Inventory, SourceStatus
from quitus_collector.domain.report import Changes, Report, Unchanged
from quitus_collector.errors import (
    AgentTooOld,
    FullReportWanted,
    InvalidRequest,
    Quarantined,
    StoreAway,
    StoreConflict,
    StoreError,
    UnknownDevice,
    UsageError,
)
from quitus_collector.services import reporting
from quitus_collector.services.reporting import Accepted, Decision
from tests.builders import a_certificate, a_device, a_report, an_install, an_inventory
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore, MemoryUnitOfWork

BASH, VIM, VISIO = an_install("bash"), an_install("vim"), an_install("Visio", source="rpm")
LAPTOP = DeviceFacts("PC-1", smbios_uuid="4c4c4544-0001-11", serial="5CG1234", machine_id="aa11")
OTHER = DeviceFacts("PC-2", smbios_uuid="4c4c4544-0002-22", serial="5CG9999", machine_id="bb22")


def peer(device: str) -> ClientCertificate:
    """What a device of `a_device` shows."""
    return a_certificate(a_device(device))


class Desk:
    """A collector on fakes with some devices, and each device's last receipt."""

    def __init__(self, *devices: str) -> None:
        self.store, self.clock = MemoryStore(), FakeClock()
        self.receipts: dict[str, bytes] = {}
        with self.store.writing() as work:
            for device in devices:
                work.devices.add(a_device(device))

    def say(self, device: str, report: Report) -> Accepted:
        return reporting.accept_report(self.store, self.clock, peer(device), report)

    def report(self, device: str, content: Inventory) -> Accepted:
        """Whole, as a device that keeps its receipts."""
        said = a_report(content, receipt=self.receipts.get(device, b""))
        accepted = self.say(device, said)
        self.receipts[device] = accepted.receipt
        return accepted

    def device(self, device: str) -> Device:
        with self.store.reading() as work:
            return work.devices.get(device)

    def names(self, device: str) -> list[str]:
        return [each.name for each in reporting.show_device(self.store, device)[1]]

    def settle(self, device: str, decision: Decision) -> Device:
        return reporting.settle(self.store, self.clock, device, decision, "operator")


@pytest.fixture
def desk() -> Desk:
    return Desk("d-1", "d-2")


def changes(inventory: Inventory, *removed: Install, added: tuple[Install, ...] = ()) -> Changes:
    """What leads to an inventory: its facts and sources, and rows that come and go."""
    gone = frozenset(each.row() for each in removed)
    return Changes(inventory.facts, inventory.sources, added, gone)


def test_an_unchanged_report_is_a_digest_alone(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH, VIM))
    desk.clock.advance(timedelta(days=1))
    digest = a_report(an_inventory(VIM, BASH)).digest

    again = desk.say("d-1", a_report(Unchanged(), digest=digest, receipt=first.receipt))

    assert again.installs == 2
    assert again.receipt != first.receipt
    assert desk.device("d-1").last_report_at == desk.clock.now()


def test_an_unchanged_report_of_something_else_is_asked_for_whole(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH))

    with pytest.raises(FullReportWanted):
        desk.say("d-1", a_report(Unchanged(), digest=b"x" * 32, receipt=first.receipt))

    assert desk.device("d-1").receipt == first.receipt.hex()


def test_changes_are_added_and_removed_rows(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH, VIM))
    after = an_inventory(VIM, an_install("git"))
    content = changes(after, BASH, added=(an_install("git"),))

    accepted = desk.say(
        "d-1", a_report(content, digest=a_report(after).digest, receipt=first.receipt)
    )

    assert accepted.installs == 2
    assert desk.names("d-1") == ["git", "vim"]


def test_changes_that_lead_elsewhere_are_asked_for_whole_and_leave_no_trace(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH, VIM))
    content = changes(an_inventory(VIM), BASH)

    with pytest.raises(FullReportWanted):
        desk.say("d-1", a_report(content, digest=b"x" * 32, receipt=first.receipt))

    assert desk.names("d-1") == ["bash", "vim"]


def test_a_whole_report_with_another_digest_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="digest"):
        desk.say("d-1", a_report(an_inventory(BASH), digest=b"x" * 32))

    assert desk.names("d-1") == []


def test_a_source_that_fails_keeps_its_rows_through_changes(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH, VISIO))
    outcomes = {"dpkg": SourceStatus.READ, "rpm": SourceStatus.FAILED}
    after = an_inventory(BASH, VIM, sources=outcomes)
    second = desk.say(
        "d-1",
        a_report(
            changes(after, added=(VIM,)), digest=a_report(after).digest, receipt=first.receipt
        ),
    )
    assert second.installs == 3

    healed = an_inventory(BASH, VIM, VISIO)
    third = desk.say(
        "d-1",
        a_report(
            changes(healed, added=(VISIO,)), digest=a_report(healed).digest, receipt=second.receipt
        ),
    )

    assert third.installs == 3
    assert desk.names("d-1") == ["bash", "vim", "Visio"]


def test_an_answer_that_was_lost_may_be_asked_for_again(desk: Desk) -> None:
    report = a_report(an_inventory(BASH))
    desk.say("d-1", report)

    again = desk.say("d-1", report)
    once_more = desk.say("d-1", report)

    assert desk.names("d-1") == ["bash"]
    assert desk.device("d-1").receipt == once_more.receipt.hex() != again.receipt.hex()


def test_a_device_that_nobody_enrolled_is_unknown(desk: Desk) -> None:
    with pytest.raises(UnknownDevice):
        desk.report("d-9", an_inventory())


# --- Two machines with one key ---


def test_two_machines_with_one_key_show_themselves(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH))
    copy_of_receipt = first.receipt
    desk.report("d-1", an_inventory(BASH, VIM))
    desk.say("d-1", a_report(an_inventory(VISIO), receipt=copy_of_receipt))

    with pytest.raises(Quarantined, match="two machines report"):
        desk.report("d-1", an_inventory(BASH, VIM))

    assert desk.device("d-1").standing is Standing.QUARANTINED


def test_nothing_is_taken_in_from_a_shared_key_until_a_person_decides(desk: Desk) -> None:
    desk.report("d-1", an_inventory(BASH))
    with pytest.raises(Quarantined):
        desk.say("d-1", a_report(an_inventory(VIM), receipt=b"r" * 16))
    with pytest.raises(Quarantined):
        desk.report("d-1", an_inventory(VIM))
    assert desk.names("d-1") == ["bash"]

    desk.settle("d-1", Decision.SEPARATE)
    desk.report("d-1", an_inventory(VIM))

    assert desk.names("d-1") == ["vim"]
    assert desk.device("d-1").standing is Standing.ACTIVE


def test_a_key_that_moves_to_other_hardware_goes_to_quarantine(desk: Desk) -> None:
    desk.report("d-1", an_inventory(BASH, facts=LAPTOP))

    with pytest.raises(Quarantined, match="another machine than before"):
        desk.report("d-1", an_inventory(BASH, facts=OTHER))

    assert desk.device("d-1").facts == LAPTOP


def test_a_renamed_machine_stays_itself(desk: Desk) -> None:
    desk.report("d-1", an_inventory(BASH, facts=LAPTOP))
    renamed = DeviceFacts("PC-NEW", smbios_uuid=LAPTOP.smbios_uuid, serial="5CG1234")

    desk.report("d-1", an_inventory(BASH, facts=renamed))

    assert desk.device("d-1").standing is Standing.ACTIVE
    assert desk.device("d-1").name == "PC-NEW"


# --- One machine with two keys ---


def reimaged(desk: Desk) -> Device:
    """d-2 is d-1's machine after a new installation."""
    desk.report("d-1", an_inventory(BASH, facts=LAPTOP))
    new = DeviceFacts("PC-1", smbios_uuid=LAPTOP.smbios_uuid, serial="5cg1234", machine_id="cc33")
    desk.report("d-2", an_inventory(VIM, facts=new))
    return desk.device("d-2")


def test_a_machine_that_was_installed_anew_is_kept_apart_with_its_rows(desk: Desk) -> None:
    again = reimaged(desk)

    assert (again.standing, again.rival) == (Standing.QUARANTINED, "d-1")
    assert again.standing_reason == "its machine is also PC-1 (d-1)"
    assert desk.names("d-2") == ["vim"]
    assert desk.device("d-1").standing is Standing.ACTIVE


def test_a_replacement_takes_its_rivals_place_and_can_be_taken_back(desk: Desk) -> None:
    reimaged(desk)

    desk.settle("d-2", Decision.REPLACEMENT)
    assert desk.device("d-1").standing is Standing.REPLACED
    assert desk.device("d-2").standing is Standing.ACTIVE

    desk.settle("d-2", Decision.QUARANTINE)
    assert desk.device("d-1").standing is Standing.ACTIVE
    assert desk.device("d-2").standing is Standing.QUARANTINED

    desk.settle("d-2", Decision.SEPARATE)
    assert {desk.device(each).standing for each in ("d-1", "d-2")} == {Standing.ACTIVE}


def test_a_decision_lasts_through_further_reports(desk: Desk) -> None:
    again = reimaged(desk)
    desk.settle("d-2", Decision.SEPARATE)

    desk.report("d-2", an_inventory(VIM, BASH, facts=again.facts))

    assert desk.device("d-2").standing is Standing.ACTIVE


def test_a_replaced_device_that_reports_again_is_a_matter_for_a_person(desk: Desk) -> None:
    reimaged(desk)
    desk.settle("d-2", Decision.REPLACEMENT)

    desk.report("d-1", an_inventory(BASH, VIM, facts=LAPTOP))

    assert desk.device("d-1").standing is Standing.QUARANTINED
    assert "reports again" in desk.device("d-1").standing_reason


def test_a_device_without_a_rival_replaces_nothing(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no other device to replace"):
        desk.settle("d-1", Decision.REPLACEMENT)


def test_virtual_machines_from_one_template_are_machines_of_their_own(desk: Desk) -> None:
    desk.report("d-1", an_inventory(BASH, facts=LAPTOP))
    clone = DeviceFacts("VM-2", smbios_uuid="4c4c4544-0009-99", machine_id=LAPTOP.machine_id)

    desk.report("d-2", an_inventory(BASH, facts=clone))

    assert desk.device("d-2").standing is Standing.ACTIVE


NO_NAME = DeviceFacts("PC-1", serial="To be filled by O.E.M.", machine_id="aa11", disk_id="d15c")


def test_a_machine_whose_firmware_has_no_ids_is_known_by_its_disk(desk: Desk) -> None:
    """Installed anew on the same disk."""
    desk.report("d-1", an_inventory(BASH, facts=NO_NAME))

    desk.report("d-2", an_inventory(BASH, facts=replace(NO_NAME, machine_id="cc33")))

    assert desk.device("d-2").rival == "d-1"


def test_a_disk_that_moved_to_other_hardware_is_still_one_machine(desk: Desk) -> None:
    """Its key came along, and is nowhere else; a copy of the disk has another serial number."""
    before = replace(LAPTOP, disk_id="d15c")
    desk.report("d-1", an_inventory(BASH, facts=before))

    moved = replace(OTHER, machine_id=LAPTOP.machine_id, disk_id="d15c")
    desk.report("d-1", an_inventory(BASH, facts=moved))
    with pytest.raises(Quarantined, match="another machine than before"):
        desk.report("d-1", an_inventory(BASH, facts=replace(before, disk_id="c0b1")))

    assert desk.device("d-1").facts == moved


def test_a_machine_with_a_new_disk_is_still_the_one_that_it_was(desk: Desk) -> None:
    desk.report("d-1", an_inventory(BASH, facts=replace(LAPTOP, disk_id="d15c")))

    again = replace(LAPTOP, machine_id="cc33", disk_id="0e0d")
    desk.report("d-2", an_inventory(BASH, facts=again))

    assert desk.device("d-2").rival == "d-1"


@pytest.mark.parametrize(
    "facts",
    [
        DeviceFacts(smbios_uuid="00000000-0000-0000-0000-000000000000", serial="0"),
        DeviceFacts(smbios_uuid="03000200-0400-0500-0006-000700080009", serial="Default string"),
        DeviceFacts(serial="To be filled by O.E.M."),
    ],
)
def test_ids_that_makers_left_unset_tell_nothing(facts: DeviceFacts) -> None:
    assert fingerprint(facts) == {}
    assert likeness(fingerprint(facts), fingerprint(facts)) == 0


# --- Versions of the agent ---


def test_another_version_of_the_agent_is_noted_though_nothing_else_changed(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH))
    digest = a_report(an_inventory(BASH)).digest

    desk.say(
        "d-1",
        a_report(Unchanged(), digest=digest, receipt=first.receipt, agent_version="1.4.0"),
    )

    assert desk.device("d-1").agent_version == "1.4.0"


@pytest.mark.parametrize("version", ["", "1.1.9"])
def test_of_an_agent_that_is_too_old_nothing_is_kept_but_its_version(
    desk: Desk, version: str
) -> None:
    first = desk.report("d-1", an_inventory(BASH))
    changed = a_report(an_inventory(BASH, VIM), receipt=first.receipt, agent_version=version)
    newer = replace(changed, agent_version="1.2.0")

    (refused,) = reporting.accept_reports(
        desk.store, desk.clock, [(peer("d-1"), changed)], None, "1.2.0"
    )
    after = desk.device("d-1")
    (accepted,) = reporting.accept_reports(
        desk.store, desk.clock, [(peer("d-1"), newer)], None, "1.2.0"
    )

    assert isinstance(refused, AgentTooOld)
    assert (after.agent_version, after.installs) == (version, 1)
    assert isinstance(accepted, Accepted)
    assert desk.names("d-1") == ["bash", "vim"]


# --- Several devices in one transaction ---


def test_reports_of_several_devices_are_answered_each_for_itself(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH))
    unchanged = a_report(
        Unchanged(), digest=a_report(an_inventory(BASH)).digest, receipt=first.receipt
    )

    answers = reporting.accept_reports(
        desk.store,
        desk.clock,
        [
            (peer("d-1"), unchanged),
            (peer("nobody"), unchanged),
            (peer("d-2"), a_report(an_inventory(VIM), digest=b"x" * 32)),
            (peer("d-2"), a_report(an_inventory(VIM))),
        ],
    )

    assert [type(each) for each in answers] == [Accepted, UnknownDevice, InvalidRequest, Accepted]
    assert desk.names("d-2") == ["vim"]


def test_a_device_that_calls_twice_at_once_has_one_chain_of_receipts(desk: Desk) -> None:
    first = desk.report("d-1", an_inventory(BASH))
    unchanged = a_report(
        Unchanged(), digest=a_report(an_inventory(BASH)).digest, receipt=first.receipt
    )

    one, other = reporting.accept_reports(
        desk.store, desk.clock, [(peer("d-1"), unchanged), (peer("d-1"), unchanged)]
    )

    assert isinstance(one, Accepted)
    assert isinstance(other, Accepted)
    assert desk.device("d-1").receipt == other.receipt.hex()
    assert desk.device("d-1").shown == first.receipt.hex()


def test_one_report_that_the_database_refuses_does_not_take_the_others_along(desk: Desk) -> None:
    class Picky(MemoryStore):
        """A database that cannot keep one device's rows."""

        @contextmanager
        def writing(self) -> Iterator[MemoryUnitOfWork]:
            with super().writing() as work:
                yield work
                if work.inventories.by_id.get("d-1"):
                    raise StoreError("the database cannot serve")

    desk.store.__class__ = Picky

    refused, accepted = reporting.accept_reports(
        desk.store,
        desk.clock,
        [(peer("d-1"), a_report(an_inventory(BASH))), (peer("d-2"), a_report(an_inventory(VIM)))],
    )

    assert isinstance(refused, StoreError)
    assert isinstance(accepted, Accepted)
    assert desk.names("d-1") == []
    assert desk.names("d-2") == ["vim"]


def test_a_store_that_is_away_is_asked_once_for_all_reports_that_wait(desk: Desk) -> None:
    asked: list[int] = []

    class Away(MemoryStore):
        @contextmanager
        def writing(self) -> Iterator[MemoryUnitOfWork]:
            asked.append(1)
            raise StoreAway("the database cannot serve")
            yield

    answers = reporting.accept_reports(
        Away(), desk.clock, [(peer("d-1"), a_report(an_inventory(BASH)))] * 200
    )

    # A locked database makes each transaction wait: one after another would take half an hour.
    assert [type(each) for each in answers] == [StoreAway] * 200
    assert len(asked) == 1


def test_a_store_that_goes_away_while_reports_are_kept_one_by_one_is_asked_no_more(
    desk: Desk,
) -> None:
    asked: list[int] = []

    class Going(MemoryStore):
        @contextmanager
        def writing(self) -> Iterator[MemoryUnitOfWork]:
            asked.append(1)
            raise StoreAway("it is locked") if len(asked) > 1 else StoreError("one of them is bad")
            yield

    answers = reporting.accept_reports(
        Going(),
        desk.clock,
        [(peer(f"d-{number}"), a_report(an_inventory(BASH))) for number in range(32)],
    )

    assert [type(each) for each in answers] == [StoreAway] * 32
    assert len(asked) == 2


def test_reports_that_another_transaction_was_in_the_way_of_are_kept_at_the_next_try(
    desk: Desk,
) -> None:
    conflicts = [1, 1]

    class Contended(MemoryStore):
        @contextmanager
        def writing(self) -> Iterator[MemoryUnitOfWork]:
            with super().writing() as work:
                yield work
                if conflicts:
                    conflicts.pop()
                    raise StoreConflict("deadlock detected")

    desk.store.__class__ = Contended

    answers = reporting.accept_reports(
        desk.store,
        desk.clock,
        [(peer("d-1"), a_report(an_inventory(BASH))), (peer("d-2"), a_report(an_inventory(VIM)))],
    )

    assert [type(each) for each in answers] == [Accepted, Accepted]
    assert (desk.names("d-1"), desk.names("d-2")) == (["bash"], ["vim"])


# --- What the audit log has ---


def test_quarantine_and_what_was_decided_are_in_the_audit_log_once(desk: Desk) -> None:
    reimaged(desk)
    desk.report("d-2", an_inventory(VIM, BASH, facts=desk.device("d-2").facts))
    desk.settle("d-2", Decision.REPLACEMENT)
    with pytest.raises(Quarantined):
        desk.say("d-2", a_report(an_inventory(VIM), receipt=b"r" * 16))

    # And then nothing is taken in, not even with the right receipt.
    with pytest.raises(Quarantined):
        desk.report("d-2", an_inventory(VIM))

    with desk.store.reading() as work:
        events = [entry.event for entry in work.audit.list()]

    assert [(event.kind, event.actor) for event in events] == [
        (Kind.QUARANTINED, "device d-2"),
        (Kind.SETTLED, "operator"),
        (Kind.QUARANTINED, "device d-2"),
    ]
    assert events[0].detail == {"reason": "its machine is also PC-1 (d-1)"}
    assert events[1].detail == {"as": "replacement", "rival": "d-1"}
