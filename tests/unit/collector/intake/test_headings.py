"""Which column is of which field, whatever the list calls it and wherever its headings are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.services.intake.cells import READERS
from quitus_collector.services.intake.grids import Row, column_letters, read_grid
from quitus_collector.services.intake.headings import FIELDS, field_of, slip_of
from quitus_collector.services.intake.lines import Reading, line_number

HEADINGS = ["id", "Produit", "Quantité"]


def read(*rows: list[object]) -> Reading:
    numbered: list[Row] = [(number, row) for number, row in enumerate(rows, start=1)]  # type: ignore[misc]
    return read_grid("csv", numbered, line_number)


def told(reading: Reading) -> list[str]:
    return [f"{each.where}, {each.column}: {each.what}" for each in reading.problems]


def test_every_field_has_a_reader_and_its_own_name() -> None:
    assert FIELDS.keys() == READERS.keys()
    assert all(field_of(name) == name for name in FIELDS)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Désignation", "product"),
        ("  QUANTITÉ (unités) ", "quantity"),
        ("Qté", "quantity"),
        ("Nb. de licences", "quantity"),
        ("N° de facture", "proof"),
        ("Date d’échéance", "valid_until"),
        ("Type de licence", "channel"),
        ("Réf. éditeur", "part_number"),
        ("Éditeur", "publisher"),
        ("License Metric", "metric"),
        ("SIREN", "entity"),
        ("Anciens propriétaires", "previous_owners"),
        ("Couleur", None),
        ("", None),
    ],
)
def test_headings_are_known_in_both_languages(heading: str, field: str | None) -> None:
    assert field_of(heading) == field


@settings(deadline=None)
@given(
    st.sampled_from([(name, field) for field, all in FIELDS.items() for name in all.split("|")]),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.sampled_from(["{}", " {} ", "{} :", "{}*", "{} (1)"]),
)
def test_case_blanks_and_marks_change_no_heading(name, case, form) -> None:  # type: ignore[no-untyped-def]
    written, _ = name

    assert field_of(form.format(case(written))) == field_of(written)


def test_headings_may_come_late_and_lines_may_be_empty() -> None:
    reading = read(
        ["Parc logiciel de Mercure SAS", None, None],
        [],
        [None, "Mis à jour le 3 mars", None],
        HEADINGS,
        [None, None, None],
        ["A", "Visio", 3],
        ["", "", ""],
        ["B", "Project", 4],
        ["Total", None, 7],
    )

    assert [(str(line.where), line.cells["id"]) for line in reading.lines] == [
        ("line 6", "A"),
        ("line 8", "B"),
    ]
    assert [str(note) for note in reading.notes] == ["line 9: a total, passed over"]
    assert reading.problems == []


def test_a_group_over_two_columns_completes_their_headings() -> None:
    reading = read(
        [None, None, None, "Validité", None],
        [*HEADINGS, "du", "au"],
        ["A", "Visio", 3, "01/01/2026", "31/12/2026"],
    )

    assert reading.lines[0].cells["valid_from"] == "01/01/2026"
    assert reading.lines[0].cells["valid_until"] == "31/12/2026"


def test_headings_that_come_again_are_no_line() -> None:
    reading = read(HEADINGS, ["A", "Visio", 3], HEADINGS, ["B", "Visio", 3])

    assert [line.cells["id"] for line in reading.lines] == ["A", "B"]


def test_columns_of_no_use_are_named_and_passed_over() -> None:
    reading = read([*HEADINGS, "Prix", "Couleur"], ["A", "Visio", 3, 90, "bleu"])

    assert [str(note) for note in reading.notes] == ["columns passed over: Prix, Couleur"]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "line 1, : there is nothing in it"),
        ([["a", "b"]], "line 1, : no row has headings that are known"),
        ([["Produit", "Prix"]], "line 1, : no heading tells the quantity"),
        ([["Quantité", "Prix"]], "line 1, : no heading tells the product"),
        ([[*HEADINGS, "Qté"]], "line 1, Qté (D): is the same field as the column 'Quantité'"),
        ([[*HEADINGS, "valid_untill"]], "line 1, valid_untill (D): is no known heading; is it"),
        ([HEADINGS, ["A", "Visio", 1, 2]], "line 2, D: '2' stands under no heading"),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_why(
    rows: list[list[object]], complaint: str
) -> None:
    (said,) = told(read(*rows))

    assert said.startswith(complaint)


def test_a_slip_of_the_pen_is_no_column_to_pass_over() -> None:
    assert slip_of("quantitée") == "quantity"
    assert slip_of("Prix unitaire") is None


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [column_letters(number) for number in (0, 25, 26, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
    ]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.none() | st.text(max_size=8) | st.integers() | st.floats(), max_size=5))
)
def test_any_table_is_read_without_a_fault(rows: list[list[object]]) -> None:
    reading = read(*rows)

    assert reading.lines or reading.problems or any(rows)
