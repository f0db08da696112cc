"""Devices that a certificate of the company's own authority lets in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from quitus_collector.domain.audit import Kind
from quitus_collector.domain.device import CompanyAuthority, Device, Standing
from quitus_collector.errors import DeviceRefused, EnrolmentRefused, UsageError
from quitus_collector.services import access, company_authorities, enrolment
from quitus_collector.services.enrolment import MAX_PROOF_AGE, Applicant, Enrolled
from quitus_collector.services.ports import CompanyProof
from quitus_collector.services.reporting import Decision, settle
from tests.builders import NOON, a_device
from tests.fakes.authority import FakeAuthority
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

OPERATOR = "operator anne"
AD = CompanyAuthority("ad", "PEM", NOON, "*.corp.example", "999000110")


def vouching(
    authorities: Sequence[CompanyAuthority], proof: CompanyProof, message: bytes, now: datetime
) -> tuple[CompanyAuthority, str]:
    """Believes a certificate that is only a name, where the message is signed with that name."""
    (name,) = proof.chain
    if not authorities or proof.signature != name + message:
        raise EnrolmentRefused("not by its key")
    return authorities[0], name.decode()


class Gate:
    """A collector that trusts one authority."""

    def __init__(self) -> None:
        self.store, self.clock, self.authority = MemoryStore(), FakeClock(), FakeAuthority()
        company_authorities.trust(self.store, AD, actor=OPERATOR)

    def enrol(
        self,
        key: bytes = b"key",
        name: str = "pc-1.corp.example",
        signed_at: datetime | None = None,
        signed: bytes | None = None,
    ) -> Enrolled:
        at = signed_at or self.clock.now()
        message = enrolment.company_message(b"root", at, signed or key)
        return enrolment.enrol_by_company(
            self.store,
            self.authority,
            vouching,
            self.clock,
            proof=CompanyProof((name.encode(),), name.encode() + message, at),
            applicant=Applicant(key, "PC-1", "192.0.2.7"),
        )

    def device(self, made: Enrolled) -> Device:
        with self.store.reading() as work:
            return work.devices.get(made.device_id)

    def events(self) -> list[Kind]:
        with self.store.reading() as work:
            return [entry.event.kind for entry in work.audit.list()]


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_a_machine_comes_in_as_the_device_that_its_certificate_names(gate: Gate) -> None:
    device = gate.device(gate.enrol())

    assert device.company_name == "pc-1.corp.example"
    assert device.entity == "999000110"
    assert device.standing is Standing.ACTIVE
    assert gate.events() == [Kind.COMPANY_TRUSTED, Kind.ENROLLED]


def test_asking_again_with_the_same_key_gives_the_same_device(gate: Gate) -> None:
    first = gate.enrol()
    gate.clock.advance(timedelta(minutes=5))

    assert gate.enrol().device_id == first.device_id


def test_a_request_that_was_overheard_gives_a_certificate_to_its_own_key_alone(gate: Gate) -> None:
    first = gate.enrol(b"key")

    replayed = gate.enrol(b"key", signed_at=NOON)
    with pytest.raises(EnrolmentRefused, match="not by its key"):
        gate.enrol(b"thief", signed=b"key")
    gate.clock.advance(MAX_PROOF_AGE + timedelta(seconds=1))
    with pytest.raises(EnrolmentRefused, match="set the clock that is wrong"):
        gate.enrol(b"key", signed_at=NOON)

    assert replayed.device_id == first.device_id
    with gate.store.reading() as work:
        assert len(work.devices.list()) == 1


def test_a_clock_that_is_off_is_named(gate: Gate) -> None:
    for off in (timedelta(days=-3000), timedelta(days=3000)):
        with pytest.raises(EnrolmentRefused, match="this device's clock says 20"):
            gate.enrol(signed_at=NOON + off)


def test_a_name_outside_the_pattern_does_not_come_in(gate: Gate) -> None:
    with pytest.raises(EnrolmentRefused, match=r"pc-1\.corp\.exampled is not one of the names"):
        gate.enrol(name="pc-1.corp.exampled")


def test_a_key_that_is_a_devices_already_is_not_taken_over(gate: Gate) -> None:
    with gate.store.writing() as work:
        work.devices.add(a_device(public_key_sha256=gate.authority.key_sha256(b"key")))

    with pytest.raises(EnrolmentRefused, match="this key is a known device's"):
        gate.enrol()


def test_a_second_device_of_one_name_is_set_apart_until_a_person_decides(gate: Gate) -> None:
    first = gate.device(gate.enrol(b"first"))

    second = gate.device(gate.enrol(b"second"))

    assert second.standing is Standing.QUARANTINED
    assert second.rival == first.id
    assert second.standing_reason == f"its company certificate is also that of PC-1 ({first.id})"
    assert gate.device(Enrolled(first.id, None)).standing is Standing.ACTIVE  # type: ignore[arg-type]
    assert gate.events()[-2:] == [Kind.ENROLLED, Kind.QUARANTINED]
    with pytest.raises(EnrolmentRefused, match="a person has to decide first"):
        gate.enrol(b"third")
    # Its answer may have been lost.
    assert gate.enrol(b"second").device_id == second.id


def test_what_was_decided_lets_the_next_one_in(gate: Gate) -> None:
    """A machine that is installed anew again and again is replaced again and again."""
    gate.enrol(b"first")
    second = gate.enrol(b"second")
    settle(gate.store, gate.clock, second.device_id, Decision.REPLACEMENT, OPERATOR)

    third = gate.device(gate.enrol(b"third"))

    assert third.rival == second.device_id


def test_no_new_device_stands_in_for_one_that_was_revoked(gate: Gate) -> None:
    """Who stole the machine has its company certificate too."""
    first = gate.enrol(b"first")
    access.revoke(gate.store, gate.clock, first.device_id, actor=OPERATOR)

    with pytest.raises(EnrolmentRefused, match=r"pc-1\.corp\.example was revoked"):
        gate.enrol(b"second")
    with pytest.raises(DeviceRefused, match="was revoked"):
        gate.enrol(b"first")


def test_an_authority_that_is_distrusted_lets_nobody_in_and_keeps_who_is_in(gate: Gate) -> None:
    first = gate.enrol(b"first")

    company_authorities.distrust(gate.store, gate.clock, "ad", actor=OPERATOR)

    with pytest.raises(EnrolmentRefused):
        gate.enrol(b"second")
    assert gate.device(first).standing is Standing.ACTIVE
    assert gate.events()[-1] is Kind.COMPANY_DISTRUSTED


def test_newer_revocation_lists_take_the_place_of_the_older_ones(gate: Gate) -> None:
    made = company_authorities.set_revocations(
        gate.store, gate.clock, "ad", "CRL 2", actor=OPERATOR
    )

    with gate.store.reading() as work:
        assert work.company_authorities.list() == [made] == [replace(AD, revocations="CRL 2")]
    assert gate.events()[-1] is Kind.COMPANY_REVOCATIONS


def test_authorities_are_known_by_ids_of_their_own(gate: Gate) -> None:
    with pytest.raises(UsageError, match="there is a company authority 'ad' already"):
        company_authorities.trust(gate.store, AD, actor=OPERATOR)
    with pytest.raises(UsageError, match="there is no company authority 'da'"):
        company_authorities.distrust(gate.store, gate.clock, "da", actor=OPERATOR)
    with pytest.raises(UsageError, match="there is no company authority 'da'"):
        company_authorities.set_revocations(gate.store, gate.clock, "da", "", actor=OPERATOR)
