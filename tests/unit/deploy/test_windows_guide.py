"""The guides for Windows: both languages, the package and the policies tell the same."""

import json
import re
import shlex
from pathlib import Path

import pytest

from deploy.windows import runtime, tables
from quitus_agent import config, managed, messages
from quitus_collector.cli import main

CATALOGUE = json.loads((messages.LOCALES / "sentences.fr.json").read_text("utf-8"))
GUIDES = {language: Path(f"docs/guide/{language}/windows-gpo.md") for language in ("fr", "en")}
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(language: str) -> str:
    return GUIDES[language].read_text(encoding="utf-8")


def commands(language: str) -> list[str]:
    found = "".join(BLOCK.findall(text(language)))
    # What a token is called is said in the reader's language.
    return re.sub(r'--label "[^"]*"', "--label", found).splitlines()


def test_both_languages_give_the_same_commands_in_chapters_of_the_same_number() -> None:
    assert commands("fr") == commands("en")
    assert [line.split(".")[0] for line in re.findall(r"(?m)^## .*", text("fr"))] == [
        line.split(".")[0] for line in re.findall(r"(?m)^## .*", text("en"))
    ]


@pytest.mark.parametrize("language", GUIDES)
def test_a_guide_names_every_policy_property_and_the_python_that_is_pinned(language: str) -> None:
    told = text(language)

    for name in config.Config._fields:
        assert f"`{managed.value_name(name)}`" in told
    for given in tables.GIVEN:
        assert re.search(rf"\b{given.property}\b", told)
    assert runtime.PYTHON.archive in told
    for name, (least, most) in config.BOUNDS.items():
        row = next(
            line for line in told.splitlines() if f"| `{managed.value_name(name)}` |" in line
        )
        assert re.search(rf"{least} (à|to) {most}", row)


def test_trouble_is_quoted_as_the_agent_says_it() -> None:
    english = re.findall(r'(?m)^\| "(?:… )?([^"]+)" \|', text("en"))
    french = re.findall(r"(?m)^\| « (?:… )?([^»]+) » \|", text("fr"))

    assert len(english) == len(french) == 5
    sentences = [*CATALOGUE, "the collector at {} is not the one this join token was made for"]
    for said, told in zip(english, french, strict=True):
        assert any(said in each and told in messages.translated(each) for each in sentences), said


@pytest.mark.parametrize("language", GUIDES)
def test_the_collectors_commands_work(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(tmp_path / "collector"))
    assert main([*home, "init"]) == 0

    said = listed_before = ""
    for line in "".join(BLOCK.findall(text(language))).splitlines():
        if line.startswith("quitus-collector "):
            # What the reader takes from the list that was printed before.
            listed_before = said if "revoke ID" in line else listed_before
            listed = re.findall(r"(?m)^([0-9a-f]{8,})\b", said)
            words = shlex.split(line.replace("revoke ID", f"revoke {listed[-1]}" if listed else ""))
            assert main([*home, *words[1:]]) == 0, line
            said = capsys.readouterr().out
            assert said
    assert main([*home, "token", "list"]) == 0
    # It is listed as over from now on.
    assert capsys.readouterr().out != listed_before != ""
