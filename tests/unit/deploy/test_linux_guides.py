"""The guides for Linux and Ansible: both languages tell the same, and what they name exists."""

import re
from pathlib import Path

import pytest

from deploy.packages.program import PROGRAMS

GUIDES = Path(__file__).parents[3] / "docs/guide"
ROLES = Path(__file__).parents[3] / "deploy/ansible/ansible_collections/quitus/deploy/roles"
NAMES = ("linux", "ansible")


def _text(name: str, language: str) -> str:
    return (GUIDES / language / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_give_the_same_commands(name: str) -> None:
    def commands(language: str) -> str:
        found = re.findall(r"^```\w+\n(.*?)^```$", _text(name, language), re.DOTALL | re.MULTILINE)
        return re.sub(r'--label "[^"]*"', "--label", "".join(found))

    assert commands("fr") == commands("en")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_packages_are_called_as_they_are_built(language: str) -> None:
    text = _text("linux", language)

    for form in ("_0.1.0_amd64.deb", "-0.1.0-1.x86_64.rpm", "-0.1.0-linux-x86_64.pyz"):
        assert f"quitus-agent{form}" in text
    versions = re.findall(r"quitus-(?:agent|collector)[-_](\d+\.\d+\.\d+)", text)
    assert set(versions) == {"0.1.0"}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_units_and_variables_that_the_guides_name_exist(language: str) -> None:
    text = _text("linux", language) + _text("ansible", language)
    units = {unit for program in PROGRAMS.values() for unit in program.units}
    defaults = "".join(
        (ROLES / role / "defaults/main.yml").read_text() for role in ("agent", "collector")
    )
    known = set(re.findall(r"^(\w+):", defaults, re.MULTILINE)) | {
        "agent_ring",
        "agent_batches",
        "agent_max_fail_percentage",
    }

    assert set(re.findall(r"quitus-(?:agent|collector)[a-z-]*\.(?:service|timer)", text)) <= units
    assert set(re.findall(r"\b(?:agent|collector)_[a-z_]+\b", text)) <= known


def test_every_variable_of_a_role_is_described() -> None:
    for role in ("agent", "collector"):
        defaults = (ROLES / role / "defaults/main.yml").read_text()
        described = (ROLES / role / "meta/argument_specs.yml").read_text()

        for variable in re.findall(r"^(\w+):", defaults, re.MULTILINE):
            assert f"      {variable}:\n" in described, variable
