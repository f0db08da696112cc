"""This version and those released before it understand each other, whichever of them is newer."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

from quitus.v1 import enrolment_pb2, inventory_pb2
from quitus_agent import reporting, statement, wire
from quitus_agent.spool import Accepted, Spool
from quitus_collector.entrypoints.grpc import translate
from tests.fleet.sample import fleet
from tests.released import FOLDER, PRESENT, RELEASES, message, own

every_release = pytest.mark.parametrize("release", RELEASES)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def said() -> statement.Statement:
    """What a workstation of the sample says."""
    (device,) = fleet(1)
    return statement.make(device.facts, device.inventory, NOW)


def fields(messages: Iterable[DescriptorProto], above: str = "") -> dict[str, tuple[Any, ...]]:
    """Of each field, by message and number: its name, type, label and choice."""
    found: dict[str, tuple[Any, ...]] = {}
    for each in messages:
        name = f"{above}{each.name}"
        for one in each.field:
            # That a field is one of a choice matters; which number the choice has does not.
            choice = each.oneof_decl[one.oneof_index].name if one.HasField("oneof_index") else ""
            found[f"{name}.{one.number}"] = (one.name, one.type, one.type_name, one.label, choice)
        found |= fields(each.nested_type, f"{name}.")
    return found


def values(enums: Iterable[EnumDescriptorProto]) -> dict[str, str]:
    """Of each value of an enum, by its number: its name."""
    return {f"{each.name}.{one.number}": one.name for each in enums for one in each.value}


def calls(folder: Path) -> dict[str, tuple[str, str]]:
    """Of each call: what it takes and what it answers."""
    return {
        f"{service.name}.{call.name}": (call.input_type, call.output_type)
        for each in own(folder)
        for service in each.service
        for call in service.method
    }


@every_release
def test_nothing_that_was_released_has_another_meaning_now(release: str) -> None:
    then, now = own(FOLDER / release), own(PRESENT)

    for kind, of in (
        ("field", lambda files: fields(one for each in files for one in each.message_type)),
        ("value", lambda files: values(one for each in files for one in each.enum_type)),
    ):
        before, after = of(then), of(now)
        changed = {name for name in before if after.get(name) != before[name]}
        assert not changed, f"{kind}s of {release} that are gone or mean something else"
    assert calls(FOLDER / release).items() <= calls(PRESENT).items()


@every_release
def test_what_an_earlier_agent_reports_is_understood(release: str) -> None:
    earlier = message(release, "ReportRequest")
    # What it can say of today's report: all else is dropped, as an agent of then never said it.
    request: Any = earlier.FromString(wire.full_request(said(), Accepted()).SerializeToString())
    request.DiscardUnknownFields()

    report = translate.report(inventory_pb2.ReportRequest.FromString(request.SerializeToString()))

    assert report.digest == said().digest
    assert report.content == translate.inventory(wire.inventory(said()))


@every_release
def test_what_an_earlier_agent_asks_at_the_door_is_understood(release: str) -> None:
    earlier: Any = message(release, "EnrolRequest")
    asked = earlier(token_secret="secret", signing_request=b"request", hostname="PC-1")

    now = enrolment_pb2.EnrolRequest.FromString(asked.SerializeToString())

    assert (now.token_secret, now.signing_request, now.hostname) == ("secret", b"request", "PC-1")


@every_release
def test_an_earlier_agent_understands_what_it_is_answered(release: str) -> None:
    answer = inventory_pb2.ReportResponse(installs=7, receipt=b"r" * 16, trust_roots=[b"root"])
    set_every_other_field(answer)

    then: Any = message(release, "ReportResponse").FromString(answer.SerializeToString())

    assert (then.installs, then.receipt) == (7, b"r" * 16)
    assert list(then.trust_roots) == [b"root"]
    # What it does not know it hands on unharmed.
    assert inventory_pb2.ReportResponse.FromString(then.SerializeToString()) == answer


@every_release
def test_an_earlier_agent_understands_what_admits_it(release: str) -> None:
    answer = enrolment_pb2.EnrolResponse(
        device_id="d",
        certificate_chain=[b"c"],
        trust_roots=[b"root"],
        inventory_port=7444,
        pseudonym_key=b"k" * 32,
    )
    set_every_other_field(answer)

    then: Any = message(release, "EnrolResponse").FromString(answer.SerializeToString())

    assert (then.device_id, list(then.certificate_chain)) == ("d", [b"c"])
    assert (list(then.trust_roots), then.inventory_port) == ([b"root"], 7444)


@every_release
def test_this_agent_reports_to_an_earlier_collector(release: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path, "d")

    accepted = reporting.deliver(spool, reporting.queue(spool, said()), earlier_collector(release))

    assert (accepted.installs, accepted.receipt) == (len(said().rows), b"r" * 16)
    assert accepted.digest == said().digest
    assert not spool.waiting()


def earlier_collector(
    release: str,
) -> Callable[[inventory_pb2.ReportRequest], inventory_pb2.ReportResponse]:
    """A collector that knows and answers no more than a release did."""

    def send(request: inventory_pb2.ReportRequest) -> inventory_pb2.ReportResponse:
        heard: Any = message(release, "ReportRequest").FromString(request.SerializeToString())
        heard.DiscardUnknownFields()
        known = translate.report(inventory_pb2.ReportRequest.FromString(heard.SerializeToString()))
        assert known.digest == request.digest
        answer: Any = message(release, "ReportResponse")
        said = answer(installs=len(heard.full.installs), receipt=b"r" * 16)
        return inventory_pb2.ReportResponse.FromString(said.SerializeToString())

    return send


def set_every_other_field(answer: Any) -> None:
    """Something in each field that is still empty, so that what is new is in it too."""
    for field in answer.DESCRIPTOR.fields:
        if field.type == field.TYPE_MESSAGE and not field.is_repeated:
            getattr(answer, field.name).SetInParent()
        elif not field.is_repeated and not getattr(answer, field.name):
            samples = {field.TYPE_BYTES: b"x", field.TYPE_STRING: "x"}
            setattr(answer, field.name, samples.get(field.type, True))
