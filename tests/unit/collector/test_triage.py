import json
from pathlib import Path

import pytest

from quitus_collector import config
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.catalogue import own_rules
from quitus_collector.adapters.catalogue.likeness import Likeness
from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.cli import main
from quitus_collector.domain.install import Install
from quitus_collector.domain.patterns import Pattern
from quitus_collector.domain.position import Unknown
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.report import Update
from quitus_collector.domain.triage import groups, pattern_of, stem_of
from quitus_collector.errors import UsageError
from quitus_collector.wiring.collector import Collector
from tests.builders import a_device, an_install, shipped_catalogue

CATALOGUE = shipped_catalogue()


def test_names_that_differ_by_version_or_order_are_one_group_ranked_by_devices() -> None:
    unknown = [
        Unknown("Pointage Atelier 3.2", "Atelier SARL", 7),
        Unknown("Pointage Atelier 3.10", "Atelier", 3),
        Unknown("Atelier Pointage", "Atelier SARL", 1),
        Unknown("Suivi des moules", "Atelier SARL", 9),
        Unknown("Pointage Atelier 3.2", "Un autre", 1),
    ]

    found = groups(unknown, CATALOGUE, Likeness())

    assert [(each.stem, each.devices, len(each.names)) for each in found] == [
        ("Suivi des moules", 9, 1),
        ("Pointage Atelier", 7, 3),
        ("Pointage Atelier", 1, 1),
    ]
    assert not any(each.suggestion for each in found)


def test_a_suggestion_names_a_product_and_how_alike_it_is() -> None:
    (group,) = groups([Unknown("Antidote", "Revendeur", 2)], CATALOGUE, Likeness())

    assert group.document()["suggestion"] == {
        "product": "druide/antidote",
        "label": "Antidote",
        "likeness": 100,
    }


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Tool 2.1.0 (x64)", "Tool"),
        ("Tool version 2", "Tool"),
        ("Tool v2 3", "Tool"),
        ("2048", "2048"),
        ("C++ Tool", "C++ Tool"),
    ],
)
def test_a_stem_is_the_name_without_its_version(name: str, stem: str) -> None:
    assert stem_of(name) == stem


def test_a_decision_becomes_a_rule_that_answers_every_version(tmp_path: Path) -> None:
    decisions = [
        Ruling(
            "Pointage (C++) l'Atelier", "Atelier SARL", SoftwareClass.COMMERCIAL, "atelier/pointage"
        ),
        Ruling("Aide", "Atelier SARL", SoftwareClass.COMPONENT),
        Ruling("Sans éditeur", "", SoftwareClass.FREE, "inconnu/sans-editeur", "Sans éditeur"),
    ]
    for each in decisions:
        own_rules.write(each, tmp_path)

    catalogue = catalogue_files.load(own=tmp_path)

    def answer(name: str, publisher: str) -> tuple[str, str | None]:
        found = catalogue.recognise(Install(name, publisher=publisher))
        return found.software_class.value, found.product

    assert answer("Pointage (C++) l'Atelier 4.1", "ATELIER") == ("commercial", "atelier/pointage")
    assert answer("Aide 2", "Atelier SARL") == ("component", None)
    assert answer("Sans éditeur 1.0", "n'importe qui") == ("free", "inconnu/sans-editeur")
    assert answer("Sans autre 1.0", "n'importe qui") == ("unknown", None)


def test_a_preview_leaves_no_rule_behind(tmp_path: Path) -> None:
    ruling = Ruling("Aide", "Atelier", SoftwareClass.COMPONENT)

    longer = own_rules.preview(ruling, tmp_path / "catalogue")

    assert longer.recognise(Install("Aide", publisher="Atelier")).rule == "own:atelier:aide"
    assert not (tmp_path / "catalogue").exists()


@pytest.mark.parametrize(
    "ruling",
    [
        Ruling("x", "y", SoftwareClass.FREE),
        Ruling("x", "y", SoftwareClass.COMPONENT, "a/b"),
    ],
)
def test_a_decision_that_is_no_rule_is_refused(ruling: Ruling, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a product"):
        own_rules.write(ruling, tmp_path)


def test_patterns_of_stems_match_them_and_nothing_alike() -> None:
    pattern = Pattern(pattern_of("A.b (c) d's").replace("{tail}", ""))

    assert pattern.compiled.fullmatch("a.b (C) d's")
    assert not pattern.compiled.fullmatch("axb c d's")


def test_the_fleets_unknown_names_are_listed_decided_and_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    assert main([*home, "init"]) == 0
    store = Collector(config.load(tmp_path, {}, {})).store
    with store.writing() as work:
        for name in ("d-1", "d-2"):
            work.devices.add(a_device(name))
            row = an_install("Pointage Atelier 3.2", publisher="Atelier SARL")
            work.inventories.change({name: Update((row,), (), b"")})
    capsys.readouterr()

    decide = [*home, "triage", "decide", "Pointage Atelier 3.2", "--as", "commercial"]
    assert main([*home, "triage", "list"]) == 0
    out = capsys.readouterr().out
    assert "Pointage Atelier" in out
    assert "Ressemble à" in out
    assert main([*decide, "--product", "Atelier"]) == 2
    assert main([*home, "triage", "decide", "Rien", "--as", "component"]) == 2
    capsys.readouterr()
    assert main([*decide, "--product", "atelier/pointage", "--preview"]) == 0
    assert capsys.readouterr().out == "Pointage Atelier 3.2: atelier/pointage\n"
    assert main([*decide, "--product", "atelier/pointage"]) == 0
    capsys.readouterr()
    assert main([*home, "triage", "list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main([*home, "catalogue", "check", str(tmp_path / "catalogue")]) == 0
    capsys.readouterr()
    assert main([*home, "findings", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
