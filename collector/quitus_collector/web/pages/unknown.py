"""What no rule knows: names in groups, what each may be, and a rule for it after its effect."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Query, Request, Response

from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.domain.account import Permission
from quitus_collector.domain.install import Install
from quitus_collector.domain.product import is_valid_line
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.domain.triage import Group, stem_of
from quitus_collector.errors import CatalogueError, UsageError
from quitus_collector.web.paging import address
from quitus_collector.web.rendering import go, page, waiting
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.wiring import licensing

router = Pages()
Filter = Annotated[str, Query(max_length=255)]
Name = Annotated[str, Query(max_length=20_000)]
Text = Annotated[str, Form(max_length=20_000)]
# What a person may decide; what nobody knows stays unknown by itself.
CLASSES = [each for each in SoftwareClass if each is not SoftwareClass.UNKNOWN]
COUNTED = (SoftwareClass.COMMERCIAL, SoftwareClass.FREE)
SHOWN, SHOWN_NAMES, SHOWN_RECORDS = 50, 12, 100


@router.page("/unknown", Permission.READ)
def unknown(
    request: Request,
    visit: Visit,
    text: Filter = "",
    page_number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    """Groups of names, those on most devices first."""
    found, groups = _groups(visit), wanted_groups(visit, text)
    if found is None or groups is None:
        return waiting(request)
    begin = (page_number - 1) * SHOWN
    filters = {"text": text}
    context = {
        "groups": groups[begin : begin + SHOWN],
        "total": len(found),
        "text_sought": text,
        "shown_names": SHOWN_NAMES,
        "guess": lambda group: _guess(visit, group),
        "decide": lambda group, **more: address(
            "/unknown/rule", {"name": group.names[0], "publisher": group.publisher}, **more
        ),
        "export": lambda form: address("/exports/unknown", filters, form=form),
        "previous": page_number > 1 and address("/unknown", filters, page=page_number - 1),
        "next": len(groups) > begin + SHOWN and address("/unknown", filters, page=page_number + 1),
    }
    return page(request, "unknown.html", context)


@router.page("/unknown/rule", Permission.READ)
def rule(
    request: Request,
    visit: Visit,
    name: Name,
    publisher: Name = "",
    software_class: Annotated[str, Query(alias="as")] = "",
    product: Filter = "",
    label: Filter = "",
) -> Response:
    """A decision on a group; once it says what the group is, with the effect that it would have."""
    ruling: Ruling | None = None
    effect, complaint = None, ""
    if software_class:
        try:
            ruling = _ruling(name, publisher, software_class, product, label)
            effect = _effect(visit, ruling)
        except (UsageError, CatalogueError) as error:
            ruling, complaint = None, visit.collector.messages.error(error)
        else:
            if effect is None:
                return waiting(request)
    context = {
        "name": name,
        "publisher": publisher,
        "stem": stem_of(name),
        "classes": CLASSES,
        "chosen": software_class or SoftwareClass.COMMERCIAL.value,
        "product": product,
        "label": label,
        "label_of": visit.collector.catalogue.label,
        "ruling": ruling,
        "effect": (effect or ())[:SHOWN_RECORDS],
        "effects": len(effect or ()),
        "said": complaint,
    }
    return page(request, "rule.html", context, status=422 if complaint else 200)


@router.form("/unknown/rule", Permission.EDIT)
def decide(
    request: Request,
    visit: Visit,
    name: Text,
    software_class: Annotated[str, Form(alias="as")],
    publisher: Text = "",
    product: Text = "",
    label: Text = "",
) -> Response:
    """Makes it a rule of the company's own; the fleet is recognised by it at once."""
    ruling = _ruling(name, publisher, software_class, product, label)
    licensing.decide(visit.collector, ruling)
    return go(request, "/unknown")


def wanted_groups(visit: Visitor, text: str) -> list[Group] | None:
    """Those that have the text in their name or publisher; None while they are counted."""
    found, wanted = _groups(visit), text.casefold().strip()
    if found is None:
        return None
    return [
        each
        for each in found
        if wanted in each.stem.casefold() or wanted in each.publisher.casefold()
    ]


def _groups(visit: Visitor) -> tuple[Group, ...] | None:
    console = visit.console
    return visit.figures.behind(
        "triage",
        lambda: licensing.triage(console.collector, console.figures.position().value),
    )


def _effect(visit: Visitor, ruling: Ruling) -> Sequence[tuple[Install, Recognition]] | None:
    """The records that a decision would have recognised otherwise."""
    collector = visit.console.collector
    return visit.figures.behind(("effect", ruling), lambda: licensing.preview(collector, ruling))


def _guess(visit: Visitor, group: Group) -> dict[str, str]:
    """The suggestion as a decision."""
    if group.suggestion is None:
        return {}
    line = group.suggestion.product
    is_sold = visit.collector.catalogue.needs_licence(line)
    found = SoftwareClass.COMMERCIAL if is_sold else SoftwareClass.FREE
    return {"as": found.value, "product": line, "label": group.suggestion.label}


def _ruling(name: str, publisher: str, software_class: str, product: str, label: str) -> Ruling:
    """Raises UsageError where it decides nothing."""
    if software_class not in {each.value for each in CLASSES}:
        raise UsageError("no software is {name}", name=software_class)
    found = SoftwareClass(software_class)
    product = product.strip().lower() if found in COUNTED else ""
    if product and not is_valid_line(product):
        raise UsageError("{product!r} is not publisher/family[/edition]", product=product)
    if found in COUNTED and not product:
        raise UsageError("say which product it is, as publisher/family")
    return Ruling(stem_of(name), publisher, found, product, label.strip() if product else "")
