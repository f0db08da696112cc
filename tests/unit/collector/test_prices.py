from datetime import date
from decimal import Decimal

import pytest

from quitus_collector.adapters.pools import delimited
from quitus_collector.domain.entitlement import Channel, Metric
from quitus_collector.domain.price import Price
from quitus_collector.services.intake.headings import PRICES
from quitus_collector.services.pools import Refused, as_problem
from quitus_collector.services.prices import amount, price_lines
from tests.builders import an_entitlement
from tests.unit.collector.test_pools import CATALOGUE


def read(*lines: str) -> list[Price]:
    reading = delimited.parse("\n".join(lines), PRICES)
    owned = [an_entitlement("OWN-1", "microsoft/office/standard@2019")]
    return price_lines(CATALOGUE, owned, reading, "tarif.csv")


def test_an_offer_has_the_rights_of_a_licence_and_an_exact_price() -> None:
    (line,) = read(
        "Référence;Produit;Quantité;Métrique;Prix HT;Canal;Machines virtuelles;Devis;Du",
        "SQL;microsoft/sql-server/standard@2022;2;cœur;3 586,10 €;volume;2;D-7;01/10/2026",
    )

    assert (line.amount, line.currency) == (Decimal("3586.10"), "EUR")
    assert (line.source, line.valid_from) == ("D-7", date(2026, 10, 1))
    licence = line.licence
    assert (licence.quantity, licence.metric, licence.channel) == (2, Metric.CORE, Channel.VOLUME)
    assert (licence.virtual_machines, licence.valid_from) == (2, None)


def test_one_licence_is_bought_where_no_quantity_is_said_and_the_file_is_the_source() -> None:
    first, second = read(
        "id,product,price", "A,microsoft/office/standard@2019,1.5", "", "B,WinRAR 6,2"
    )

    assert (first.licence.quantity, first.source) == (1, "tarif.csv")
    assert (second.licence.id, second.amount) == ("B", Decimal(2))


def test_a_price_is_good_on_its_days_ends_included() -> None:
    (line,) = read(
        "id,product,price,valid_from,valid_until",
        "A,microsoft/office/standard@2019,1,2026-01-01,2026-12-31",
    )

    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [line.is_good_on(day) for day in days] == [False, True, True, False]


OFFICE = "microsoft/office/standard@2019"


@pytest.mark.parametrize(
    ("lines", "complaints"),
    [
        (["id,product", f"A,{OFFICE}"], ["line 1: no heading tells the price"]),
        ([""], ["line 1: there is nothing in it"]),
        (["id,product,price", f"A,{OFFICE},-1"], ["line 2: '-1' is not an amount"]),
        (["id,product,price", f"A,{OFFICE},1e3"], ["line 2: '1e3' is not an amount"]),
        (["id,product,price", f"A,{OFFICE},"], ["line 2: is empty"]),
        (["id;product;price", f"A;{OFFICE};1,234"], ["line 2: '1,234' may be two numbers"]),
        (["id,product,price", "A,Bureau,1"], ["line 2: 'Bureau' is no product"]),
        (["id,product,price,quantity", f"A,{OFFICE},1,0"], ["line 2: is 0: it is how many"]),
        (["id,product,price,currency", f"A,{OFFICE},1,euro"], ["line 2: 'euro' is not a code"]),
        (["id,product,price,valid_from", f"A,{OFFICE},1,soon"], ["line 2: 'soon' is not a date"]),
        (["id,product,price", f"A,{OFFICE},1,2"], ["line 2: '2' stands under no heading"]),
        (["id,product,price", f"OWN-1,{OFFICE},1"], ["line 2: 'OWN-1' is owned already"]),
        (
            [
                "id,product,price,currency",
                f"A,{OFFICE},x,EUR",
                f"B,{OFFICE},1,",
                f"C,{OFFICE},1,USD",
            ],
            ["line 2: 'x' is not an amount", "line 4: USD cannot be compared with EUR"],
        ),
    ],
)
def test_a_wrong_price_list_is_refused_with_every_complaint(
    lines: list[str], complaints: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        read(*lines)

    found = [as_problem(each) for each in refused.value.preview.complaints]
    told = [f"{each.where}: {each.what}" for each in found]
    assert len(told) == len(complaints)
    assert all(map(str.startswith, told, complaints))


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("0,125", "0.125"),
        (99.9, "99.9"),
        (1.125, "1.125"),
        (12, "12"),
        ("12\u202f000 €", "12000"),
    ],
)
def test_amounts_are_exact_however_they_are_written(written: str | float, price: str) -> None:
    assert amount(written) == Decimal(price)
