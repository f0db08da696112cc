"""The price list as it is kept, and what the gaps come to by it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from quitus_collector.adapters.pools import delimited
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.holding import Act, Happening
from quitus_collector.domain.position import LineState, PositionLine
from quitus_collector.domain.price import Costs, costs, in_force
from quitus_collector.services import prices
from quitus_collector.services.intake.headings import PRICES
from quitus_collector.services.pools import Refused
from quitus_collector.services.prices import PricePreview
from tests.builders import shipped_catalogue
from tests.contract.office import Office

CATALOGUE = shipped_catalogue()
OFFICE, VISIO = "microsoft/office/standard@2019", "microsoft/visio/professional@2019"
ANNE = Act("operator anne", "devis de mars")


def take(office: Office, *lines: str, without_unmatched: bool = False) -> PricePreview:
    return prices.take_in(
        office.store,
        CATALOGUE,
        office.clock,
        delimited.parse("\n".join(lines), PRICES),
        ANNE,
        source="tarif.csv",
        without_unmatched=without_unmatched,
    )


def test_a_line_takes_the_place_of_its_own_and_what_it_said_stays(office: Office) -> None:
    take(office, "id;produit;prix;devis", f"A;{OFFICE};350,50;D-1", f"B;{VISIO};600;")
    office.after(1)
    again = take(office, "id;produit;prix;devis", f"A;{OFFICE};400;D-2")

    assert (again.added, again.changed) == (0, 1)
    listed = prices.listed(office.store)
    assert [(each.licence.id, each.amount, each.source) for each in listed] == [
        ("A", Decimal(400), "D-2"),
        ("B", Decimal(600), "tarif.csv"),
    ]
    first, second = prices.history(office.store, "A")
    assert (first.kind, first.act, second.kind) == (Happening.ADDED, ANNE, Happening.CHANGED)
    assert [each.name for each in second.differences] == ["price", "source"]


def test_what_is_taken_off_stays_in_the_history_with_who_and_why(office: Office) -> None:
    take(office, "id;produit;prix", f"A;{OFFICE};350")
    office.after(1)
    prices.remove_price(office.store, office.clock, "A", ANNE)

    assert prices.listed(office.store) == []
    assert prices.history(office.store)[-1].kind is Happening.REMOVED


def test_an_offer_that_changed_after_it_was_looked_at_is_not_removed(office: Office) -> None:
    take(office, "id;produit;prix;du", f"A;{OFFICE};350;", f"A;{OFFICE};370;01/01/2030")
    seen = prices.fingerprint(prices.listed(office.store))
    take(office, "id;produit;prix;du", f"A;{OFFICE};380;01/01/2030")

    with pytest.raises(prices.Overtaken):
        prices.remove_price(office.store, office.clock, "A", ANNE, seen=seen)

    again = prices.fingerprint(prices.listed(office.store))
    prices.remove_price(office.store, office.clock, "A", ANNE, [None], seen=again)
    assert [each.amount for each in prices.listed(office.store)] == [Decimal(380)]


def test_a_price_to_come_leaves_that_of_today(office: Office) -> None:
    take(office, "référence;produit;prix;du", f"A;{OFFICE};350;", f"A;{OFFICE};370;01/01/2030")
    listed = prices.listed(office.store)

    assert [in_force(listed, day)[0].amount for day in (date(2029, 12, 31), date(2030, 1, 1))] == [
        Decimal(350),
        Decimal(370),
    ]
    assert take(office, "référence;produit;prix;du", f"A;{OFFICE};350;").unchanged == 1


def test_a_list_without_ids_is_known_again(office: Office) -> None:
    take(office, "produit;prix", f"{OFFICE};350")

    assert take(office, "produit;prix", f"{OFFICE};360").changed == 1


def test_a_wrong_list_changes_nothing_and_an_uncertain_line_can_be_left_out(office: Office) -> None:
    lines = ("id;produit;prix", f"A;{OFFICE};350", "B;Bureau;1")
    with pytest.raises(Refused):
        take(office, *lines)

    with pytest.raises(Refused, match="cher"):
        take(office, "id;produit;prix", f"A;{OFFICE};350", f"B;{VISIO};cher")

    assert prices.listed(office.store) == []
    assert take(office, *lines, without_unmatched=True).added == 1


GAP = PositionLine(OFFICE, "Office", Metric.DEVICE, 5, 0, 0, (), 5, LineState.GAP, to_buy=5)


def cost(office: Office, *lines: PositionLine) -> Costs:
    return costs(lines, prices.listed(office.store), CATALOGUE, date(2026, 11, 1))


def test_a_gap_costs_its_cheapest_offer_in_whole_packs(office: Office) -> None:
    take(office, "id;produit;prix;quantité", f"A;{OFFICE};350;1", f"B;{OFFICE};600;2")

    assert cost(office, GAP).totals == {"EUR": Decimal(1750)}


def test_what_has_no_price_is_unknown_and_counts_nowhere(office: Office) -> None:
    take(office, "id;produit;prix", f"A;{OFFICE};350")
    other = replace(GAP, product=VISIO)
    found = cost(office, GAP, other)

    assert found.totals == {"EUR": Decimal(1750)}
    assert found.unknown == {VISIO}


def test_currencies_are_never_added_up(office: Office) -> None:
    take(office, "id;produit;prix;devise", f"A;{OFFICE};350;EUR", f"B;{VISIO};100;USD")
    found = cost(office, GAP, replace(GAP, product=VISIO))

    assert list(found.totals.items()) == [("EUR", Decimal(1750)), ("USD", Decimal(500))]


def test_a_later_version_closes_a_gap_where_its_licence_may_be_used_for_earlier_ones(
    office: Office,
) -> None:
    later = "microsoft/office/standard@2021"
    take(office, "id;produit;prix;version antérieure", f"A;{later};300;non", f"B;{later};400;oui")

    assert cost(office, GAP).lines[OFFICE].offer.licence.id == "B"
