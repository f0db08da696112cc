"""What holds for recognition whatever the rules and rows are."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.catalogue import json_lines, recognising
from quitus_collector.cli import main
from quitus_collector.domain.catalogue import fold
from quitus_collector.domain.install import Install
from quitus_collector.domain.patterns import Pattern
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.rule import Rule
from quitus_collector.errors import UsageError
from tests.builders import shipped_catalogue

CATALOGUE = shipped_catalogue()
PUBLISHERS = ["Microsoft Corporation", "Adobe Inc.", "Autodesk", "Oracle Corporation", "Sage"]
NAMES = [
    "Microsoft Office Standard 2016",
    "Microsoft Visual C++ 2013 Redistributable (x64) - 12.0.40664",
    "Mise à jour pour Microsoft Office 2016 (KB4484106) 32 bits",
    "Adobe Acrobat XI Pro",
    "Adobe Reader XI (11.0.23) - Italiano",
    "AutoCAD 2024 - Français (French)",
    "Autodesk Material Library 2022",
    "Java 8 Update 202",
    "Sage 100c Comptabilité",
    "Pointage Atelier 3.2",
]
ROWS = st.builds(
    Install,
    st.sampled_from(NAMES),
    publisher=st.sampled_from([*PUBLISHERS, "Acme", ""]),
    version=st.sampled_from(["", "8.0.2020.8", "16.0.1"]),
    hidden=st.booleans(),
)
PARTS = [".*", "Microsoft", "Adobe .*", " ", "Acrobat", "2016", r"(?P<version>\d+)", "Office .*"]
NEW_RULES = st.builds(
    lambda parts, line, software_class: Rule(
        "acme:new",
        software_class,
        line,
        publishers=frozenset({"acme"}),
        names=(Pattern("".join(parts)),),
    ),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).filter(
        lambda parts: sum("version" in part for part in parts) < 2
    ),
    st.sampled_from(["acme/x", ""]),
    st.sampled_from(list(SoftwareClass)),
)


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12), st.randoms())
def test_recognition_does_not_depend_on_the_order_of_the_rows(rows, random) -> None:  # type: ignore[no-untyped-def]
    answers = [CATALOGUE.recognise(row) for row in rows]
    shuffled = list(enumerate(rows))
    random.shuffle(shuffled)

    again = {number: CATALOGUE.recognise(row) for number, row in shuffled}

    assert [again[number] for number in range(len(rows))] == answers


@settings(max_examples=25, deadline=None)
@given(NEW_RULES, st.booleans(), st.lists(ROWS, min_size=1, max_size=12))
def test_a_rule_for_one_publisher_changes_no_answer_about_another(
    rule: Rule, comes_first: bool, rows: list[Install]
) -> None:
    rules = [rule, *CATALOGUE.rules] if comes_first else [*CATALOGUE.rules, rule]
    longer = replace(CATALOGUE, rules=rules)

    for row in rows:
        if row.publisher not in ("Acme", ""):
            assert longer.recognise(row) == CATALOGUE.recognise(row)


def test_what_a_row_without_a_publisher_is_is_not_changed_by_a_rule_that_needs_one() -> None:
    rule = Rule(
        "acme:new",
        SoftwareClass.FREE,
        "acme/x",
        frozenset({"acme"}),
        names=(Pattern(".*"),),
    )
    longer = replace(CATALOGUE, rules=[rule, *CATALOGUE.rules])

    for name in NAMES:
        assert longer.recognise(Install(name)) == CATALOGUE.recognise(Install(name))


OWN = """
publisher = "microsoft"
label = "Microsoft"
known_as = ["Microsoft Corporation"]

