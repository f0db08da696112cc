"""Licence lists in every form that the collector reads, as their makers lay them out."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from openpyxl import Workbook

Rows = Iterable[Sequence[object]]

# Flexera's and ServiceNow's handbooks on the import of statements tell the English headings, the
# row that they stand on and the place of the date; the French ones are translated.
STATEMENT_HEADINGS = {
    "en": (
        "Product Pool",
        "License Product Family",
        "License Version",
        "Effective License Quantity",
        "Upgrade License Quantity",
        "Upgrade License Quantity (w/ Maintenance)",
        "Active SA Quantity",
        "Country of Usage",
        "Expiring SA 0 - 12 Months",
        "Expiring SA 12 - 24 Months",
        "Expiring SA > 24 Months",
    ),
    "fr": (
        "Pool de produits",
        "Famille de produits de licence",
        "Version de licence",
        "Quantité effective de licences",
        "Quantité de licences de mise à niveau",
        "Quantité de licences de mise à niveau (avec maintenance)",
        "Quantité SA active",
        "Pays d'utilisation",
        "SA expirant 0 - 12 mois",
        "SA expirant 12 - 24 mois",
        "SA expirant > 24 mois",
    ),
}
ALL_COUNTRIES = {"en": "All Countries", "fr": "Tous les pays"}
STATEMENT_SHEETS = {
    "en": ("Organization Summary", "License Summary", "Transaction Summary", "License Agreements"),
    "fr": ("Résumé de l'organisation", "Résumé des licences", "Résumé des transactions"),
}
PIVOT = {"en": "Pivot Data", "fr": "Données croisées"}
STATEMENT_ROWS = (
    ("Applications", "Office Professional Plus", "2019", 120, 0, 0, 0),
    ("Applications", "Visio Professional", "2016", 15, 0, 0, 0),
    ("Servers", "SQL Server Standard Core", "2019", 16, 0, 0, 16),
    ("Servers", "Windows Server User CAL", "2022", 200, 0, 0, 0),
    ("Systems", "Windows Enterprise", "10", 0, 80, 0, 0),
)


def workbook(sheets: Mapping[str, Rows]) -> bytes:
    """A workbook with these sheets."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def statement(language: str, rows: Rows = STATEMENT_ROWS) -> bytes:
    """A Microsoft Licence Statement: its table has headings on row 10 and the date in K3."""
    table: list[Sequence[object]] = [()] * 9
    table[0] = ("Microsoft License Statement",)
    table[2] = (None,) * 10 + (date(2026, 9, 30),)
    table.append(STATEMENT_HEADINGS[language])
    for row in rows:
        table.append((*row, ALL_COUNTRIES[language], 0, 0, 0))
        table.append((*row, "France", 0, 0, 0))
    sheets: dict[str, Rows] = {
        name: [(name,), ("Mercure SAS",)] for name in STATEMENT_SHEETS[language]
    }
    return workbook({**sheets, PIVOT[language]: table})


def cyclonedx(*components: Mapping[str, object]) -> bytes:
    """A bill of materials of these components."""
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    return json.dumps(document).encode()


def a_component(
    name: str, version: str, licensing: Mapping[str, object], **properties: str
) -> dict[str, object]:
    """A component with one licence, which has these properties."""
    licence = {
        "name": "Commercial",
        "licensing": licensing,
        "properties": [{"name": f"quitus:{key}", "value": v} for key, v in properties.items()],
    }
    component = {"type": "application", "name": name, "version": version}
    return component | {"licenses": [{"license": licence}]}


ENTITLEMENTS = b"""<?xml version="1.0" encoding="UTF-8"?>
<EntitlementLibrary xmlns="http://standards.iso.org/iso/19770/-3/2016/schema.xsd">
  <Entitlement entitlementId="ENT-1" creator="Contoso">
    <Product name="Visio Professional" version="2019" manufacturer="Microsoft"/>
    <Quantity>25</Quantity>
    <Metric name="device"/>
    <StartDate>2020-01-01</StartDate>
    <PurchaseOrder>PO-77</PurchaseOrder>
  </Entitlement>
  <Entitlement entitlementId="ENT-2">
    <Product name="Acrobat Pro" version="2020" manufacturer="Adobe"/>
    <Quantity>4</Quantity>
    <Metric name="utilisateur"/>
    <EndDate>2027-06-30</EndDate>
  </Entitlement>
</EntitlementLibrary>
"""
