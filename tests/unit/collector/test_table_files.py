"""Lists as files: the same rows in each form, and nothing in them that a spreadsheet would run."""

import csv
import io
import json

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.adapters.sheets import csv_text, table_files

FIELDS = ("name", "on", "names")
HOSTILE = ("=cmd|' /C calc'!A0", "+1", "@x", "#N/A", "a\x00\x0bb", "Œuvres «é»", "l" * 40_000)
ROWS = [{"name": name, "on": number, "names": ["a", "b"]} for number, name in enumerate(HOSTILE)]


def written(form: str, rows: list[dict[str, object]]) -> bytes:
    return b"".join(table_files.WRITERS[form](FIELDS, iter(rows)))


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_no_cell_is_a_formula_whatever_a_spreadsheet_takes_for_its_end(separator: str) -> None:
    rows = [
        {"name": f"Acme{before}{formula}", "on": 1, "names": ["a", formula]}
        for before in (";", "; ", "\t", "\n", ";\n ", ", ")
        for formula in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)")
    ]
    text = written("csv", rows).decode()

    cells = [cell.strip() for line in text.splitlines() for cell in line.split(separator)]
    if separator == ",":
        cells = [cell.strip() for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [each for each in cells if each.startswith(("=", "+", "-", "@"))]


@given(st.text("=+-@';,\t\r\n ab", max_size=12))
def test_what_was_guarded_is_read_as_it_was(text: str) -> None:
    guarded = str(csv_text.plain(text))

    assert not guarded.startswith(csv_text.FORMULA)
    assert csv_text.as_written(guarded) == text


def test_a_workbook_has_texts_and_no_formula() -> None:
    page = openpyxl.load_workbook(io.BytesIO(written("xlsx", ROWS))).worksheets[0]

    heading, *rows = page.iter_rows()
    assert [each.value for each in heading] == list(FIELDS)
    assert {row[0].data_type for row in rows} == {"s"}
    assert [row[0].value for row in rows[:4]] == list(HOSTILE[:4])
    assert [row[1].value for row in rows] == list(range(len(HOSTILE)))
    assert rows[0][2].value == "a; b"


def test_csv_puts_an_apostrophe_before_what_would_be_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", ROWS[:3]).decode())))

    assert [each["name"] for each in rows] == [f"'{name}" for name in HOSTILE[:3]]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array_however_long(count: int) -> None:
    assert json.loads(written("json", ROWS[:count])) == ROWS[:count]


@pytest.mark.parametrize("form", table_files.WRITERS)
def test_nothing_to_list_is_a_file_all_the_same(form: str) -> None:
    assert written(form, [])