[[product]]
id = "microsoft/visio/professional"
label = "Visio"
class = "free"
names = ['Microsoft Visio Professional (?P<version>2019)']
"""


def own_rules(home: Path, text: str = OWN) -> Path:
    folder = home / "catalogue"
    folder.mkdir(parents=True)
    (folder / "ours.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_customers_own_rule_comes_first_and_says_so(tmp_path: Path) -> None:
    catalogue = catalogue_files.load(own=own_rules(tmp_path))

    found = catalogue.recognise(
        Install("Microsoft Visio Professional 2019 - fr-fr", publisher="Microsoft Corporation")
    )

    assert found.software_class is SoftwareClass.FREE
    assert found.rule == "own:microsoft:visio/professional"
    assert catalogue.digest != CATALOGUE.digest


def test_a_suite_hides_its_parts_and_a_version_the_record_without_one() -> None:
    products = {
        "microsoft/office/standard@2016",
        "microsoft/office/word@2016",
        "microsoft/office/word@2013",
        "microsoft/office/access@2016",
        "microsoft/windows/pro",
        "microsoft/windows/pro@11",
    }

    assert fold(products, CATALOGUE.suites) == {
        "microsoft/office/standard@2016",
        "microsoft/office/word@2013",
        "microsoft/office/access@2016",
        "microsoft/windows/pro@11",
    }


def answers(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_recognise_answers_each_row_on_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [
        {"name": "whatever", "release_id": "VisioPro2021Volume"},
        {"name": "Microsoft Word MUI (French) 2016", "publisher": "Microsoft Corporation"},
        {"name": "whatever", "version": None, "identifiers": {"release_id": "O365BusinessRetail"}},
        {"name": "Pointage Atelier 3.2", "publisher": "Service informatique", "source": "x"},
    ]
    file.write_text("\n\n".join(map(json.dumps, rows)))

    status = main(["--home", str(tmp_path / "none"), "recognise", str(file)])

    assert status == 0
    assert answers(capsys) == [
        {
            "product": "microsoft/visio/ltsc-professional@2021",
            "class": "commercial",
            "rule": "microsoft:visio/ltsc-professional",
            "evidence": "release_id VisioPro2021Volume",
            "confidence": 1.0,
        },
        {
            "product": None,
            "class": "component",
            "rule": "microsoft:office-parts",
            "evidence": "name and publisher",
            "confidence": 0.85,
        },
        {
            "product": "microsoft/365-apps/business",
            "class": "commercial",
            "rule": "microsoft:365-apps/business",
            "evidence": "release_id O365BusinessRetail",
            "confidence": 1.0,
        },
        {"product": None, "class": "unknown", "rule": None, "evidence": None, "confidence": 0.0},
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 is not a JSON object"),
        ('{"name": 1}', "line 2: name is not a text"),
        ('{"hidden": "yes"}', "line 2: hidden is not true or false"),
        ('{"identifiers": []}', "line 2: identifiers is not an object"),
        ('{"release_id": ["x"]}', "line 2: release_id is not a text"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(line: str, complaint: str) -> None:
    if line == '{"identifiers": []}':
        line = '{"identifiers": ["x"]}'
    with pytest.raises(UsageError, match=complaint):
        list(json_lines.read(['{"name": "x"}', line]))


def test_many_rows_are_answered_on_all_cores_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["Docker Desktop", "Adobe Photoshop 2024", "Pointage Atelier", "7-Zip 23.01 (x64)"]
    lines = [json.dumps({"name": f"{names[number % 4]}"}) for number in range(50)]
    alone = list(recognising.answers(lines, catalogue_files.load))

    monkeypatch.setattr(recognising, "BATCH_LINES", 7)
    together = list(recognising.answers(lines, catalogue_files.load))

    assert len(alone) == 1
    assert len(together) == 8
    assert "".join(together) == alone[0]
    with pytest.raises(UsageError, match="line 51 is not JSON"):
        list(recognising.answers([*lines, "{"], catalogue_files.load))


def test_recognise_names_the_file_that_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin").write_bytes(b'{"name": "\xe9"}')
    (tmp_path / "broken").write_text("{")

    assert main(["recognise", str(tmp_path / "latin")]) == 2
    assert "latin: is not UTF-8 text" in capsys.readouterr().err
    assert main(["recognise", str(tmp_path / "broken")]) == 2
    assert "broken: line 1 is not JSON" in capsys.readouterr().err
    assert main(["recognise", str(tmp_path / "absent")]) == 2
    assert "absent: No such file" in capsys.readouterr().err


def test_check_refuses_a_faulty_folder_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_rules(tmp_path, OWN + OWN[OWN.index("[[product]]") :].replace("free", "update"))

    assert main(["catalogue", "check", str(folder)]) == 1

    message = capsys.readouterr().err
    assert f"{folder / 'ours.toml'}:6: microsoft:visio/professional and" in message
    assert main(["catalogue", "check", str(tmp_path / "absent")]) == 2


def test_check_accepts_a_good_folder_and_show_lists_the_customers_own_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_rules(tmp_path)
    home = ["--home", str(tmp_path), "catalogue"]

    assert main([*home, "check", str(folder)]) == 0
    assert "1 publishers, 1 products, 1 rules" in capsys.readouterr().out
    assert main([*home, "show"]) == 0
    assert "own:microsoft:visio/professional" in capsys.readouterr().out
    assert main([*home, "show", "druide"]) == 0
    assert "druide/antidote" in capsys.readouterr().out
    assert main([*home, "show", "docker/desktop"]) == 0
    assert "250 employees" in capsys.readouterr().out
    assert main([*home, "show", "druides"]) == 2
    assert "did you mean druide?" in capsys.readouterr().err


def test_diff_says_what_the_shipped_rules_have_beyond_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalogue", "diff", str(own_rules(tmp_path))]) == 0

    assert "product druide/antidote: added" in capsys.readouterr().out
