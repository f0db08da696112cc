from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.domain.company import (
    Company,
    is_naf,
    is_siren,
    is_siret,
    is_vat_number,
    naf_nomenclature,
    vat_number,
)

DELEGATE = Company(
    siren="999000110",
    signatory="Zoé Noël",
    capacity="delegate",
    delegation="DP-2026-03",
    delegation_from="2026-01-01",
    delegation_until="2026-12-31",
    delegation_scope="déclarations de licences",
)


def with_check_digit(digits: str) -> str:
    """Luhn's digit, found by trying: not by the code under test."""
    for last in "0123456789":
        total = 0
        for place, digit in enumerate(reversed(digits + last)):
            value = int(digit) * (2 if place % 2 else 1)
            total += value // 10 + value % 10
        if total % 10 == 0:
            return digits + last
    raise AssertionError


SIRENS = st.from_regex(r"[0-9]{8}", fullmatch=True).map(with_check_digit)


@pytest.mark.parametrize("siren", ["552100554", "356000000", "999000110"])
def test_a_siren_passes_luhns_check(siren: str) -> None:
    assert is_siren(siren)


@pytest.mark.parametrize(
    "siren", ["", "552100555", "55210055", "5521005540", "55210055a", "٥٥٢١٠٠٥٥٤"]
)
def test_what_is_not_a_siren(siren: str) -> None:
    assert not is_siren(siren)


@given(SIRENS, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_seen(siren: str, place: int, by: int) -> None:
    wrong = str((int(siren[place]) + by) % 10)

    assert is_siren(siren)
    assert not is_siren(siren[:place] + wrong + siren[place + 1 :])


@given(SIRENS.filter(lambda each: each != "356000000"), st.from_regex(r"[0-9]{4}", fullmatch=True))
def test_a_siret_is_a_siren_and_an_establishment_with_a_check_digit(siren: str, nic: str) -> None:
    siret = with_check_digit(siren + nic)

    assert is_siret(siret)
    assert not is_siret(siret[:-1] + str((int(siret[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("siret", "is_one"),
    [
        ("35600000000048", True),  # the seat: Luhn
        ("35600000049837", True),  # digits' sum 45
        ("35600000049838", False),
        ("35600000000001", True),  # 3 + 5 + 6 + 1 = 15
        ("3560000000004", False),
    ],
)
def test_la_poste_has_a_rule_of_its_own(siret: str, is_one: bool) -> None:
    assert is_siret(siret) is is_one


def test_no_other_company_has_la_postes_rule() -> None:
    siret = "99900011000006"

    assert sum(map(int, siret)) % 5 == 0
    assert not is_siret(siret)


def test_a_vat_number_follows_from_the_siren() -> None:
    assert vat_number("732829320") == "FR44732829320"
    assert is_vat_number("FR44732829320")
    assert not is_vat_number("FR45732829320")


@given(SIRENS)
def test_every_siren_has_one_vat_number(siren: str) -> None:
    made = vat_number(siren)

    assert len(made) == 13
    assert [k for k in range(100) if is_vat_number(f"FR{k:02}{siren}")] == [int(made[2:4])]


@pytest.mark.parametrize(
    ("code", "is_one"), [("62.02A", True), ("6202A", False), ("62.02", False), ("62.02a", False)]
)
def test_an_activity_has_four_digits_and_a_letter(code: str, is_one: bool) -> None:
    assert is_naf(code) is is_one


def test_the_nomenclature_changes_with_2027() -> None:
    assert naf_nomenclature(date(2026, 12, 31)) == "NAF rév. 2"
    assert naf_nomenclature(date(2027, 1, 1)) == "NAF 2025"


def test_a_company_tells_what_is_still_to_be_filled_in() -> None:
    company = Company(name="Mercure", siren="999000110")

    assert company.missing() == ("legal_form", "address", "signatory", "function", "place")


def test_what_does_not_go_together_is_said() -> None:
    assert (
        "is not of the SIREN" in Company(siren="999000110", siret="35600000000048").contradiction()
    )
    assert "VAT number" in Company(siren="999000110", vat_number="FR44732829320").contradiction()
    assert "ends before" in replace(DELEGATE, delegation_until="2025-01-01").contradiction()
    assert DELEGATE.contradiction() == ""


def test_a_delegate_needs_a_delegation_that_is_in_force() -> None:
    assert DELEGATE.no_authority(date(2026, 6, 1)) == ""
    assert "not in force on 2027-01-01" in DELEGATE.no_authority(date(2027, 1, 1))
    assert "not in force on 2025-12-31" in DELEGATE.no_authority(date(2025, 12, 31))
    assert "none is stated" in replace(DELEGATE, delegation="").no_authority(date(2026, 6, 1))
    assert "none is stated" in replace(DELEGATE, delegation_scope="").no_authority(date(2026, 6, 1))
    assert Company(capacity="representative").no_authority(date(2026, 6, 1)) == ""
