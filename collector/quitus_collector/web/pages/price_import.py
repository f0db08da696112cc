"""Taking a price list in from a file."""

from pathlib import Path
from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.services import price_wording
from quitus_collector.services.prices import PriceChange, PricePreview
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields
from quitus_collector.web.intake import Intake, Taken, Words
from quitus_collector.web.uploads import plain_name
from quitus_collector.web.visits import Pages, Visit
from quitus_collector.wiring import prices as wired
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.figures import Figures

router = Pages()


@router.page("/prices/import", Permission.EDIT)
def import_page(request: Request, visit: Visit) -> Response:
    """Asks for the file."""
    return PRICES.asked(request)


@router.form("/prices/import", Permission.EDIT)
def upload(
    request: Request, visit: Visit, file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Keeps the file for some days, and shows what it would change."""
    return PRICES.upload(request, visit, file)


@router.page("/prices/import/{digest}", Permission.EDIT)
def preview(request: Request, visit: Visit, digest: str, name: str = "") -> Response:
    """What it would change, and all that is wrong with it."""
    return PRICES.preview(request, visit, digest, plain_name(name), {})


@router.form("/prices/import/{digest}", Permission.EDIT)
def decide(request: Request, visit: Visit, digest: str, fields: Fields) -> Response:
    """Looks again with what was decided, or takes it in."""
    return PRICES.decide(request, visit, digest, fields)


def _take(collector: Collector, file: Path, decided: Taken) -> PricePreview:
    return wired.import_prices(
        collector,
        file,
        decided.decisions,
        reason=decided.reason,
        without_unmatched=decided.without_unmatched,
        name=decided.name,
    )


def _row(each: PriceChange, collector: Collector) -> dict[str, object]:
    messages, licence = collector.messages, each.price.licence
    return {
        "where": each.where.told(messages),
        "id": licence.id,
        "label": collector.catalogue.label(licence.product),
        "told": price_wording.told(each, messages),
    }


PRICES = Intake(
    "/prices",
    "prices-import",
    Words(
        title=N_("Import a price list"),
        list=N_("Price list"),
        line=N_("Offer"),
        hint=N_(
            "CSV or XLSX, 32 MB at most, with a product and a price; also how many licences the "
            "price buys, by what they are counted, the currency, the days on which it is good. "
            "Columns are recognised by their headings, in French or in English."
        ),
        question=N_("What is offered here?"),
        why=N_(
            "Of these lines it is not certain which product they are. Name it, and it is "
            "remembered for the next file; or leave them out."
        ),
        accept=".csv,.tsv,.txt,.xlsx",
    ),
    lambda collector, file, decided: wired.preview_prices(
        collector, file, decided.decisions, name=decided.name
    ),
    _take,
    Figures.reprice,
    _row,
)
