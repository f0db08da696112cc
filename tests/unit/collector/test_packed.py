from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.adapters.sql.packed import (
    pack_days,
    pack_few,
    pack_numbers,
    pack_rows,
    unpack_days,
    unpack_few,
    unpack_numbers,
    unpack_rows,
)

NUMBERS = st.lists(st.integers(1, 1 << 40), unique=True).map(sorted)
# Whatever the wire lets in: four, two and two digits, a day of the calendar or not.
DAYS = st.one_of(st.just(""), st.dates().map(str), st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"))


@given(NUMBERS)
def test_numbers_come_back(numbers: list[int]) -> None:
    assert unpack_numbers(pack_numbers(numbers)) == numbers


@given(st.lists(st.integers(1, (1 << 64) - 1), unique=True).map(sorted))
def test_a_few_numbers_come_back(numbers: list[int]) -> None:
    assert list(unpack_few(pack_few(numbers))) == numbers


@given(st.lists(DAYS))
def test_days_come_back_as_they_were_written(days: list[str]) -> None:
    assert unpack_days(pack_days(days), len(days)) == days


@given(NUMBERS, st.data())
def test_rows_come_back(numbers: list[int], data: st.DataObject) -> None:
    rows = [(number, data.draw(DAYS)) for number in numbers]

    assert unpack_rows(pack_rows(rows)) == rows


def test_what_earlier_versions_wrote_is_read() -> None:
    """Two rows, 5 and 133, of which the second has a day; deflated and plain numbers."""
    rows = bytes.fromhex("02058001" + "00" + "0200" + "87cad409" + "0001")

    assert unpack_rows(rows) == [(5, ""), (133, "2026-01-02")]
    assert unpack_numbers(bytes.fromhex("00058001")) == [5, 133]
    assert list(unpack_few(bytes.fromhex("020500" + "8500"))) == [5, 133]
    assert unpack_numbers(b"\1" + bytes.fromhex("6364640200")) == [1, 2, 4]


def test_two_changed_rows_take_few_bytes() -> None:
    assert len(pack_rows([(9_001, "2026-03-30"), (120_345, "2026-03-31")])) < 20
