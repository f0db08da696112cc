"""The policy templates, their texts in both languages and the agent's settings say the same."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from quitus_agent import config, managed

FOLDER = Path("deploy/windows/policies")
NAMESPACE = {"p": "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"}
LANGUAGES = ("fr-FR", "en-US")
SETTINGS = {managed.value_name(name): name for name in config.Config._fields}
REFERENCE = re.compile(r"\$\((string|presentation)\.(\w+)\)")


def admx() -> ET.Element:
    return ET.parse(FOLDER / "Quitus.admx").getroot()


def adml(language: str) -> ET.Element:
    return ET.parse(FOLDER / language / "Quitus.adml").getroot()


def policies() -> dict[str, ET.Element]:
    return {each.attrib["name"]: each for each in admx().iterfind("p:policies/p:policy", NAMESPACE)}


def ids(root: ET.Element, kind: str) -> dict[str, ET.Element]:
    found = root.findall(f"p:resources/p:{kind}Table/p:{kind}", NAMESPACE)
    named = {each.attrib["id"]: each for each in found}
    assert len(named) == len(found)
    return named


def test_each_setting_has_its_policy_and_each_policy_its_setting() -> None:
    assert policies().keys() == SETTINGS.keys()
    for policy in policies().values():
        assert policy.attrib["class"] == "Machine"
        assert policy.attrib["key"] == managed.POLICY_KEY


@pytest.mark.parametrize(("name", "setting"), SETTINGS.items())
def test_a_policy_writes_what_the_agent_reads(name: str, setting: str) -> None:
    policy = policies()[name]
    elements = policy.find("p:elements", NAMESPACE)

    if config.kind_of(setting) is bool:
        assert elements is None
        assert policy.attrib["valueName"] == name
        for state, value in (("enabledValue", "1"), ("disabledValue", "0")):
            written = policy.find(f"p:{state}/p:decimal", NAMESPACE)
            assert written is not None
            assert written.attrib["value"] == value
        return
    assert elements is not None
    (element,) = elements
    assert element.attrib["valueName"] == element.attrib["id"] == name
    if config.kind_of(setting) is int:
        assert element.tag.endswith("}decimal")
        bounds = int(element.attrib["minValue"]), int(element.attrib["maxValue"])
        assert bounds == config.BOUNDS[setting]
    else:
        assert element.tag.endswith("}text")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reference_has_its_text_and_no_text_is_left_over(language: str) -> None:
    root = adml(language)
    wanted = set(REFERENCE.findall((FOLDER / "Quitus.admx").read_text(encoding="utf-8")))

    for kind in ("string", "presentation"):
        assert ids(root, kind).keys() == {name for of, name in wanted if of == kind}
    for text in ids(root, "string").values():
        assert (text.text or "").strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_presentation_shows_the_elements_of_its_policy_with_the_agents_default(
    language: str,
) -> None:
    for name, presentation in ids(adml(language), "presentation").items():
        (shown,) = presentation
        assert shown.attrib["refId"] == name
        if config.kind_of(SETTINGS[name]) is int:
            default = config.Config._field_defaults[SETTINGS[name]]
            assert shown.attrib["defaultValue"] == str(default)
            assert "".join(shown.itertext()).strip()
            # What stands there if nobody chooses is also told.
            told = ids(adml(language), "string")[f"{name}_Explain"].text or ""
            assert f": {default}." in told.replace("\u00a0", " ")


def test_categories_and_what_is_supported_are_defined() -> None:
    root = admx()
    categories = {each.attrib["name"] for each in root.iterfind(".//p:category", NAMESPACE)}
    supported = {each.attrib["name"] for each in root.iterfind(".//p:definition", NAMESPACE)}

    assert {
        each.attrib["ref"] for each in root.iterfind(".//p:parentCategory", NAMESPACE)
    } == categories
    used = root.iterfind(".//p:policy/p:supportedOn", NAMESPACE)
    assert {each.attrib["ref"] for each in used} == supported


def test_both_languages_have_texts_of_their_own() -> None:
    french, english = (ids(adml(language), "string") for language in LANGUAGES)

    assert french.keys() == english.keys()
    same = {name for name in french if french[name].text == english[name].text}
    assert same == {"Quitus"}
