"""What commands on the catalogue and on recognition show in a terminal."""

from collections.abc import Iterable

from rich.markup import escape

from quitus_collector.adapters.terminal.tables import counted, new_table, print_table
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.product import Product
from quitus_collector.domain.rule import Build
from quitus_collector.domain.triage import Group
from quitus_collector.services.ports import Messages


def catalogue(catalogue: Catalogue, id_: str | None) -> None:
    """In sum, with the customer's own rules; or one publisher's products; or one product."""
    if id_ is None:
        print(
            f"catalogue {catalogue.version or 'without a version'}, {catalogue.digest[:16]}: "
            f"{counted(len(catalogue.publishers), 'publisher')}, "
            f"{counted(len(catalogue.products), 'product')}, "
            f"{counted(len(catalogue.rules), 'rule')}"
        )
        own = [rule for rule in catalogue.rules if rule.is_own]
        print(f"of which your own, tried before all others: {len(own)}")
        for rule in own:
            print(f"  {rule.id}: {rule.line or rule.software_class.value} ({rule.place})")
    elif id_ in catalogue.products:
        _product(catalogue, catalogue.products[id_])
    else:
        table = new_table("Product", "Name", "Metric", "Needs a licence")
        for line, product in sorted(catalogue.products.items()):
            if line.startswith(f"{id_}/"):
                needs = "yes" if catalogue.needs_licence(line) else "no"
                label = " ".join(product.label.replace("{version}", "").split())
                table.add_row(line, escape(label), product.metric.value, needs)
        print_table(table)


def triage(found: Iterable[Group], messages: Messages) -> None:
    """Groups of unknown names, with what each may be."""
    found = list(found)
    if not found:
        print(messages.text("Every name of the fleet is recognised."))
        return
    table = new_table(
        messages.text("Name"),
        messages.text("Publisher"),
        messages.text("Names"),
        messages.text("Devices"),
        messages.text("Looks like"),
    )
    for each in found:
        looks = (
            f"{each.suggestion.product} ({each.suggestion.likeness} %)" if each.suggestion else ""
        )
        table.add_row(
            escape(each.stem),
            escape(each.publisher),
            str(len(each.names)),
            str(each.devices),
            looks,
        )
    print_table(table)


def _product(catalogue: Catalogue, product: Product) -> None:
    facts = [f"{product.line}: {product.label}", f"metric: {product.metric.value}"]
    facts += [f"includes: {line}" for line in product.includes]
    facts += [
        f"version {each.version}: released {each.released or 'on a day not known'}, "
        f"supported until {each.supported_until or 'a day not known'} ({each.source})"
        for each in product.releases
    ]
    facts += [f"counted by {each.metric.value}: {each.source}" for each in product.terms]
    facts += [f"condition: {each.text} ({each.source})" for each in product.conditions]
    for rule in catalogue.rules:
        if rule.line == product.line:
            facts.append(f"rule {rule.id} ({rule.software_class.value}, {rule.place})")
            facts += [f"  build {each}" for each in map(_build, rule.builds)]
            facts += [f"  name {each.text}" for each in rule.names]
            facts += [f"  {key} {each.text}" for key, p in rule.identifiers.items() for each in p]
    print("\n".join(facts))


def _build(build: Build) -> str:
    bounds = [f"from {build.since}" if build.since else "", f"below {build.below}"]
    return (
        f"{' '.join(filter(None, bounds[: 2 if build.below else 1]))}: {build.software_class.value}"
    )
