"""What the agent sends is what the collector understands."""

from datetime import UTC, datetime

import pytest

from quitus.v1 import inventory_pb2
from quitus_agent import device as agent_device
from quitus_agent import inventory as agent
from quitus_agent import pseudonyms, statement, wire
from quitus_agent.spool import Accepted
from quitus_collector.domain.install import DeviceFacts, DeviceKind, Install, Scope, SourceStatus
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.errors import InvalidRequest
from tests.builders import NOON
from tests.fleet.sample import fleet

FACTS = agent_device.DeviceFacts(
    "PC-É", "Debian", "12", "x86_64", 2, 16, 1 << 40, agent_device.VIRTUAL, "kvm"
)


def sent(
    *installs: agent.Install, sources: list[agent.SourceOutcome] | None = None
) -> inventory_pb2.Inventory:
    """The message as it arrives."""
    outcomes = sources or [agent.SourceOutcome("dpkg", agent.READ)]
    found = agent.Inventory(outcomes, installs)
    request = wire.report_request(statement.make(FACTS, found, NOON), Accepted())
    return inventory_pb2.ReportRequest.FromString(request.SerializeToString()).full


def test_everything_that_the_agent_says_arrives() -> None:
    install = agent.Install("a", "1", "p", "amd64", "dpkg", agent.USER, {"purl": "pkg:deb/x/a"})
    outcomes = [
        agent.SourceOutcome("dpkg", agent.READ),
        agent.SourceOutcome("rpm", agent.FAILED, "unreadable"),
        agent.SourceOutcome("snap", agent.ABSENT),
    ]

    inventory = translate.inventory(sent(install, sources=outcomes))

    assert inventory.facts == DeviceFacts(
        "PC-É", "Debian", "12", "x86_64", 2, 16, 1 << 40, DeviceKind.VIRTUAL, "kvm"
    )
    assert [(each.name, each.status.value, each.reason) for each in inventory.sources] == [
        ("dpkg", "read", ""),
        ("rpm", "failed", "unreadable"),
        ("snap", "absent", ""),
    ]
    assert inventory.installs == (
        Install("a", "1", "p", "amd64", "dpkg", Scope.USER, {"purl": "pkg:deb/x/a"}),
    )


def test_what_names_a_person_or_a_system_leaves_as_a_stand_in_only() -> None:
    facts = FACTS._replace(
        system_id="0123456789abcdef0123456789abcdef", disk_serial="S6PTNL0T123456"
    )
    found = agent.Inventory([], [agent.Install("a", location="/home/amélie")])
    user = pseudonyms.of_user("CORP\\Amélie", b"k" * 32)

    sent = wire.report_request(statement.make(facts, found, NOON, user), Accepted())

    assert sent.full.device.primary_user == user
    assert sent.full.device.machine_id == pseudonyms.of_system(facts.system_id)
    written = str(sent).casefold() + repr(sent.SerializeToString()).casefold()
    assert sent.full.device.disk_id == pseudonyms.of_disk(facts.disk_serial)
    assert facts.system_id not in written
    assert facts.disk_serial.casefold() not in written
    assert "lie" not in written


def test_a_sample_workstation_fits_the_limits() -> None:
    (device,) = fleet(1)
    said = statement.make(device.facts, device.inventory, datetime.now(UTC))

    inventory = translate.inventory(wire.inventory(said))

    assert len(inventory.installs) == len(device.inventory.installs)
    assert all(each.status is SourceStatus.READ for each in inventory.sources)


def test_control_characters_are_replaced_visibly() -> None:
    """By the agent already: digests are made of what is sent."""
    hostile = agent.Install("a\0b\x1b[31m\n", "1", "été – œ", "", "dpkg")

    install = translate.inventory(sent(hostile)).installs[0]

    assert sent(hostile).installs[0].name == install.name
    assert install.name == "a\ufffdb\ufffd[31m\ufffd"
    assert install.publisher == "été – œ"


@pytest.mark.parametrize(
    ("install", "complaint"),
    [
        (agent.Install("", "1", "", "", "dpkg"), "installs[0].name: empty"),
        (agent.Install("a", "1", "", "", "rpm"), "installs[0].source: 'rpm' was not read"),
        (
            agent.Install("a", "1", "", "", "dpkg", identifiers={str(n): "" for n in range(33)}),
            "installs[0].identifiers: more than 32",
        ),
    ],
)
def test_what_breaks_a_limit_is_refused_by_field(install: agent.Install, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        translate.inventory(sent(install))

    assert str(raised.value).startswith(complaint)


def test_a_text_over_the_limit_is_cut_by_the_agent_and_refused_by_the_collector() -> None:
    long = agent.Install("é" * 2000, "1", "", "", "dpkg", identifiers={"k": "v" * 2000})

    install = translate.inventory(sent(long)).installs[0]
    assert (len(install.name), install.name[-1]) == (1024, "…")
    assert len(install.identifiers["k"]) == 1024

    message = sent()
    message.installs.add(name="a" * 1025, source="dpkg")
    with pytest.raises(InvalidRequest, match=r"installs\[0\].name: longer than 1024"):
        translate.inventory(message)


def test_half_a_surrogate_pair_from_a_damaged_registry_does_not_stop_a_report() -> None:
    install = translate.inventory(sent(agent.Install("a\ud800b", "1", "", "", "dpkg"))).installs[0]

    assert install.name == "a\ufffdb"


@pytest.mark.parametrize(
    ("count", "name"),
    [(translate.MAX_INSTALLS + 1, "short"), (20_000, "long" * 250)],
    ids=["too many", "too large"],
)
def test_a_source_that_says_too_much_fails_and_the_others_arrive(count: int, name: str) -> None:
    outcomes = [agent.SourceOutcome(each, agent.READ) for each in ("dpkg", "flatpak")]
    flood = [agent.Install(f"{name}{number}", source="flatpak") for number in range(count)]

    message = sent(agent.Install("bash", "5", source="dpkg"), *flood, sources=outcomes)

    assert message.ByteSize() < translate.MAX_MESSAGE_BYTES
    inventory = translate.inventory(message)
    assert [each.name for each in inventory.installs] == ["bash"]
    assert [(each.status.value, each.reason) for each in inventory.sources] == [
        ("read", ""),
        ("failed", "says more than a report can hold"),
    ]


def test_too_many_installs_are_refused() -> None:
    message = sent()
    message.installs.extend([inventory_pb2.Install(name="a")] * (translate.MAX_INSTALLS + 1))

    with pytest.raises(InvalidRequest, match="installs: 50001 are more than 50000"):
        translate.inventory(message)


def test_a_source_that_is_listed_twice_is_refused() -> None:
    outcomes = [agent.SourceOutcome("dpkg", agent.READ), agent.SourceOutcome("dpkg", agent.FAILED)]

    with pytest.raises(InvalidRequest, match="sources: one is listed twice"):
        translate.inventory(sent(sources=outcomes))


def test_values_from_a_future_version_are_refused_not_guessed() -> None:
    message = sent(agent.Install("a", "1", "", "", "dpkg"))
    message.installs[0].scope = 99  # type: ignore[assignment]

    with pytest.raises(InvalidRequest, match=r"installs\[0\].scope: unknown value 99"):
        translate.inventory(message)


def test_a_time_out_of_range_is_refused() -> None:
    message = inventory_pb2.ReportRequest(full=sent(), digest=b"d" * 32)
    message.taken_at.seconds = 1 << 60

    with pytest.raises(InvalidRequest, match="taken_at: not a time"):
        translate.report(message)
