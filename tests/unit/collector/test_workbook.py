"""The position as a workbook and as CSV."""

import csv
import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import openpyxl
from openpyxl.workbook import Workbook

from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.sheets import workbook
from quitus_collector.domain.entitlement import Channel, Metric, Right
from quitus_collector.domain.position import (
    Coverage,
    LineState,
    Perimeter,
    Position,
    PositionLine,
    Undetermined,
)
from quitus_collector.services.licence_sheet import LicenceSheet, OwnedLine, SheetRow, Source
from tests.builders import OFFICE_2019, an_entitlement

FRENCH = Messages("fr", ZoneInfo("Europe/Paris"))


def a_line(**fields: object) -> PositionLine:
    values: dict[str, object] = {
        "product": OFFICE_2019,
        "label": "Office 2019",
        "metric": Metric.DEVICE,
        "installed": 12,
        "entitled": 10,
        "consumed": 9,
        "covered": (Coverage("E-1", Right.DIRECT, 9), Coverage("E-2", Right.SUITE, 1)),
        "missing": 2,
        "state": LineState.GAP,
        "to_buy": 2,
        "demanded": 12,
    }
    return PositionLine(**(values | fields))  # type: ignore[arg-type]


def a_sheet(*lines: PositionLine, family: str = "Office", proof: str = "") -> LicenceSheet:
    perimeter = Perimeter(("999000110",), 12, 12, 0, 30, 0, None, ())
    position = Position(datetime(2026, 11, 23, 12, tzinfo=UTC), "abc", perimeter, lines, ())
    rows = tuple(
        SheetRow("Éditeur", family, "2019", {Channel.VOLUME: 7, Channel.OEM: 3}, line)
        for line in lines
    )
    source = Source("Office 2019", "terms", "device", date(2019, 1, 1), None, "Product Terms")
    owned = OwnedLine(an_entitlement("E-1", proof=proof), "Office 2019", True, 9)
    return LicenceSheet(position, rows, (source,), (owned,))


def opened(sheet: LicenceSheet) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook.xlsx(sheet, FRENCH)))


def columns(sheet: LicenceSheet) -> dict[str, object]:
    """The first row of the position by its headings."""
    heading, row = opened(sheet).worksheets[0].iter_rows(min_row=1, max_row=2, values_only=True)
    return dict(zip(map(str, heading), row, strict=True))


def test_the_columns_are_those_of_an_effective_licence_position_in_french() -> None:
    found = columns(a_sheet(a_line()))

    assert found["Éditeur"] == "Éditeur"
    assert (found["Licences en volume"], found["Licences OEM"], found["Produits complets"]) == (
        7,
        3,
        0,
    )
    assert (found["Droits préliminaires"], found["Trouvés par l’outil (postes)"]) == (10, 12)
    assert found["Trouvés à la main"] is None
    assert found["État"] == "écart"


def test_entitlement_and_allocation_less_deployment_make_the_delta() -> None:
    borrowed = columns(a_sheet(a_line(entitled=3, consumed=3, missing=2, to_buy=2, demanded=12)))
    spare = columns(a_sheet(a_line(entitled=20, consumed=14, missing=0, to_buy=0, demanded=12)))

    for found, allocation, delta in ((borrowed, 7, -2), (spare, -2, 6)):
        assert found["Affectation (mises à niveau, versions antérieures)"] == allocation
        assert found["Écart"] == delta
        entitled, deployed = found["Droits préliminaires"], found["Déploiement (licences)"]
        assert isinstance(entitled, int)
        assert isinstance(deployed, int)
        assert entitled + allocation - deployed == delta


def test_what_is_undetermined_is_left_empty_and_says_why() -> None:
    line = a_line(
        consumed=None,
        missing=None,
        to_buy=None,
        demanded=None,
        covered=(),
        state=LineState.UNDETERMINED,
        reason=Undetermined.METRIC,
    )

    found = columns(a_sheet(line))

    assert (found["Écart"], found["Déploiement (licences)"]) == (None, None)
    assert str(found["Commentaires"]).startswith("non calculé")


def test_no_text_becomes_a_formula_and_none_breaks_the_file() -> None:
    sheet = a_sheet(a_line(label="+1"), family="=1+1", proof="=cmd|'/c calc'!A1\x07")

    book = opened(sheet)

    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert columns(sheet)["Famille de produits"] == "=1+1"
    assert "=cmd|'/c calc'!A1 " in [cell.value for cell in cells]


def test_headings_stay_in_sight_and_numbers_are_numbers() -> None:
    page = opened(a_sheet(a_line())).worksheets[0]

    assert (page.freeze_panes, page.auto_filter.ref) == ("D2", "A1:R2")
    assert page.column_dimensions["B"].width == 40
    assert page["K2"].number_format == "#,##0"
    assert page["P2"].number_format.startswith("+#,##0;[Red]-")


def test_sources_licences_and_perimeter_have_pages_of_their_own() -> None:
    book = opened(a_sheet(a_line(), proof="Facture F-1"))

    assert book.sheetnames == [
        "Position de licences",
        "Motifs et sources",
        "Licences",
        "Périmètre",
    ]
    text = [str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row]
    for wanted in ("Product Terms", "Facture F-1", "999 000 110", "2019-01-01 00:00:00"):
        assert wanted in text


def test_the_csv_has_plain_figures_and_no_formulas() -> None:
    written = workbook.csv_text(a_sheet(a_line(), family="=1+1"), FRENCH)

    (row,) = csv.DictReader(io.StringIO(written))
    assert (row["product"], row["missing"], row["delta"], row["volume"]) == (
        OFFICE_2019,
        "2",
        "-2",
        "7",
    )
    assert row["family"] == "'=1+1"
