"""Taking licence pools in from a file: what would change is looked at first."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.errors import UsageError
from quitus_collector.services import pool_wording
from quitus_collector.services.intake.lines import Problem
from quitus_collector.services.pools import Change, Preview, Refused, Unmatched, as_problem
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields, content_of
from quitus_collector.web.rendering import go, messages_of, page
from quitus_collector.web.uploads import named, plain_name, uploaded
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import LINK, Work, ask
from quitus_collector.wiring import desk
from quitus_collector.wiring import pools as wired

router = Pages()
# Of changes and of complaints: who has more of them reads the beginning, and is told.
SHOWN = 200


@router.page("/pools/import", Permission.EDIT)
def import_page(request: Request, visit: Visit) -> Response:
    """Asks for the file."""
    return page(request, "pool_import.html", {"said": ""})


@router.form("/pools/import", Permission.EDIT)
def upload(
    request: Request, visit: Visit, file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Keeps the file for some days, and shows what it would change."""
    try:
        content, name = content_of(file)
        with uploaded(content, name) as path:
            wired.preview_pools(visit.collector, path)
            digest = desk.keep(visit.collector, path)
    except UsageError as error:
        said = messages_of(request).error(error)
        return page(request, "pool_import.html", {"said": said}, status=422)
    return go(request, f"/pools/import/{digest}?{urlencode({'name': name})}")


@router.page("/pools/import/{digest}", Permission.EDIT)
def preview(request: Request, visit: Visit, digest: str, name: str = "") -> Response:
    """What it would change, and all that is wrong with it."""
    return _preview(request, visit, digest, plain_name(name), {})


@router.form("/pools/import/{digest}", Permission.EDIT)
def decide(request: Request, visit: Visit, digest: str, fields: Fields) -> Response:
    """Looks again with what was decided, or takes it in."""
    decisions, name = _decisions(fields), plain_name(fields.get("name", ""))
    if fields.get("do") != "take":
        return _preview(request, visit, digest, name, decisions, fields)
    desk.find(visit.collector, digest)
    return ask(
        request,
        visit,
        "pools-import",
        digest=digest,
        about=name,
        reason=fields.get("reason", "").strip(),
        decisions=json.dumps(decisions),
        without_unmatched=fields.get("without_unmatched", ""),
    )


def take_in(work: Work) -> dict[str, str]:
    """The job of it."""
    asked, messages = work.arguments, work.collector.messages
    file, name = desk.find(work.collector, asked["digest"]), asked["about"]
    try:
        with named(file, name):
            found = wired.import_pools(
                work.collector,
                file,
                decisions=json.loads(asked["decisions"]),
                reason=asked["reason"],
                without_unmatched=bool(asked["without_unmatched"]),
                name=name,
            )
    except Refused as refused:
        said = as_problem(refused.preview.complaints[0]).told(messages)
        raise UsageError(
            N_("{count} complaints about {file}, nothing was taken in; the first: {said}"),
            count=len(refused.preview.complaints),
            file=name,
            said=said,
        ) from refused
    work.console.figures.expire()
    said = messages.text(
        "{added} lines added, {changed} changed, {unchanged} unchanged",
        added=messages.number(found.added),
        changed=messages.number(found.changed),
        unchanged=messages.number(found.unchanged),
    )
    return {"said": said, LINK: "/pools"}


def _decisions(fields: Mapping[str, str]) -> dict[str, str]:
    """The products that were named, by the names that the file has."""
    found = {}
    for field, name in fields.items():
        kind, _, number = field.partition("-")
        product = fields.get(f"product-{number}", "").strip()
        if kind == "unmatched" and product:
            found[name] = product
    return found


def _preview(
    request: Request,
    visit: Visitor,
    digest: str,
    name: str,
    decisions: Mapping[str, str],
    fields: Mapping[str, str] | None = None,
) -> Response:
    file = desk.find(visit.collector, digest)
    with named(file, name):
        found = wired.preview_pools(visit.collector, file, decisions=decisions)
    changes = [each for each in found.changes if each.before is None or each.differences]
    return page(
        request,
        "pool_preview.html",
        {
            "digest": digest,
            "name": name,
            "found": found,
            "changes": [_change(visit, each) for each in changes[:SHOWN]],
            "more_changes": max(len(changes) - SHOWN, 0),
            "problems": _told(visit, found.problems),
            "more_problems": max(len(found.problems) - SHOWN, 0),
            "unmatched": [_unmatched(visit, each) for each in found.unmatched[:SHOWN]],
            "more_unmatched": max(len(found.unmatched) - SHOWN, 0),
            "notes": [each.told(visit.collector.messages) for each in found.notes[:SHOWN]],
            "flaws": _flaws(visit, found),
            "decided": list(decisions.items()),
            "products": sorted(visit.collector.catalogue.products),
            "reason": (fields or {}).get("reason", ""),
        },
    )


def _told(visit: Visitor, problems: Sequence[Problem]) -> list[str]:
    return [each.told(visit.collector.messages) for each in problems[:SHOWN]]


def _unmatched(visit: Visitor, each: Unmatched) -> dict[str, object]:
    label = visit.collector.catalogue.label
    return {
        "name": each.name,
        "said": each.problem.told(visit.collector.messages),
        "suggestions": [(product, label(product)) for product in each.suggestions],
    }


def _change(visit: Visitor, each: Change) -> dict[str, object]:
    messages, line = visit.collector.messages, each.entitlement
    if each.before is None:
        told = [
            messages.text(
                "new: {quantity}, counted by {metric}, bought as {channel}",
                quantity=messages.number(line.quantity),
                metric=pool_wording.said(line.metric, messages),
                channel=pool_wording.said(line.channel, messages),
            ),
            pool_wording.limits(line, messages),
        ]
    else:
        told = [pool_wording.difference(one, messages) for one in each.differences]
    return {
        "where": each.where.told(messages),
        "line": line,
        "label": visit.collector.catalogue.label(line.product),
        "is_new": each.before is None,
        "told": [*filter(None, told), *(note.told(messages) for note in each.notes)],
    }


def _flaws(visit: Visitor, found: Preview) -> list[str]:
    messages = visit.collector.messages
    return [
        pool_wording.flaw(each.entitlement, flaw, messages)
        for each in found.changes
        for flaw in each.flaws
    ][:SHOWN]
