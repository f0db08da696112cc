"""The products that the catalogue knows."""

from fastapi import Response
from pydantic import BaseModel

from quitus_collector.domain.account import Permission
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.product import publisher_of
from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_
from quitus_collector.web.api.calls import Call, Calls, Content, Wanted, upload
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.wiring import rules

router = Calls("products")


class ProductShown(BaseModel):
    """A product line; `metric` is what its licences are counted against by themselves."""

    id: str
    label: str
    publisher: str
    publisher_label: str
    needs_licence: bool
    metric: str


class CatalogueShown(BaseModel):
    """The rules in use; `version` is the day they were published, `sha256` of all their files."""

    version: str
    sha256: str
    publishers: int
    products: int
    rules: int


class OwnFileShown(BaseModel):
    """A file of rules."""

    name: str
    text: str


class OwnRules(BaseModel):
    """Sorted by name."""

    items: list[OwnFileShown]


@router.call("GET", "/products", Permission.READ)
def list_products(
    call: Call, publisher: Wanted = "", cursor: Cursor = "", limit: Limit = 100
) -> Page[ProductShown]:
    """Sorted by id."""
    catalogue = call.collector.catalogue
    wanted = sorted(
        each for each in catalogue.products if not publisher or publisher_of(each) == publisher
    )
    ids, following = paged(wanted, str, cursor, limit)
    return Page(items=[_shown(catalogue, each) for each in ids], next=following)


@router.call("GET", "/catalogue", Permission.READ)
def get_catalogue(call: Call) -> CatalogueShown:
    """Which rules recognise products now."""
    catalogue = call.collector.catalogue
    return CatalogueShown(
        version=catalogue.version,
        sha256=catalogue.digest,
        publishers=len(catalogue.publishers),
        products=len(catalogue.products),
        rules=len(catalogue.rules),
    )


@router.call("GET", "/catalogue/own-rules", Permission.ADMINISTER)
def list_own_rules(call: Call) -> OwnRules:
    """The company's own rules as they are written, file by file."""
    listed = rules.own(call.collector)
    return OwnRules(items=[OwnFileShown(name=each.name, text=each.text) for each in listed])


@router.call("POST", "/catalogue/updates", Permission.ADMINISTER, openapi_extra=upload(), **BEGUN)
def update_catalogue(call: Call, response: Response, content: Content) -> JobShown:
    """Has the signed bundle in the body taken in, and the fleet recognised by its rules."""
    if call.collector.config.console.catalogue_key is None:
        raise UsageError(N_("no key is configured: name it in collector.toml, catalogue_key"))
    return begin(call, response, "catalogue-update", content)


@router.call("POST", "/catalogue/recognition", Permission.ADMINISTER, **BEGUN)
def recognise_fleet(call: Call, response: Response) -> JobShown:
    """Has everything recognised that the rules in use have not recognised yet."""
    return begin(call, response, "fleet-recognition")


def _shown(catalogue: Catalogue, line: str) -> ProductShown:
    publisher = publisher_of(line)
    return ProductShown(
        id=line,
        label=catalogue.label(line),
        publisher=publisher,
        publisher_label=catalogue.publishers[publisher],
        needs_licence=catalogue.needs_licence(line),
        metric=catalogue.metric(line).value,
    )
