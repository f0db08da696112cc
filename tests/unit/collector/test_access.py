"""Who may stay in: every rule about certificates, renewal and revocation, on fakes."""

from datetime import timedelta

import pytest

from quitus_collector.domain.audit import Kind
from quitus_collector.domain.certificate import admitted
from quitus_collector.domain.device import Device, EnrolmentRequest
from quitus_collector.errors import DeviceRefused, EnrolmentRefused, InvalidRequest, UsageError
from quitus_collector.services import access, enrolment
from quitus_collector.services.enrolment import (
    MAX_REQUESTS,
    MAX_REQUESTS_OF_ADDRESS,
    REENTRY_CONTEXT,
    REQUEST_VALIDITY,
    Applicant,
    Enrolled,
)
from tests.builders import NOON, a_certificate, a_device
from tests.fakes.authority import FakeAuthority
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

DAY = timedelta(days=1)
GRACE = 180 * DAY


class Gate:
    """A collector on fakes with one device, whose key is `old key`."""

    def __init__(self) -> None:
        self.store, self.authority, self.clock = MemoryStore(), FakeAuthority(), FakeClock()
        self.old = self.authority.key_sha256(b"old key")
        self.new = self.authority.key_sha256(b"new key")
        with self.store.writing() as work:
            work.devices.add(a_device(public_key_sha256=self.old))

    @property
    def device(self) -> Device:
        with self.store.reading() as work:
            return work.devices.get("d-1")

    def call(self, key_sha256: str, **fields: object) -> None:
        """The device calls with this key; what follows from it is kept."""
        with self.store.writing() as work:
            device = work.devices.get("d-1")
            peer = a_certificate(device, key_sha256=key_sha256, **fields)
            work.devices.add(admitted(device, peer, self.clock.now()))

    def renew(self, signing_request: bytes, shown: str | None = None) -> Enrolled:
        peer = a_certificate(self.device, key_sha256=shown or self.old)
        applicant = Applicant(signing_request, "", "192.0.2.7")
        return access.renew(self.store, self.authority, self.clock, peer, applicant)

    def reenter(self, signing_request: bytes = b"new key", key: bytes = b"old key") -> Enrolled:
        return enrolment.reenter(
            self.store,
            self.authority,
            self.clock,
            public_key=key,
            signature=key + REENTRY_CONTEXT + signing_request,
            applicant=Applicant(signing_request, "", "192.0.2.7"),
            grace=GRACE,
        )

    def ask(
        self, key: bytes, address: str = "192.0.2.7", *, shares_address: bool = False
    ) -> Enrolled | EnrolmentRequest:
        applicant = Applicant(key, "pc-9", address, shares_address)
        return enrolment.ask(self.store, self.authority, self.clock, applicant)

    def waiting(self, key: bytes) -> EnrolmentRequest:
        answer = self.ask(key)
        assert isinstance(answer, EnrolmentRequest)
        return answer

    def decide(self, request: EnrolmentRequest, *, approved: bool) -> None:
        enrolment.decide(
            self.store,
            self.clock,
            request.id,
            approved=approved,
            entity="999000110",
            actor="operator anne",
        )

    def events(self) -> list[Kind]:
        with self.store.reading() as work:
            return [entry.event.kind for entry in work.audit.list()]


@pytest.fixture
def gate() -> Gate:
    return Gate()


