"""The lists of the console as files, filtered as their pages are."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Annotated

from fastapi import Query, Request, Response

from quitus_collector.adapters.sheets.table_files import Row
from quitus_collector.domain.account import Permission
from quitus_collector.domain.campaign import Nature
from quitus_collector.domain.filing import State
from quitus_collector.domain.roster import Condition
from quitus_collector.domain.support import Support
from quitus_collector.errors import UsageError
from quitus_collector.services import campaigns
from quitus_collector.services.wording import N_
from quitus_collector.web import tables
from quitus_collector.web.pages.campaigns import NATURES
from quitus_collector.web.pages.devices import sought_of
from quitus_collector.web.pages.products import wanted_products
from quitus_collector.web.pages.unknown import wanted_groups
from quitus_collector.web.rendering import waiting
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.wording import WORDS

router = Pages()
Filter = Annotated[str, Query(max_length=255)]

HEADINGS = {
    "answered": N_("Answered"),
    "campaign": N_("Letter"),
    "certificate_expires_at": N_("Certificate valid until"),
    "condition": N_("State"),
    "dated": N_("Dated"),
    "declared": N_("Declared"),
    "devices": N_("Devices"),
    "drafted_at": N_("Drafted"),
    "drafted_by": N_("Drafted by"),
    "due": N_("Deadline"),
    "entities": N_("Legal entities"),
    "entity": N_("Legal entity"),
    "id": N_("Identifier"),
    "installs": N_("Installs"),
    "label": N_("Label"),
    "last_report_at": N_("Last report"),
    "likeness": N_("Likeness (%)"),
    "name": N_("Name"),
    "names": N_("Names"),
    "nature": N_("Nature"),
    "open": N_("Without an answer"),
    "product": N_("Product"),
    "publisher": N_("Publisher"),
    "publisher_label": N_("Name of the publisher"),
    "receipt": N_("Receipt"),
    "receipt_at": N_("Date of the receipt"),
    "received_on": N_("Received on"),
    "reference": N_("Reference"),
    "released": N_("Released"),
    "sealed_at": N_("Sealed on"),
    "sha256": N_("SHA-256"),
    "site": N_("Site"),
    "source": N_("Source"),
    "state": N_("State"),
    "suggested_product": N_("Looks like"),
    "support": N_("Support"),
    "supported_until": N_("Support until"),
    "system": N_("System"),
    "with_gaps": N_("With gaps"),
}
# What a column has codes of, and what people call them.
KINDS: Mapping[str, type[Enum]] = {
    "condition": Condition,
    "nature": Nature,
    "state": State,
    "support": Support,
}
SAID: Mapping[Enum, str] = {**WORDS, **{each: said for each, said in NATURES.items()}}


@router.page("/exports/devices", Permission.DEVICES)
def export_devices(
    visit: Visit,
    form: str = "xlsx",
    text: Filter = "",
    condition: Filter = "",
    site: Filter = "",
    entity: Filter = "",
    ending: bool = False,
) -> Response:
    """The devices that are looked for, sorted by name."""
    rows = tables.devices(visit.collector, sought_of(text, condition, site, entity, ending))
    given = {
        "text": text,
        "condition": condition,
        "site": site,
        "entity": entity,
        "ending": "true" if ending else "",
    }
    return _answer(visit, "devices", form, tables.DEVICES, rows, given)


@router.page("/exports/products", Permission.READ)
def export_products(
    visit: Visit,
    form: str = "xlsx",
    text: Filter = "",
    publisher: Filter = "",
    support: Filter = "",
    sort: Filter = "devices",
) -> Response:
    """The products that are looked for, in the order of the page."""
    found = wanted_products(visit, text, publisher, support, sort)
    rows = tables.products(found, visit.collector.clock.today())
    given = {"text": text, "publisher": publisher, "support": support}
    return _answer(visit, "products", form, tables.PRODUCTS, rows, given)


@router.page("/exports/unknown", Permission.READ)
def export_unknown(
    request: Request, visit: Visit, form: str = "xlsx", text: Filter = ""
) -> Response:
    """The groups of names that are looked for, those on most devices first."""
    found = wanted_groups(visit, text)
    if found is None:
        return waiting(request)
    return _answer(visit, "unknown", form, tables.UNKNOWN, tables.unknown(found), {"text": text})


@router.page("/exports/campaigns", Permission.READ)
def export_letters(visit: Visit, form: str = "xlsx") -> Response:
    """All letters, those that are due first."""
    collector = visit.collector
    found = campaigns.overview(collector.store, collector.clock.today())
    ordered = sorted(found, key=lambda each: (each[0].due or date.max, each[0].id))
    return _answer(visit, "letters", form, tables.LETTERS, tables.letters(ordered), {})


@router.page("/exports/declarations", Permission.READ)
def export_declarations(visit: Visit, form: str = "xlsx") -> Response:
    """All that are kept, the newest first."""
    with visit.collector.store.reading() as work:
        found = work.filings.list()
    rows = tables.declarations(found)
    return _answer(visit, "declarations", form, tables.DECLARATIONS, rows, {})


def _answer(
    visit: Visitor,
    name: str,
    form: str,
    fields: tuple[str, ...],
    rows: Iterable[Row],
    given: Mapping[str, str],
) -> Response:
    """The file: for people in their words, for programs (JSON) in codes; raises UsageError."""
    if form not in tables.TYPES:
        raise UsageError("there is no export as {name}", name=form)
    messages, collector = visit.collector.messages, visit.collector
    if form != "json":
        codes = [each for each in fields if each in KINDS]
        rows = (
            {**row, **{each: messages.text(SAID[KINDS[each](row[each])]) for each in codes}}
            for row in rows
        )
    headings = [messages.text(HEADINGS[each]) for each in fields]
    # No database takes a NUL, and the audit log says what was sought.
    told = {what: said.replace("\0", "") for what, said in given.items()}
    collector.took_out(f"{name}.{form}", **{what: said for what, said in told.items() if said})
    return tables.answer(name, form, fields, rows, headings)
