from pathlib import Path

import pytest

from quitus_collector.adapters.sheets import placements_csv
from quitus_collector.domain.perimeter import Role, Scope
from quitus_collector.errors import UsageError
from quitus_collector.services.perimeter import PlacementLine


def test_headings_and_words_are_french_or_english() -> None:
    text = "Poste;SIREN;Site;Rôle;Périmètre;Motif\nPC-1;732 829 320;Évry;recette;;banc\n"

    assert placements_csv.parse(text) == [
        PlacementLine(
            "PC-1",
            entity="732829320",
            site="Évry",
            role=Role.TEST,
            reason="banc",
            where="line 2: ",
        )
    ]
    (line,) = placements_csv.parse("device,scope,reason\nPC-1,retired,gone\n")
    assert line.scope is Scope.RETIRED


def test_an_empty_cell_leaves_what_was_said() -> None:
    assert placements_csv.parse("device,site\nPC-1,\n") == [PlacementLine("PC-1", where="line 2: ")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: the heading 'device' is missing"),
        ("site\nLyon\n", "line 1: the heading 'device' is missing"),
        ("device,colour\n", "line 1: unknown heading 'colour'"),
        ("device,poste\n", "line 1: the heading 'poste' is there twice"),
        ("device,role\nPC-1,chef\n", "line 2: role 'chef' is none of production"),
        ("device,site\n,Lyon\n", "line 2: device is empty"),
        ("device\nPC-1,x\n", "line 2: 2 cells under 1 headings"),
        ('device\n"PC', "line 2: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_named(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        placements_csv.parse(text)
    assert str(error.value).startswith(complaint)


def test_every_wrong_line_is_named_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "postes.csv"
    file.write_text("poste;rôle\nA;x\nB;test\nC;y\n", encoding="cp1252")

    with pytest.raises(UsageError) as error:
        placements_csv.read(file)
    assert [each.partition(": role")[0] for each in str(error.value).splitlines()] == [
        f"{file}: line 2",
        f"{file}: line 4",
    ]
