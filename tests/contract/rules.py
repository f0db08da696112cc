"""A catalogue of three products, so that tests say what is recognised."""

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.patterns import Pattern
from quitus_collector.domain.product import Product
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.rule import Rule

OFFICE, VISIO = "acme/office", "acme/visio"


def a_catalogue(
    *, office: str = OFFICE, tool: str = "", office_metric: Metric = Metric.DEVICE
) -> Catalogue:
    """Knows "Office 1" and "Visio 1", and "tool" where its product is named."""
    names = {"office 1": office, "visio 1": VISIO} | ({"tool": tool} if tool else {})
    rules = [
        Rule(
            id=line,
            software_class=SoftwareClass.COMMERCIAL,
            line=line,
            publishers=frozenset({"acme"}),
            names=(Pattern(name),),
        )
        for name, line in names.items()
    ]
    products = {line: Product(line, line) for line in names.values()}
    products[office] = Product(office, office, metric=office_metric)
    digest = tool or (office if office != OFFICE else "plain")
    return Catalogue({"acme": "Acme"}, products, rules, digest)
