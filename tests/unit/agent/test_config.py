from pathlib import Path

import pytest

from quitus_agent import config, messages
from quitus_agent.errors import UsageError
from quitus_agent.managed import Managed


def test_flags_win_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('state = "/from/file"\ncollector = "file"\n')
    environment = {"QUITUS_AGENT_COLLECTOR": "environment", "QUITUS_AGENT_STATE": "/from/env"}

    settings = config.load(file, environment, {"state": "/from/flag"})

    assert settings[:3] == (Path("/from/flag"), "environment", False)


@pytest.mark.parametrize(
    ("content", "environment", "expected"),
    [
        ("", {}, False),
        ("last_use = true", {}, True),
        ('last_use = "true"', {}, True),
        ("last_use = true", {"QUITUS_AGENT_LAST_USE": "false"}, False),
        ("", {"QUITUS_AGENT_LAST_USE": "true"}, True),
    ],
)
def test_last_use_is_off_unless_file_or_environment_turn_it_on(
    tmp_path: Path, content: str, environment: dict[str, str], expected: bool
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(content)

    assert config.load(file, environment, {}).last_use is expected


def test_a_switch_that_is_neither_on_nor_off_is_refused() -> None:
    with pytest.raises(UsageError, match="last_use must be true or false"):
        config.load(None, {"QUITUS_AGENT_LAST_USE": "1"}, {})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("colector = 'x'", "unknown setting 'colector'; known: state, collector, last_use, "),
        ("collector = 7", "collector must be a text"),
        ("last_use = 1", "last_use must be true or false"),
        ("interval_hours = true", "interval_hours must be a number"),
        ("collector =", "Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(content)

    with pytest.raises(UsageError, match=r"agent\.toml") as raised:
        config.load(file, {}, {})

    assert complaint in str(raised.value)


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        config.load(tmp_path / "agent.toml", {}, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("collector.example.fr", ("collector.example.fr", 7443)),
        ("collector.example.fr:9000", ("collector.example.fr", 9000)),
        ("192.0.2.7:1", ("192.0.2.7", 1)),
        ("[2001:db8::7]:9000", ("2001:db8::7", 9000)),
        ("2001:db8::7", ("2001:db8::7", 7443)),
        ("collecteur-évreux.fr", ("xn--collecteur-vreux-lqb.fr", 7443)),
    ],
)
def test_addresses_are_read_with_or_without_a_port(text: str, expected: tuple[str, int]) -> None:
    assert config.parse_address(text) == expected


@pytest.mark.parametrize("text", ["", ":80", "host:0", "host:65536", "host:http", "a..b", "a" * 64])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        config.parse_address(text)


def test_what_is_given_at_installation_comes_before_the_file_and_a_policy_after_all(
    tmp_path: Path,
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('entity = "file"\ncollector = "file"\nlast_use = true\n')
    installed = {"Entity": "installed", "TokenFile": "installed", "SpreadMinutes": 5}
    policy = {"Collector": "policy", "LastUse": 0, "IntervalHours": 12}
    environment = {"QUITUS_AGENT_COLLECTOR": "environment"}

    settings = config.load(file, environment, {}, Managed(installed, policy))

    assert (settings.entity, settings.token_file) == ("file", "installed")
    assert (settings.collector, settings.last_use) == ("policy", False)
    assert (settings.interval_hours, settings.spread_minutes) == (12, 5)


def test_a_flag_that_says_otherwise_than_the_policy_is_refused() -> None:
    managed = Managed(policy={"Collector": "policy"})

    assert config.load(None, {}, {"collector": "policy"}, managed).collector == "policy"
    with pytest.raises(UsageError, match=r"collector is 'policy' by policy \(SOFTWARE"):
        config.load(None, {}, {"collector": "other"}, managed)


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ({"LastUse": "1"}, "LastUse in the registry must be a REG_DWORD"),
        ({"Collector": 1}, "Collector in the registry must be a REG_SZ"),
        ({"IntervalHours": 0}, "interval_hours must be a number from 1 to 168"),
        ({"SpreadMinutes": 721}, "spread_minutes must be a number from 0 to 720"),
    ],
)
def test_a_policy_of_a_wrong_kind_is_refused_by_name(
    policy: dict[str, str | int], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        config.load(None, {}, {}, Managed(policy=policy))


def test_a_policy_that_only_a_newer_agent_knows_is_passed_over() -> None:
    assert config.load(None, {}, {}, Managed(policy={"Colour": "blue"})) == config.load(
        None, {}, {}
    )


@pytest.mark.parametrize(
    ("content", "policy", "expected"),
    [
        ('collector = "Paris.example.fr:7443"\ninterval_hours = 24', {}, []),
        ('token_file = "/t"\nentity = "999000110"', {}, ["token_file", "entity"]),
        ("", {"TokenFile": "//server/token", "Entity": "999000110"}, []),
        ("interval_hours = 12", {"IntervalHours": 12}, []),
        ("interval_hours = 12", {"IntervalHours": 48}, ["interval_hours"]),
        ('collector = "lyon.example.fr"', {}, ["collector"]),
        ("", {"Collector": "lyon.example.fr"}, ["collector"]),
        ('collector = "no:address"', {}, ["collector"]),
    ],
    ids=["none", "enrolled", "policy-token", "same", "overridden", "moved", "moved-all", "wrong"],
)
def test_settings_that_change_nothing_on_an_enrolled_device_are_named(
    tmp_path: Path, content: str, policy: dict[str, str | int], expected: list[str]
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(content)

    found = dict(config.idle(file, {}, Managed(policy=policy), "paris.example.fr"))

    assert list(found) == expected
    for why in found.values():
        assert messages.translated(why) != why


def test_what_the_environment_says_against_the_policy_is_named_with_both(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text("")
    environment = {"QUITUS_AGENT_LAST_USE": "true"}

    (why,) = config.idle(file, environment, Managed(policy={"LastUse": 0}), "paris.example.fr")

    assert why == ("last_use", "last_use 'true': the policy says 'false'")
    assert messages.translated(why[1]) == "last_use 'true' : la stratégie dit 'false'"
