"""What the pages of a declaration say, in the order of the template, in the reader's language."""

from collections.abc import Mapping

from quitus_collector.adapters.declaration.annexes import annexes
from quitus_collector.adapters.declaration.attachments import keyword
from quitus_collector.domain.company import Company
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.position import LineState, PositionLine
from quitus_collector.services import perimeter_wording, wording
from quitus_collector.services.ports import Messages

COLOURS = {
    LineState.COMPLIANT: "#22643c",
    LineState.GAP: "#9b2c2c",
    LineState.UNDETERMINED: "#8a5a00",
}
BLACK = "#000000"
MOST_GAPS_NAMED = 3


def content(
    declaration: Declaration, files: Mapping[str, bytes], messages: Messages
) -> dict[str, object]:
    """Everything that the template places; `files` are those that it puts inside."""
    states = [
        {"text": total, "colour": COLOURS[state]}
        for state, total in wording.totals(declaration.lines, messages)
    ]
    drafted = declaration.drafted_at
    return {
        "language": messages.language,
        "date": {"year": drafted.year, "month": drafted.month, "day": drafted.day},
        "keywords": [keyword(name, each) for name, each in files.items()],
        "attachments": _attachments(messages),
        "company": {"name": declaration.company.name or messages.text("(company)")},
        "texts": _texts(declaration, messages),
        "identity": _identity(declaration, messages),
        "states": states,
        "summary": _summary(declaration, messages),
        "attestation": _attestation(declaration, messages),
        "signature": _signature(declaration, messages),
        "seal": _seal(declaration, messages),
        "headings": _headings(messages),
        "lines": [_line(declaration, line, messages) for line in declaration.lines],
        "annexes": annexes(declaration, files, messages),
    }


def _attachments(messages: Messages) -> list[dict[str, str]]:
    text = messages.text
    return [
        {
            "name": "declaration.json",
            "mime": "application/json",
            "relationship": "source",
            "description": text("The whole declaration, for machines"),
        },
        {
            "name": "lines.csv",
            "mime": "text/csv",
            "relationship": "data",
            "description": text("The lines as a table"),
        },
    ]


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
        "mark": "" if declaration.is_approved else text("DRAFT – NOT APPROVED"),
        "footer": text(
            "Drafted on {moment} by Quitus {version}",
            moment=messages.moment(declaration.drafted_at),
            version=declaration.software_version,
        ),
        "to_fill_in": text("to be filled in"),
        "identity": text("Company"),
        "summary": text("Result"),
        "attestation": text("Attestation"),
        "signature_box": text("Signature and stamp"),
        "seal": text("Electronic seal and timestamp"),
        "lines": text("Lines"),
        "lines_note": text(
            "One line for each product and version found or owned. “Installed” counts devices; "
            "“Required” counts units of the metric; “Owned” counts licences in force on the date "
            "of the position; “Used” those that installs consume, of this version or another."
        ),
        "no_lines": text("No product of this publisher was found, and no licence is recorded."),
    }


def _identity(declaration: Declaration, messages: Messages) -> list[dict[str, str]]:
    company, text = declaration.company, messages.text
    rows = [
        (text("Company name"), company.name),
        (text("Legal form"), company.legal_form),
        (text("SIREN number"), wording.siren(company.siren)),
        *((label, value) for label, value in _optional(company, messages) if value),
        (text("Address"), company.address),
        (text("Publisher addressed"), declaration.publisher_label or text("all")),
    ]
    if declaration.reference:
        rows.append((text("In answer to"), declaration.reference))
    return [{"label": label, "value": value} for label, value in rows]


def _optional(company: Company, messages: Messages) -> list[tuple[str, str]]:
    """What not every company states of itself."""
    text, ends = messages.text, company.delegation_until
    until = text(", until {day}", day=messages.day(ends)) if ends else ""
    scope = f" ({company.delegation_scope})" if company.delegation_scope else ""
    return [
        (text("SIRET number"), company.siret),
        (text("VAT number"), company.vat_number),
        (text("Activity (NAF)"), company.naf),
        (
            text("Delegation of authority"),
            company.delegation and company.delegation + scope + until,
        ),
    ]


