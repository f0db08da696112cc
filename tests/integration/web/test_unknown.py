"""Unknown software: groups, suggestions, and rules that are made after their effect was shown."""

from collections.abc import Iterator

import pytest

from quitus_collector.domain.account import Role
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.triage import Group
from quitus_collector.wiring import licensing
from tests.console import ConsoleHouse


@pytest.fixture(scope="module")
def own_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With a fleet whose rules tests change; its pages wait for what is counted behind them."""
    made = ConsoleHouse(tmp_path_factory.mktemp("own") / "collector", devices=6)
    made.console.figures.background.patience_s = 120
    yield made
    made.close()


def groups(house: ConsoleHouse) -> tuple[Group, ...]:
    return licensing.triage(house.collector, house.console.figures.position().value)


def test_names_are_shown_in_groups_those_on_most_devices_first(own_house: ConsoleHouse) -> None:
    browser = own_house.browser(Role.AUDITOR, language="en")
    first = groups(own_house)[0]

    shown = browser.get("/unknown").text

    assert first.stem in shown
    assert "Say what it is" in shown
    assert first.stem in browser.get("/unknown", params={"text": first.stem.upper()}).text
    assert "No name matches" in browser.get("/unknown?text=no-such-name-at-all").text


def test_a_rule_is_made_after_its_effect_was_shown(own_house: ConsoleHouse) -> None:
    manager = own_house.browser(Role.LICENCE_MANAGER, language="en")
    found = groups(own_house)[1]
    decision = {
        "name": found.names[0],
        "publisher": found.publisher,
        "as": "commercial",
        "product": "acme/tool",
        "label": "Acme Tool",
    }

    effect = manager.get("/unknown/rule", params=decision).text
    before = own_house.console.figures.position().value
    made = manager.form("/unknown/rule", **decision)

    assert "would be recognised otherwise" in effect
    assert "acme/tool" in effect
    assert "acme/tool" not in {line.product for line in before.lines}
    assert made.headers["location"] == "/unknown"
    assert manager.get("/unknown").status_code == 200
    left = {(each.stem, each.publisher) for each in groups(own_house)}
    assert (found.stem, found.publisher) not in left
    assert "Acme Tool" in manager.get("/position").text
    with own_house.collector.store.reading() as work:
        (*_, last) = work.audit.list()
    assert last.event.kind is Kind.RULE_MADE
    assert last.event.actor.startswith("account licence-manager")
    assert last.event.detail["product"] == "acme/tool"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"as": "commercial"}, "say which product it is"),
        ({"as": "commercial", "product": "no product"}, "is not publisher/family"),
        ({"as": "unknown"}, "no software is unknown"),
        ({"as": "free", "product": "microsoft/office/standard"}, ""),
    ],
)
def test_what_makes_no_rule_is_one_clear_sentence(
    own_house: ConsoleHouse, decision: dict[str, str], said: str
) -> None:
    manager = own_house.browser(Role.LICENCE_MANAGER, language="en")

    shown = manager.get("/unknown/rule", params={"name": "Some Tool 1.2", **decision})
    made = manager.form("/unknown/rule", name="Some Tool 1.2", **decision)

    if said:
        assert shown.status_code == made.status_code == 422
        assert said in shown.text.lower()
    assert made.status_code in (303, 422)
    assert shown.text.count('role="alert"') == (shown.status_code == 422)


def test_only_who_changes_what_is_counted_makes_rules(own_house: ConsoleHouse) -> None:
    auditor = own_house.browser(Role.AUDITOR, language="en")
    name = "Never Seen Tool 3"

    shown = auditor.get(f"/unknown/rule?name={name}&as=component").text

    assert "Make it a rule" not in shown
    assert auditor.form("/unknown/rule", **{"name": name, "as": "component"}).status_code == 403
    assert own_house.browser(Role.SERVICE_DESK).get("/unknown").status_code == 403


def test_an_empty_collector_knows_everything(empty_house: ConsoleHouse) -> None:
    empty_house.console.figures.background.patience_s = 60

    assert "sont reconnus" in empty_house.browser(Role.DSI).get("/unknown").text
