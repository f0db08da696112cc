"""What counting needs to know of products, from the catalogue of the day."""

from collections.abc import Iterable
from datetime import date

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.licensing.rights import at_own_version
from quitus_collector.domain.licensing.situation import (
    ProductTerms,
)
from quitus_collector.domain.product import (
    Product,
    Terms,
    line_of,
    version_of,
)


def terms_of_all(
    products: Iterable[str], catalogue: Catalogue | CountingTerms, day: date
) -> dict[str, ProductTerms]:
    """The terms of these products and of what is inside them."""
    found: dict[str, ProductTerms] = {}
    unknown = list(products)
    while unknown:
        product = unknown.pop()
        if product not in found:
            found[product] = _terms(product, catalogue, day)
            unknown += (at_own_version(each, product) for each in found[product].includes)
    return found


def _terms(product: str, catalogue: Catalogue | CountingTerms, day: date) -> ProductTerms:
    """What the catalogue says of counting the product on that day."""
    metric = catalogue.metric(product)
    known = catalogue.products.get(line_of(product))
    if known is None:
        return ProductTerms(product, default_metric=metric)
    cores = core_terms(known, day)
    release = known.release(version_of(product), "")
    return ProductTerms(
        product,
        default_metric=metric,
        edition_rank=known.rank or None,
        released=release.released if release else None,
        includes=known.includes,
        core_minimum_per_device=cores.device_minimum if cores else 0,
        core_minimum_per_processor=cores.processor_minimum if cores else 0,
        core_pack=(cores.pack if cores else 0) or 1,
        continues=known.continues,
    )


def core_terms(product: Product, day: date) -> Terms | None:
    """What the publisher says of cores on that day; None where it is not known."""
    return next((each for each in product.terms_on(day) if each.metric is Metric.CORE), None)
