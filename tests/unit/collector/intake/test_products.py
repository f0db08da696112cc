"""Names on invoices and statements become products where that is certain, and only there."""

import pytest

from quitus_collector.services.intake.products import Products
from tests.builders import an_entitlement, shipped_catalogue

CATALOGUE = shipped_catalogue()
PRODUCTS = Products(CATALOGUE)


@pytest.mark.parametrize(
    ("name", "product", "pack"),
    [
        ("Office LTSC Professional Plus 2021", "microsoft/office/ltsc-professional-plus@2021", 1),
        (
            "Windows Server 2022 Datacenter - 16 Core",
            "microsoft/windows-server/datacenter@2022",
            16,
        ),
        (
            "SQL Server 2022 Standard Core - 2 Core License Pack",
            "microsoft/sql-server/standard@2022",
            2,
        ),
        ("Windows Server Standard Core 2012 R2", "microsoft/windows-server/standard@2012r2", 1),
        ("Windows Server 2022 - 1 User CAL", "microsoft/windows-server-cal/user@2022", 1),
        ("CAL Windows Server 2022 utilisateur", "microsoft/windows-server-cal/user@2022", 1),
        ("Visio Professionnel 2019", "microsoft/visio/professional@2019", 1),
        (
            "Microsoft Office Famille et Petite Entreprise 2019",
            "microsoft/office/home-business@2019",
            1,
        ),
        ("OfficeProPlus 2019 SNGL OLP NL", "microsoft/office/professional-plus@2019", 1),
        ("WinSvrStd 2008R2 SNGL OLP NL", "microsoft/windows-server/standard@2008r2", 1),
        (
            "WinSvrSTDCore 2019 SNGL OLP 2Lic NL CoreLic",
            "microsoft/windows-server/standard@2019",
            2,
        ),
        ("WinSvrCAL 2008 SNGL OLP NL DvcCAL", "microsoft/windows-server-cal/device@2008", 1),
        (
            "PrjctPro 2019 SNGL OLP NL w1PrjctSvrCAL",
            "microsoft/project/professional@2019",
            1,
        ),
        ("Microsoft 365 Apps for enterprise", "microsoft/365-apps/enterprise", 1),
        ("Acrobat Pro 2020", "adobe/acrobat/pro@2020", 1),
        ("AutoCAD 2024", "autodesk/autocad@2024", 1),
        ("WinRAR 6", "rarlab/winrar@6", 1),
        ("microsoft/visio/professional@2019", "microsoft/visio/professional@2019", 1),
    ],
)
def test_whole_names_are_certain(name: str, product: str, pack: int) -> None:
    found = PRODUCTS.find({"product": name})

    assert (found.product, found.pack) == (product, pack)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Office Professional Plus", "microsoft/office/professional-plus@2024"),
        ("Windows Enterprise Upgrade 10", "microsoft/windows/enterprise@10"),
        ("Offce Professional Plus 2019", "microsoft/office/professional-plus@2019"),
        ("OfficeProPlus 2019 SA OLP NL", "microsoft/office/professional-plus@2019"),
        ("WinSvrStd 2012 SNGL OLP NL 2Proc", "microsoft/windows-server/standard@2012"),
        ("Creative Cloud All Apps", None),
        ("Rien du tout", None),
    ],
)
def test_what_is_not_certain_is_only_suggested(name: str, suggestion: str | None) -> None:
    found = PRODUCTS.find({"product": name})

    assert found.product == ""
    assert found.reason
    assert suggestion is None or suggestion in found.suggestions


def test_edition_and_version_may_have_columns_of_their_own() -> None:
    named = {"product": "Visio", "edition": "Professional", "version": "2019"}

    assert PRODUCTS.find(named).product == "microsoft/visio/professional@2019"


def test_the_publisher_must_be_the_products() -> None:
    named = {"product": "Acrobat Pro 2020"}

    assert PRODUCTS.find({**named, "publisher": "Adobe Systems"}).product
    assert not PRODUCTS.find({**named, "publisher": "Autodesk"}).product


def test_a_name_without_a_version_is_a_subscription_where_it_says_so() -> None:
    named = {"product": "Acrobat Pro"}

    assert not PRODUCTS.find(named).product
    assert PRODUCTS.find(named, is_subscription=True).product == "adobe/acrobat/pro"


def test_what_was_decided_once_is_remembered() -> None:
    line = an_entitlement(
        product="adobe/acrobat/pro@2020", part_number="65310997", bought_as="ACRO"
    )
    remembering = Products(CATALOGUE, [line])

    assert remembering.find({"part_number": "65310997"}).product == line.product
    assert remembering.find({"product": "Acro"}).product == line.product
    assert not PRODUCTS.find({"part_number": "65310997"}).product


def test_a_part_number_and_a_name_must_agree() -> None:
    line = an_entitlement(product="adobe/acrobat/pro@2020", part_number="1", bought_as="ACRO")
    remembering = Products(CATALOGUE, [line])

    said = remembering.find({"part_number": "1", "product": "Visio Professional 2019"})

    assert (said.product, str(said.reason)) == (
        "",
        "'Visio Professional 2019' may be several products",
    )
    assert remembering.find({"part_number": "1", "product": "Licence n° 7"}).product


def test_a_part_number_of_two_products_is_of_neither() -> None:
    lines = [
        an_entitlement("A", "adobe/acrobat/pro@2020", part_number="1"),
        an_entitlement("B", "adobe/acrobat/pro@2017", part_number="1"),
    ]

    assert not Products(CATALOGUE, lines).find({"part_number": "1"}).product


def test_a_decision_comes_before_everything() -> None:
    decided = Products(CATALOGUE, (), {"Suite maison": "adobe/acrobat/pro@2020"})

    assert decided.find({"product": "SUITE MAISON"}).product == "adobe/acrobat/pro@2020"