def _summary(declaration: Declaration, messages: Messages) -> list[str]:
    """What a director has to know, in a few sentences."""
    text, perimeter = messages.text, declaration.position.perimeter
    gaps = sorted(
        (line for line in declaration.lines if line.missing),
        key=lambda line: (-(line.missing or 0), line.product),
    )
    said = [perimeter_wording.reach(perimeter, messages)]
    if not gaps:
        said.append(text("No install that could be counted is without a licence."))
    else:
        named = [
            text("{product} ({missing})", product=line.label, missing=messages.number(line.missing))
            for line in gaps[:MOST_GAPS_NAMED]
        ]
        total = sum(line.missing or 0 for line in gaps)
        said.append(
            messages.count(
                "{n} install is without a licence.", "{n} installs are without a licence.", total
            )
            + " "
            + (
                text("Most are of {products}.", products=", ".join(named))
                if len(gaps) > MOST_GAPS_NAMED
                else text("Products concerned: {products}.", products=", ".join(named))
            )
        )
    if any(line.state is LineState.UNDETERMINED for line in declaration.lines):
        said.append(
            text(
                "Lines marked “undetermined” state nothing: the figure could not be established "
                "and is left out of this declaration."
            )
        )
    return said


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
            "This declaration is made voluntarily, unless a contract that is named here requires "
            "it. It admits no liability, waives no right and accepts no audit."
        ),
    ]


def _signature(declaration: Declaration, messages: Messages) -> list[dict[str, str]]:
    text, company = messages.text, declaration.company
    last = max((each.at for each in declaration.approvals), default=None)
    by_an_author = any(each.is_author for each in declaration.approvals)
    return [
        {"label": text("Name"), "value": company.signatory},
        {"label": text("Function"), "value": company.function},
        {"label": text("Place"), "value": company.place},
        {"label": text("Date"), "value": messages.date(last) if last else ""},
        *(
            [{"label": text("Approval"), "value": text("By a person who drafted or changed it")}]
            if by_an_author
            else []
        ),
    ]


def _seal(declaration: Declaration, messages: Messages) -> dict[str, object]:
    text, plan = messages.text, declaration.seal
    if not declaration.is_approved:
        said = [text("None: this is a draft.")]
        return {"colour": COLOURS[LineState.UNDETERMINED], "text": said}
    is_whole = plan.signer and plan.timestamp_authority
    said = [
        text("To be signed with the certificate of {signer}.", signer=plan.signer)
        if plan.signer
        else text(
            "No signature: the company has no certificate configured, so nothing proves where this "
            "document comes from, nor that it was not changed."
        ),
        text("To be timestamped by {authority}.", authority=plan.timestamp_authority)
        if plan.timestamp_authority
        else text("No timestamp: no third party attests when this document was made."),
    ]
    state = LineState.COMPLIANT if is_whole else LineState.UNDETERMINED
    return {"colour": COLOURS[state], "text": said}


def _headings(messages: Messages) -> list[str]:
    text = messages.text
    return [
        text("Product"),
        text("Metric"),
        text("Installed"),
        text("Required"),
        text("Owned"),
        text("Used"),
        text("Covered"),
        text("Missing"),
        text("State"),
    ]


def _line(declaration: Declaration, line: PositionLine, messages: Messages) -> dict[str, object]:
    basis, number = declaration.bases.get(line.product), messages.number
    owned = wording.owned(declaration.owned_by_channel(line), messages)
    return {
        "note": " – ".join(filter(None, (wording.why(line, messages), owned))),
        "cells": [
            {"text": line.label, "note": "", "colour": BLACK, "bold": True},
            wording.metric_name(line, messages),
            number(line.installed),
            number(basis.required if basis else None),
            number(line.entitled),
            number(line.consumed),
            number(line.covered_installs),
            number(line.missing),
            {
                "text": wording.state_name(line.state, messages),
                "note": wording.confidence(basis.confidence, messages) if basis else "",
                "colour": COLOURS[line.state],
                "bold": True,
            },
        ],
    }
