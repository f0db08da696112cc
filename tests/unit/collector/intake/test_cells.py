"""What people write in cells, as values; what could be two things is refused."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.domain.entitlement import UNLIMITED, Channel, Metric
from quitus_collector.services.intake import cells
from quitus_collector.services.intake.cells import Count
from quitus_collector.services.intake.lines import Cell, Wrong

SPACES = (" ", "\u00a0", "\u202f", "'")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1 234,00", 1234),
        ("1\u202f234", 1234),
        ("1,234.00", 1234),
        ("1.234", 1234),
        ("1.234.567", 1234567),
        ("12,0", 12),
        ("0", 0),
        (3.0, 3),
        (40, 40),
    ],
)
def test_whole_numbers_are_read_with_the_separators_of_either_language(
    cell: Cell, number: int
) -> None:
    assert cells.quantity(cell) == Count(number)


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("25 postes", Count(25, Metric.DEVICE)),
        ("12 licences", Count(12)),
        ("16 cœurs", Count(16, Metric.CORE)),
        ("10 packs de 2 cœurs", Count(20, Metric.CORE)),
        ("5 x 16 cores", Count(80, Metric.CORE)),
        ("3 lots de 5", Count(15)),
    ],
)
def test_a_number_may_have_its_unit_with_it(cell: str, count: Count) -> None:
    assert cells.quantity(cell) == count


@pytest.mark.parametrize(
    "cell", ["-3", "1,5", "1e5", 3.5, float("nan"), True, "12 chevaux", "1 23", "#REF!"]
)
def test_what_is_no_quantity_is_refused(cell: Cell) -> None:
    with pytest.raises(Wrong, match="is not a whole number from 0 on"):
        cells.quantity(cell)


@pytest.mark.parametrize("cell", ["2 147 483 647", 2**31 - 1, "9" * 12])
def test_a_number_that_is_too_large_is_said_to_be(cell: Cell) -> None:
    with pytest.raises(Wrong, match="is more than 2147483646"):
        cells.quantity(cell)


@pytest.mark.parametrize("cell", ["1,000", "12.000"])
def test_a_number_that_may_be_two_is_refused(cell: str) -> None:
    with pytest.raises(Wrong, match="may be two numbers"):
        cells.quantity(cell)


@settings(deadline=None)
@given(st.integers(0, cells.MAX_QUANTITY), st.sampled_from(SPACES), st.booleans())
def test_any_quantity_comes_back_as_the_french_write_it(
    number: int, space: str, has_decimals: bool
) -> None:
    written = f"{number:,}".replace(",", space) + (",00" if has_decimals else "")

    assert cells.quantity(written) == Count(number)


@pytest.mark.parametrize(
    "cell",
    [
        "31/12/2026",
        "31.12.2026",
        "31-12-26",
        "2026-12-31",
        "2026-12-31T00:00:00Z",
        "31 décembre 2026",
        "31 déc. 2026",
        "Dec 31, 2026",
        "December 31, 2026",
        "46387",
        46387,
        date(2026, 12, 31),
        datetime(2026, 12, 31, 8),  # noqa: DTZ001 - spreadsheets know no zone
    ],
)
def test_days_are_read_as_people_and_spreadsheets_write_them(cell: Cell) -> None:
    assert cells.day(cell) == date(2026, 12, 31)


@pytest.mark.parametrize("cell", ["", None, "perpétuelle", "Illimitée", "N/A", "31/12/9999"])
def test_no_day_is_no_limit(cell: Cell) -> None:
    assert cells.day(cell) is None


@pytest.mark.parametrize("cell", ["12/31/2026", "2026", "20261231", "31/02/2026", "bientôt", 3])
def test_what_is_no_day_is_refused_with_what_one_looks_like(cell: Cell) -> None:
    with pytest.raises(Wrong, match="is not a date like 31/12/2026 or 2026-12-31"):
        cells.day(cell)


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2118, 1, 1)))
def test_any_day_comes_back_from_every_way_to_write_it(day: date) -> None:
    serial = (day - date(1899, 12, 30)) // timedelta(days=1)

    for written in (day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", serial, str(serial)):
        assert cells.day(written) == day


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (cells.metric, "Par poste", Metric.DEVICE),
        (cells.metric, "Utilisateur nommé", Metric.USER),
        (cells.metric, "CAL utilisateur", Metric.USER_CAL),
        (cells.metric, "floating", Metric.CONCURRENT),
        (cells.channel, "Licence d'occasion", Channel.USED),
        (cells.channel, "OEM", Channel.OEM),
        (cells.channel, "Boîte", Channel.FULL_PACKAGE),
        (cells.channel, "abonnement", Channel.SUBSCRIPTION),
        (cells.yes_or_no, "OUI", True),
        (cells.yes_or_no, "no", False),
        (cells.yes_or_no, "", None),
        (cells.siren, "999 000 110", "999000110"),
        (cells.siren, 999000110, "999000110"),
        (cells.siren, "99900011000018", "999000110"),
        (cells.guests, "illimité", UNLIMITED),
        (cells.owners, "Saturne SA > Mercure SAS", ("Saturne SA", "Mercure SAS")),
        (cells.country, "Allemagne", "DE"),
        (cells.country, "EEE", "EEA"),
        (cells.short, 4512345.0, "4512345"),
    ],
)
def test_words_are_known_in_both_languages(
    read: Callable[[Cell], object], cell: Cell, value: object
) -> None:
    assert read(cell) == value


@pytest.mark.parametrize("name", sorted(cells.READERS))
@settings(deadline=None)
@given(
    cell=st.none()
    | st.text(max_size=30)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.datetimes()
)
def test_a_cell_is_read_or_refused_with_a_reason(name: str, cell: Cell) -> None:
    with suppress(Wrong):
        cells.READERS[name](cell)
