"""What people read of the agent is there in French, and nothing in the catalogue is left over."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from quitus_agent import errors, messages
from quitus_agent.cli import main

CATALOGUE: dict[str, str] = json.loads((messages.LOCALES / "sentences.fr.json").read_text("utf-8"))
# Raised with a sentence for the person at the keyboard; reasons of sources go on the wire instead.
RAISED = {
    name
    for name, each in vars(errors).items()
    if isinstance(each, type)
    and issubclass(each, errors.AgentError)
    and each is not errors.SourceError
} | {"refusal"}
SAYS = {"said", "_say"}


def template(node: ast.expr) -> str:
    """The sentence of an expression, with `{}` for what varies; empty where it is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def trees() -> Iterator[ast.AST]:
    for file in Path(messages.__file__).parent.rglob("*.py"):
        yield ast.parse(file.read_text("utf-8"))


def sentences() -> set[str]:
    """All that is raised or said."""
    called = (
        (node.func.id, template(node.args[0]))
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
    )
    return {said for name, said in called if name in RAISED | SAYS and re.search(r"\w", said)}


def helps() -> set[str]:
    """All that the command's help says, but for words that are given."""
    return {
        template(word.value)
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in ("help", "description") and template(word.value)
    }


def is_known(sentence: str) -> bool:
    """Whether it has its French, by itself or behind the name of what it is about."""
    bare = re.sub(r"[{}:; ]+", "", sentence)
    return not bare or sentence in CATALOGUE or f"{{}} {sentence}" in CATALOGUE


def test_every_sentence_has_its_french() -> None:
    assert {each for each in sentences() | helps() if not is_known(each)} == set()


def test_the_catalogue_says_nothing_that_no_code_says() -> None:
    written = {
        template(node) for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.expr)
    }

    left = {
        each
        for each in CATALOGUE
        if each not in written and each.removeprefix("{} ") not in written
    }
    assert left == set()


@pytest.mark.parametrize(("english", "french"), CATALOGUE.items())
def test_french_keeps_what_varies_and_french_typography(english: str, french: str) -> None:
    assert english.count("{}") == french.count("{}")
    assert "'" not in french
    assert not re.search(r"(?<![\s ]):(?!\d)(?!PORT)|\?[^ ]?(?<! \?)$", french)


def test_what_varies_is_put_into_french_only_where_it_is_a_sentence() -> None:
    assert (
        messages.translated("/srv/t.txt is a damaged join token: copy it whole")
        == "/srv/t.txt est un jeton d’enrôlement abîmé : copiez-le en entier"
    )
    # A host may be called like something of ours.
    assert (
        messages.translated("no collector answers at device")
        == "aucun collecteur ne répond à device"
    )
    assert messages.translated(
        "this device is not enrolled (/x holds no identity): run quitus-agent enrol; last attempt "
        "2026-11-23 10:00 UTC: the collector refused: unknown token"
    ) == (
        "ce poste n’est pas enrôlé (/x ne contient pas d’identité) : lancez quitus-agent enrol ; "
        "dernière tentative le 2026-11-23 10:00 UTC : le collecteur a refusé : unknown token"
    )
    assert messages.translated("what nobody translated") == "what nobody translated"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("fr_FR.UTF-8", "fr"),
        ("de_DE.UTF-8", "fr"),
        ("", "fr"),
        ("en_GB.UTF-8", "en"),
        ("C.UTF-8", "en"),
        ("POSIX", "en"),
    ],
)
def test_who_speaks_no_english_reads_french(
    locale: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", locale)

    assert messages.language() == expected


def test_an_employee_reads_an_error_in_french(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")

    assert main(["--state", str(tmp_path), "status"]) == 1

    assert capsys.readouterr().err == (
        f"quitus-agent: ce poste n’est pas enrôlé ({tmp_path} ne contient pas d’identité) : "
        "lancez quitus-agent enrol\n"
    )


@pytest.mark.parametrize(
    "words", [[], ["inventory"], ["enrol"], ["report"], ["status"], ["preview"]]
)
def test_help_is_in_french_too(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")

    with pytest.raises(SystemExit):
        main([*words, "--help"])

    told = capsys.readouterr().out
    assert "affiche cette aide" in told
    assert not re.search(r"\b(the|this|what|with)\b", told)
