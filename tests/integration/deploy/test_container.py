"""The container's recipe and the compose file."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE = DEPLOY / "container" / "compose.yaml"


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


@pytest.mark.needs("chart")
def test_the_recipe_breaks_no_rule_of_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    checked = subprocess.run(
        [hadolint, DEPLOY / "container" / "Containerfile"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (checked.returncode, checked.stdout) == (0, "")


def test_nobody_is_root_and_nothing_is_written_to() -> None:
    recipe = (DEPLOY / "container" / "Containerfile").read_text()
    for name, service in services().items():
        if name == "database":
            continue
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
    assert re.search(r"^USER 10001:10001$", recipe, re.MULTILINE)
    assert {each["user"] for name, each in services().items() if "collector" in name} == {
        "10001:10001"
    }


def test_no_secret_is_written_in_the_compose_file_and_all_that_is_named_is_there() -> None:
    document = yaml.safe_load(COMPOSE.read_text())

    for name, service in document["services"].items():
        named = (
            [each if isinstance(each, str) else each["source"] for each in service["secrets"]]
            if "secrets" in service
            else []
        )
        assert set(named) <= set(document["secrets"]), name
        assert set(service["networks"]) <= set(document["networks"]), name
        assert set(service.get("depends_on", ())) <= set(document["services"]), name
    settings = [each.get("environment", {}) for each in document["services"].values()]
    assert all("://quitus@" in each for one in settings for each in one.values() if "://" in each)
    assert all(set(each) == {"file"} for each in document["secrets"].values())
    # Collectors call nobody: neither of their networks leads outside.
    for network in document["services"]["collector-1"]["networks"]:
        assert document["networks"][network]["internal"] is True


def test_everything_that_the_recipe_copies_is_let_in() -> None:
    recipe = (DEPLOY / "container" / "Containerfile").read_text()
    allowed = {
        line.removeprefix("!")
        for line in (DEPLOY.parent / ".containerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source.split("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.+)$", recipe, re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert copied == allowed
    assert all((DEPLOY.parent / each).exists() for each in copied)
