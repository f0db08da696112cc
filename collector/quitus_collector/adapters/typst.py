"""The declaration as PDF, typeset by Typst: PDF/A, tagged, its fonts its own, no network."""

import json
import re
from pathlib import Path

import typst

from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.position import LineState, PositionLine
from quitus_collector.errors import RenderError
from quitus_collector.services import wording
from quitus_collector.services.ports import Messages

TEMPLATE = Path(__file__).parents[1] / "templates" / "declaration.typ"
_UNDISPLAYABLE = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
MAX_UNDISPLAYABLE = 200
BOX = "□"
COLOURS = {
    LineState.COMPLIANT: "#22643c",
    LineState.GAP: "#9b2c2c",
    LineState.UNDETERMINED: "#8a5a00",
}


def render(declaration: Declaration, messages: Messages) -> bytes:
    """The PDF's bytes, the same for the same declaration; raises RenderError.

    A character that the fonts lack would make the document refuse to be an archive; it is shown as
    a box, as a reader would show it.
    """
    content = json.dumps(_content(declaration, messages), ensure_ascii=False)
    for _ in range(MAX_UNDISPLAYABLE):
        try:
            return _compile(content, declaration)
        except typst.TypstError as error:
            missing = _UNDISPLAYABLE.search(error.message)
            if not missing:
                raise RenderError(
                    f"the declaration could not be typeset: {error.message}"
                ) from error
            for character in set(missing[1]):
                content = content.replace(character, BOX)
    raise RenderError("the declaration has too many characters that no font shows")


def _compile(content: str, declaration: Declaration) -> bytes:
    pdf = typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"content": content},
        ignore_system_fonts=True,
        pdf_standards=["a-3a", "ua-1"],
        timestamp=declaration.drafted_at.replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise RenderError("the declaration could not be typeset: no document came out")
    return pdf


def _content(declaration: Declaration, messages: Messages) -> dict[str, object]:
    text = messages.text
    states = [
        {"text": total, "colour": COLOURS[state]}
        for state, total in wording.totals(declaration.lines, messages)
    ]
    return {
        "language": messages.language,
        "date": {
            "year": declaration.drafted_at.year,
            "month": declaration.drafted_at.month,
            "day": declaration.drafted_at.day,
        },
        "company": {"name": declaration.company.name or text("(company)")},
        "texts": _texts(declaration, messages),
        "identity": _identity(declaration, messages),
        "perimeter": _perimeter(declaration, messages),
        "states": states,
        "attestation": _attestation(declaration, messages),
        "signature": [
            {"label": text("Name"), "value": declaration.company.signatory},
            {"label": text("Function"), "value": declaration.company.function},
            {"label": text("Place"), "value": declaration.company.place},
            {"label": text("Date"), "value": ""},
        ],
        "headings": [
            text("Product"),
            text("Metric"),
            text("Installed"),
            text("Owned"),
            text("Covered"),
            text("Missing"),
            text("State"),
        ],
        "lines": [_line(line, messages) for line in declaration.lines],
        "notes": _notes(declaration, messages),
    }


def _texts(declaration: Declaration, messages: Messages) -> dict[str, str]:
    text = messages.text
    addressee = declaration.publisher_label or text("all publishers")
    return {
        "title": text("Software licence declaration"),
        "subtitle": text(
            "{publisher} – position on {moment}",
            publisher=addressee,
            moment=messages.moment(declaration.position.as_of),
        ),
        "draft_mark": text("DRAFT – NOT APPROVED"),
        "footer": text(
            "Drafted on {moment} by Quitus {version}",
            moment=messages.moment(declaration.drafted_at),
            version=declaration.software_version,
        ),
        "to_fill_in": text("to be filled in"),
        "identity": text("Company"),
        "perimeter": text("What this declaration rests on"),
        "summary": text("Result"),
        "attestation": text("Attestation"),
        "signature_box": text("Signature and stamp"),
        "lines": text("Lines"),
        "lines_note": text(
            "One line for each product and version found or owned. “Installed” counts devices; "
            "“Owned” counts licences in force on the date of the position."
        ),
        "no_lines": text("No product of this publisher was found, and no licence is recorded."),
    }


def _identity(declaration: Declaration, messages: Messages) -> list[dict[str, str]]:
    company, text = declaration.company, messages.text
    return [
        {"label": text("Company name"), "value": company.name},
        {"label": text("Legal form"), "value": company.legal_form},
        {"label": text("SIREN number"), "value": wording.siren(company.siren)},
        {"label": text("Address"), "value": company.address},
        {"label": text("Publisher addressed"), "value": declaration.publisher_label or text("all")},
    ]


def _perimeter(declaration: Declaration, messages: Messages) -> list[dict[str, str]]:
    perimeter, text = declaration.position.perimeter, messages.text
    oldest, number = perimeter.oldest_report_at, messages.number
    entities = ", ".join(map(wording.siren, perimeter.entities))
    rows = [
        (text("Legal entities of the devices (SIREN)"), entities or text("not stated")),
        (text("Date of the position"), messages.moment(declaration.position.as_of)),
        (text("Devices enrolled"), number(perimeter.enrolled)),
        (text("Devices that reported in the last 30 days"), number(perimeter.reporting)),
        (text("Devices silent for longer"), number(perimeter.stale)),
        (text("Oldest report"), messages.moment(oldest) if oldest else "–"),
        (text("Of these, read in part only"), number(perimeter.with_failed_sources)),
    ]
    return [{"label": label, "value": value} for label, value in rows]


def _attestation(declaration: Declaration, messages: Messages) -> list[str]:
    text, perimeter = messages.text, declaration.position.perimeter
    name = declaration.company.name or text("the company")
    return [
        text(
            "From the inventory held on {date}, to which {reporting} of {enrolled} enrolled "
            "devices answered in the last 30 days, {company} states in good faith and to the best "
            "of its knowledge the quantities on the following pages.",
            date=messages.date(declaration.position.as_of),
            reporting=messages.number(perimeter.reporting),
            enrolled=messages.number(perimeter.enrolled),
            company=name,
        ),
        text(
            "Lines marked “undetermined” state nothing: the figure could not be established and "
            "is left out of this declaration."
        ),
        text(
            "This declaration is made voluntarily, unless a contract that is named here requires "
            "it. It admits no liability, waives no right and accepts no audit."
        ),
    ]


def _line(line: PositionLine, messages: Messages) -> dict[str, str]:
    return {
        "label": line.label,
        "why": wording.why(line, messages),
        "metric": wording.metric_name(line, messages),
        "installed": messages.number(line.installed),
        "entitled": messages.number(line.entitled),
        "covered": messages.number(line.covered_installs),
        "missing": messages.number(line.missing),
        "state": wording.state_name(line.state, messages),
        "colour": COLOURS[line.state],
    }


def _notes(declaration: Declaration, messages: Messages) -> list[str]:
    return [
        messages.text("This draft is to be reviewed by counsel before it is signed."),
        *wording.perimeter_notes(declaration.position.perimeter, messages),
        wording.unknown_summary(len(declaration.position.unknown), messages),
        messages.text(
            "Catalogue of products: SHA-256 {digest}", digest=declaration.position.catalogue_digest
        ),
    ]
