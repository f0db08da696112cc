"""The products that the catalogue knows."""

from pydantic import BaseModel

from quitus_collector.domain.account import Permission
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.product import publisher_of
from quitus_collector.web.api.calls import Call, Calls, Wanted
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged

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