# --- At each call ---


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"starts_at": NOON + DAY}, "not valid before"),
        ({"ends_at": NOON}, "ended on"),
        ({"for_clients": False}, "not one for devices"),
    ],
)
def test_a_certificate_that_the_handshake_took_once_is_checked_again(
    gate: Gate, fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(DeviceRefused, match=complaint):
        gate.call(gate.old, **fields)


def test_a_key_that_was_never_certified_for_the_device_is_refused(gate: Gate) -> None:
    with pytest.raises(DeviceRefused, match="replaced by a newer one"):
        gate.call("another key")


def test_a_revoked_device_is_refused_until_it_is_restored(gate: Gate) -> None:
    access.revoke(gate.store, gate.clock, "d-1", actor="operator anne", reason="stolen")

    with pytest.raises(DeviceRefused, match="revoked on 2026-11-23"):
        gate.call(gate.old)

    access.restore(gate.store, gate.clock, "d-1", actor="operator anne")
    gate.call(gate.old)
    assert gate.events() == [Kind.REVOKED, Kind.RESTORED]


def test_what_is_revoked_is_not_revoked_again(gate: Gate) -> None:
    access.revoke(gate.store, gate.clock, "d-1", actor="operator anne")

    with pytest.raises(UsageError, match="revoked already"):
        access.revoke(gate.store, gate.clock, "d-1", actor="operator anne")


def test_what_was_not_revoked_cannot_be_restored(gate: Gate) -> None:
    with pytest.raises(UsageError, match="is not revoked"):
        access.restore(gate.store, gate.clock, "d-1", actor="operator anne")


# --- Renewal ---


def test_both_keys_are_good_until_the_new_one_is_used(gate: Gate) -> None:
    gate.renew(b"new key")

    gate.call(gate.old)
    gate.call(gate.new)

    with pytest.raises(DeviceRefused, match="replaced by a newer one"):
        gate.call(gate.old)
    assert gate.events() == [Kind.RENEWED]


def test_a_renewal_whose_answer_was_lost_is_asked_for_again(gate: Gate) -> None:
    first, again = gate.renew(b"new key"), gate.renew(b"new key")

    assert first.device_id == again.device_id == "d-1"
    gate.call(gate.new)


def test_a_renewal_that_was_forgotten_gives_way_to_another(gate: Gate) -> None:
    gate.renew(b"forgotten key")
    gate.renew(b"new key")

    gate.call(gate.new)
    with pytest.raises(DeviceRefused):
        gate.call(gate.authority.key_sha256(b"forgotten key"))


def test_a_renewal_needs_a_key_of_its_own(gate: Gate) -> None:
    with gate.store.writing() as work:
        work.devices.add(a_device("d-2", public_key_sha256=gate.new))

    for key in (b"old key", b"new key"):
        with pytest.raises(EnrolmentRefused, match="fresh key"):
            gate.renew(key)


def test_a_revoked_device_renews_nothing(gate: Gate) -> None:
    access.revoke(gate.store, gate.clock, "d-1", actor="operator anne")

    with pytest.raises(DeviceRefused, match="revoked"):
        gate.renew(b"new key")


# --- Coming back after the end ---


def test_a_device_that_was_away_comes_back_by_its_key(gate: Gate) -> None:
    gate.clock.advance(30 * DAY + GRACE - DAY)

    assert gate.reenter().device_id == "d-1"

    gate.call(gate.new, ends_at=gate.clock.now() + DAY)
    assert gate.events() == [Kind.REENTERED]


def test_a_renewed_key_that_was_never_used_brings_a_device_back_as_often_as_needed(
    gate: Gate,
) -> None:
    """The answer may be lost: what the device has is still the key that it proved."""
    gate.renew(b"new key")
    gate.clock.advance(60 * DAY)

    for _ in range(2):
        assert gate.reenter(b"a later key", key=b"new key").device_id == "d-1"

    gate.call(gate.authority.key_sha256(b"a later key"), ends_at=gate.clock.now() + DAY)


def test_a_device_that_was_away_for_too_long_needs_a_token(gate: Gate) -> None:
    gate.clock.advance(30 * DAY + GRACE)

    with pytest.raises(EnrolmentRefused, match="away for too long"):
        gate.reenter()


def test_a_signature_by_another_key_brings_nobody_back(gate: Gate) -> None:
    with pytest.raises(InvalidRequest, match="signature"):
        enrolment.reenter(
            gate.store,
            gate.authority,
            gate.clock,
            public_key=b"old key",
            signature=b"forged",
            applicant=Applicant(b"new key", "", "192.0.2.7"),
            grace=GRACE,
        )


def test_a_request_to_come_back_cannot_be_used_after_the_next_renewal(gate: Gate) -> None:
    gate.reenter()
    gate.call(gate.new)

    with pytest.raises(EnrolmentRefused):
        gate.reenter(b"a later key")


def test_a_revoked_device_does_not_come_back_by_its_key(gate: Gate) -> None:
    access.revoke(gate.store, gate.clock, "d-1", actor="operator anne")

    with pytest.raises(DeviceRefused, match="revoked"):
        gate.reenter()


# --- Approval ---


def test_an_approved_device_is_let_in_when_it_asks_again(gate: Gate) -> None:
    request = gate.waiting(b"key")
    assert gate.waiting(b"key") == request
    gate.decide(request, approved=True)

    admitted_now = gate.ask(b"key")

    assert isinstance(admitted_now, Enrolled)
    with gate.store.reading() as work:
        assert work.devices.get(admitted_now.device_id).entity == "999000110"
        assert work.requests.list() == []
    assert gate.events() == [Kind.REQUESTED, Kind.APPROVED, Kind.ENROLLED]


def test_an_approval_whose_answer_was_lost_gives_the_same_device(gate: Gate) -> None:
    gate.decide(gate.waiting(b"key"), approved=True)

    first, again = gate.ask(b"key"), gate.ask(b"key")

    assert isinstance(first, Enrolled)
    assert isinstance(again, Enrolled)
    assert first.device_id == again.device_id


def test_an_approval_is_answered_for_days_and_not_for_ever(gate: Gate) -> None:
    """Else a key would be certified again and again, past the end of what lets devices re-enter."""
    gate.decide(gate.waiting(b"key"), approved=True)
    gate.ask(b"key")

    gate.clock.advance(REQUEST_VALIDITY)

    with pytest.raises(EnrolmentRefused, match="this key is a known device's"):
        gate.ask(b"key")


def test_the_key_of_a_device_with_a_token_waits_for_nobody(gate: Gate) -> None:
    with gate.store.writing() as work:
        key = gate.authority.key_sha256(b"key")
        work.devices.add(a_device(public_key_sha256=key))

    with pytest.raises(EnrolmentRefused, match="this key is a known device's"):
        gate.ask(b"key")


def test_a_denied_device_stays_denied(gate: Gate) -> None:
    gate.decide(gate.waiting(b"key"), approved=False)

    for _ in range(2):
        with pytest.raises(EnrolmentRefused, match="was denied"):
            gate.ask(b"key")


def test_the_queue_is_bounded_for_each_address_and_as_a_whole(gate: Gate) -> None:
    for number in range(MAX_REQUESTS_OF_ADDRESS):
        gate.ask(b"%d" % number)
    with pytest.raises(EnrolmentRefused, match="too many"):
        gate.ask(b"one more")

    with gate.store.writing() as work:
        for number in range(MAX_REQUESTS - MAX_REQUESTS_OF_ADDRESS):
            work.requests.add(
                EnrolmentRequest(f"r-{number}", f"k-{number}", "", f"10.0.0.{number}", NOON)
            )
    with pytest.raises(EnrolmentRefused, match="too many"):
        gate.ask(b"one more", "192.0.2.99")


def test_devices_behind_a_balancer_do_not_take_each_others_places(gate: Gate) -> None:
    for number in range(MAX_REQUESTS_OF_ADDRESS + 1):
        gate.ask(b"%d" % number, shares_address=True)

    with gate.store.reading() as work:
        assert len(work.requests.list()) == MAX_REQUESTS_OF_ADDRESS + 1


def test_a_request_that_nobody_decided_makes_room(gate: Gate) -> None:
    first = gate.waiting(b"key")
    gate.clock.advance(REQUEST_VALIDITY)

    assert gate.waiting(b"key").id != first.id
    assert gate.waiting(b"another key").id
    with gate.store.reading() as work:
        assert len(work.requests.list()) == 2


# --- Tokens ---


def test_a_revoked_token_lets_nobody_in(gate: Gate) -> None:
    text = enrolment.create_token(
        gate.store, gate.authority, gate.clock, actor="operator anne", uses=5, valid_for=DAY
    )
    with gate.store.reading() as work:
        (token,) = work.tokens.list()

    enrolment.revoke_token(gate.store, gate.clock, token.id, actor="operator anne")

    with pytest.raises(EnrolmentRefused):
        enrolment.enrol(
            gate.store,
            gate.authority,
            gate.clock,
            token_secret=text.rpartition(".")[2],
            applicant=Applicant(b"key", "", "192.0.2.7"),
        )
    assert gate.events() == [Kind.TOKEN_MADE, Kind.TOKEN_REVOKED]
    with pytest.raises(UsageError, match="no token has the id"):
        enrolment.revoke_token(gate.store, gate.clock, "nothing", actor="operator anne")
