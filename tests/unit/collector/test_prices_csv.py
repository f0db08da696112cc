from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from quitus_collector.adapters import prices_csv
from quitus_collector.domain.entitlement import Channel, Metric
from quitus_collector.errors import UsageError
from quitus_collector.services.remedying import PriceLine


def read(*lines: str) -> list[PriceLine]:
    return prices_csv.parse("\n".join(lines), "tarif.csv")


def test_an_offer_has_the_rights_of_a_licence_and_an_exact_price() -> None:
    (line,) = read(
        "id;product;quantity;metric;price;channel;virtual_machines;source;valid_from",
        "SQL;microsoft/sql-server/standard@2022;2;core;3 586,10;volume;2;Devis D-7;2026-10-01",
    )

    assert (line.number, line.price, line.currency) == (2, Decimal("3586.10"), "EUR")
    assert (line.source, line.valid_from) == ("Devis D-7", date(2026, 10, 1))
    licence = line.licence
    assert (licence.quantity, licence.metric, licence.channel) == (2, Metric.CORE, Channel.VOLUME)
    assert (licence.virtual_machines, licence.valid_from) == (2, None)


def test_one_licence_is_bought_where_no_quantity_is_said_and_the_file_is_the_source() -> None:
    first, second = read("id,product,price", "A,a/b,1.5", "", "B,a/c,2")

    assert (first.licence.quantity, first.source) == (1, "tarif.csv")
    assert (second.number, second.licence.id) == (4, "B")


def test_a_price_is_good_on_its_days_ends_included() -> None:
    (line,) = read("id,product,price,valid_from,valid_until", "A,a/b,1,2026-01-01,2026-12-31")

    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [line.is_good_on(day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["id,product", "A,a/b"], "line 1: the heading 'price' is missing"),
        (["id,product,price,entity", "A,a/b,1,"], "line 1: an offer has no 'entity'"),
        (["id,product,price,colour", "A,a/b,1,red"], "line 1: unknown heading 'colour'"),
        (["id,product,price", "A,a/b,-1"], "line 2: price '-1' is not an amount"),
        (["id,product,price", "A,a/b,1e3"], "line 2: price '1e3' is not an amount"),
        (["id,product,price", "A,Office,1"], "line 2: product 'Office' is not"),
        (["id,product,price,quantity", "A,a/b,1,0"], "line 2: quantity is 0"),
        (["id,product,price,currency", "A,a/b,1,euro"], "line 2: currency 'EURO'"),
        (["id,product,price,valid_from", "A,a/b,1,soon"], "line 2: valid_from 'soon'"),
        (["id,product,price", "A,a/b,1,2"], "line 2: 4 cells under 3 headings"),
        ([""], "line 1: the heading 'id' is missing"),
    ],
)
def test_a_wrong_price_list_is_refused_naming_the_place(lines: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        read(*lines)

    assert str(error.value).startswith(complaint)


def test_files_of_older_spreadsheets_are_read_and_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prix.csv"
    file.write_bytes("id;product;price;source\nA;a/b;1,00;Été\n".encode("cp1252"))

    assert prices_csv.read(file)[0].source == "Été"
    with pytest.raises(UsageError, match=r"missing\.csv: No such file"):
        prices_csv.read(tmp_path / "missing.csv")
