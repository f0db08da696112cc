"""The effective licence position as a workbook (XLSX, through openpyxl) and as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from quitus_collector.adapters.sheets.csv_text import plain
from quitus_collector.domain.contested import Reading
from quitus_collector.domain.entitlement import Channel
from quitus_collector.services import perimeter_wording, wording
from quitus_collector.services.licence_sheet import LicenceSheet, OwnedLine, SheetRow, Source
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_

Value = str | int | date | None
# A page in writing: openpyxl gives its types for half of what it has.
Page = Any
HEADER = PatternFill("solid", fgColor="1F3864")
GAP = PatternFill("solid", fgColor="FCE4D6")
NUMBER, SIGNED, DAY = "#,##0", "+#,##0;[Red]-#,##0;0", "yyyy-mm-dd"
LONGEST_CELL = 32_767


class Column(NamedTuple):
    """A column of the sheet: heading, width in characters, number format, what stands in it."""

    heading: str
    width: int
    number: str
    value: Callable[[SheetRow, Messages], Value]


def _channel(channel: Channel) -> Callable[[SheetRow, Messages], Value]:
    return lambda row, _: row.by_channel.get(channel, 0)


# The order is that of the sheets that publishers and licence managers exchange.
COLUMNS = (
    Column(N_("Publisher"), 18, "", lambda row, _: row.publisher),
    Column(N_("Product family"), 40, "", lambda row, _: row.family),
    Column(N_("Version"), 10, "", lambda row, _: row.version),
    Column(N_("Metric"), 14, "", lambda row, m: wording.metric_name(row.line, m)),
    Column(N_("Volume licences"), 12, NUMBER, _channel(Channel.VOLUME)),
    Column(N_("Full packages"), 12, NUMBER, _channel(Channel.FULL_PACKAGE)),
    Column(N_("OEM licences"), 12, NUMBER, _channel(Channel.OEM)),
    Column(N_("Subscriptions"), 12, NUMBER, _channel(Channel.SUBSCRIPTION)),
    Column(N_("Used licences"), 12, NUMBER, _channel(Channel.USED)),
    Column(N_("Purchase not stated"), 12, NUMBER, _channel(Channel.UNSTATED)),
    Column(N_("Preliminary entitlement"), 14, NUMBER, lambda row, _: row.line.entitled),
    Column(N_("Found by the tool (devices)"), 14, NUMBER, lambda row, _: row.line.installed),
    Column(N_("Found by hand"), 12, NUMBER, lambda row, _: None),
    Column(N_("Deployment (licences)"), 14, NUMBER, lambda row, _: row.line.demanded),
    Column(N_("Allocation (upgrades, downgrades)"), 16, SIGNED, lambda row, _: row.line.allocation),
    Column(N_("Delta"), 10, SIGNED, lambda row, _: row.line.delta),
    Column(N_("State"), 16, "", lambda row, m: wording.state_name(row.line.state, m)),
    Column(N_("Comments"), 80, "", lambda row, m: wording.why(row.line, m)),
)
# The fields of the CSV, which programs read: those of the JSON, then the columns of the sheet.
CSV_FIELDS = (
    "product",
    "label",
    "metric",
    "installed",
    "entitled",
    "consumed",
    "available",
    "missing",
    "state",
    "reason",
)
READINGS = {
    Reading.STRICT: N_("All disputed rules, read as the publisher reads them."),
    Reading.LENIENT: N_("All disputed rules, read in the customer’s favour."),
}
KINDS = {"terms": N_("counting rule"), "release": N_("release dates")}


def xlsx(sheet: LicenceSheet, messages: Messages) -> bytes:
    """The workbook: position, reasons and sources, licences, perimeter; headings in its language.

    Every text is written as text: none can become a formula, whatever devices call their software.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "Quitus"
    book.properties.title = messages.text(
        "Effective licence position on {moment}", moment=messages.moment(sheet.position.as_of)
    )
    text = messages.text
    fill(
        book.create_sheet(text("Licence position")),
        [(text(each.heading), each.width, each.number) for each in COLUMNS],
        [[each.value(row, messages) for each in COLUMNS] for row in sheet.rows],
        frozen="D2",
        marked=[bool(row.line.missing) for row in sheet.rows],
    )
    fill(
        book.create_sheet(text("Reasons and sources")),
        [
            (text("Product"), 45, ""),
            (text("What"), 20, ""),
            (text("Rule or reason"), 70, ""),
            (text("Valid from"), 14, DAY),
            (text("Valid until"), 14, DAY),
            (text("Source"), 70, ""),
        ],
        [*_reasons(sheet.rows, messages), *_sources(sheet.sources, messages)],
    )
    fill(
        book.create_sheet(text("Licences")),
        [
            (text("Entitlement"), 20, ""),
            (text("Product"), 45, ""),
            (text("Bought as"), 18, ""),
            (text("Quantity"), 12, NUMBER),
            (text("Metric"), 14, ""),
            (text("Installs covered"), 12, NUMBER),
            (text("Company"), 14, ""),
            (text("Valid from"), 14, DAY),
            (text("Valid until"), 14, DAY),
            (text("In force"), 10, ""),
            (text("Proof"), 50, ""),
        ],
        [_licence(each, messages) for each in sheet.owned],
    )
    fill(
        book.create_sheet(text("Perimeter")),
        [(text("What"), 45, ""), (text("Value"), 80, NUMBER)],
        _perimeter(sheet, messages),
    )
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def csv_text(sheet: LicenceSheet, messages: Messages) -> str:
    """One row a line, for programs: names of fields in English, numbers plain.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    channels = tuple(Channel)
    names = ("family", "version", *channels, "to_buy", "deployment", "allocation", "delta")
    writer.writerow([*CSV_FIELDS, "why", *names])
    for row in sheet.rows:
        line = row.line
        document = line.document()
        values: list[object] = [document[name] for name in CSV_FIELDS]
        values += [wording.why(line, messages), row.family, row.version]
        values += [row.by_channel.get(channel, 0) for channel in channels]
        values += [line.to_buy, line.demanded, line.allocation, line.delta]
        writer.writerow([plain(each) for each in values])
    return written.getvalue()


def _reasons(rows: Iterable[SheetRow], messages: Messages) -> Iterable[list[Value]]:
    for row in rows:
        reason = wording.why(row.line, messages)
        yield [row.line.label, messages.text("reason"), reason, None, None, None]


def _sources(sources: Iterable[Source], messages: Messages) -> Iterable[list[Value]]:
    metrics = {metric.value: name for metric, name in wording.METRICS.items()}
    for each in sources:
        name = messages.text(metrics[each.rule]) if each.rule else ""
        rule = messages.text("by {metric}", metric=name) if name else ""
        kind = messages.text(KINDS[each.kind])
        yield [each.label, kind, rule, each.valid_from, each.valid_until, each.source]


def _licence(owned: OwnedLine, messages: Messages) -> list[Value]:
    each = owned.entitlement
    return [
        each.id,
        owned.label,
        messages.text(wording.CHANNELS[each.channel]),
        each.quantity,
        messages.text(wording.METRICS[each.metric]),
        owned.installs,
        wording.siren(each.entity) if each.entity else None,
        each.valid_from,
        each.valid_until,
        messages.text("yes") if owned.is_in_force else messages.text("no"),
        each.proof or None,
    ]


def _perimeter(sheet: LicenceSheet, messages: Messages) -> Iterable[list[Value]]:
    text, perimeter = messages.text, sheet.position.perimeter
    yield [text("Date of the position"), messages.moment(sheet.position.as_of)]
    if sheet.reading:
        yield [text("How to read it"), text(READINGS[sheet.reading])]
    yield [
        text("Legal entities of the devices (SIREN)"),
        ", ".join(map(wording.siren, perimeter.entities)) or text("not stated"),
    ]
    yield [text("Devices enrolled"), perimeter.enrolled]
    yield [text("Devices that reported in the last 30 days"), perimeter.reporting]
    yield [text("Devices silent for longer"), perimeter.stale]
    yield [text("Of these, read in part only"), perimeter.with_failed_sources]
    for note in perimeter_wording.notes(perimeter, messages):
        yield [text("To be known"), note]
    if sheet.position.unknown:
        note = wording.unknown_summary(len(sheet.position.unknown), messages)
        yield [text("To be known"), note]
    yield [
        text("How to read it"),
        text(
            "preliminary entitlement + allocation, less deployment, makes delta; what is"
            " undetermined is left empty"
        ),
    ]
    digest = text("Catalogue of products: SHA-256 {digest}", digest=sheet.position.catalogue_digest)
    yield [text("Rules"), digest]


def fill(
    page: Page,
    columns: Sequence[tuple[str, int, str]],
    rows: Iterable[Sequence[Value]],
    *,
    frozen: str = "A2",
    marked: Sequence[bool] = (),
) -> None:
    """Writes a page: its heading stays in sight and filters, its columns have their widths."""
    page.freeze_panes = frozen
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.print_title_rows = "1:1"
    for number, (_, width, _) in enumerate(columns, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    page.append([_heading(page, heading) for heading, _, _ in columns])
    count = 1
    for row in rows:
        is_marked = bool(marked) and marked[count - 1]
        page.append(
            [
                _cell(page, value, number, is_marked=is_marked)
                for value, (_, _, number) in zip(row, columns, strict=True)
            ]
        )
        count += 1
    page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"


def _heading(page: Page, text: str) -> Cell:
    cell = _cell(page, text, "", is_marked=False)
    cell.font, cell.fill = Font(bold=True, color="FFFFFF"), HEADER
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell


def _cell(page: Page, value: Value, number: str, *, is_marked: bool) -> Cell:
    if isinstance(value, str):
        cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub(" ", value)[:LONGEST_CELL])
        # Else a text that begins with "=" would be a formula.
        cell.data_type = "s"
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    else:
        cell = WriteOnlyCell(page)
        cell.value = value
        cell.alignment = Alignment(vertical="top")
        if number and value is not None:
            cell.number_format = number
    if is_marked:
        cell.fill = GAP
    return cell
