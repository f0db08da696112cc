"""A declaration that is kept comes back whole."""

from dataclasses import replace
from datetime import date

import pytest

from quitus_collector.adapters import kept_declarations
from quitus_collector.adapters.attachments import attachments
from quitus_collector.domain.declaration import (
    Approval,
    Exclusion,
    Override,
    OwnRule,
    Reach,
    Remedy,
    SealPlan,
)
from quitus_collector.domain.position import Unknown
from quitus_collector.errors import StoreError
from tests.builders import NOON, OFFICE_2016, an_entitlement
from tests.makers.declarations import a_whole_declaration


def test_a_kept_declaration_comes_back_whole() -> None:
    declaration, _ = a_whole_declaration(
        reference="lettre du 2 novembre",
        reach=(Reach("999000110", 8, 8, 0, 0, expected=9),),
        exclusions=(Exclusion("quarantined", 1),),
        reservations=("Brest",),
        overrides=(Override("couverture", "Brest", "Zoé Noël", NOON),),
        remediation=(Remedy(OFFICE_2016, "acheter", 1, date(2027, 1, 31)),),
        approvals=(Approval("Zoé Noël", "DSI", NOON),),
        own_rules=(OwnRule("a/b", "commercial", ("b .*",)),),
        seal=SealPlan("Mercure", "tsa.example"),
        entitlements=(an_entitlement("E-1", bound_to="pc-7", valid_until=date(2027, 1, 1)),),
    )
    position = replace(declaration.position, unknown=(Unknown("Pointage", "", 3),))
    declaration = replace(declaration, position=position)

    again = kept_declarations.load(kept_declarations.dump(declaration))

    assert again == declaration
    assert attachments(again) == attachments(declaration)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_what_is_no_declaration_is_damage(content: bytes) -> None:
    with pytest.raises(StoreError, match="a kept declaration is damaged"):
        kept_declarations.load(content)
