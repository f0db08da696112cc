import pytest

from quitus_collector.domain.company import Company, is_siren


@pytest.mark.parametrize("siren", ["552100554", "356000000", "999000110"])
def test_a_siren_passes_luhns_check(siren: str) -> None:
    assert is_siren(siren)


@pytest.mark.parametrize(
    "siren", ["", "552100555", "55210055", "5521005540", "55210055a", "٥٥٢١٠٠٥٥٤"]
)
def test_what_is_not_a_siren(siren: str) -> None:
    assert not is_siren(siren)


def test_a_company_tells_what_is_still_to_be_filled_in() -> None:
    company = Company(name="Mercure", siren="999000110")

    assert company.missing() == ("legal_form", "address", "signatory", "function", "place")
