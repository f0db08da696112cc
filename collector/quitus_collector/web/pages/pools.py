"""Licence pools: the list, one line with its history and proofs, changes by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import date
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import File, Query, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.holding import Act, Happening, Held
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.proof import ProofKind, Strength, strength, title_flaws
from quitus_collector.errors import UsageError
from quitus_collector.services import pool_wording, pools, proving
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.wording import METRICS, N_
from quitus_collector.web import tables
from quitus_collector.web.forms import Fields, content_of, download
from quitus_collector.web.lists import cut
from quitus_collector.web.rendering import go, page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import Work, ask
from quitus_collector.wiring import pools as wired

router = Pages()
Filter = Annotated[str, Query(max_length=255)]
Owned = tuple[Entitlement, frozenset[ProofKind]]

# What the list can be narrowed to.
STATES = {
    "in-force": N_("in force"),
    "ended": N_("ended"),
    "to-come": N_("to come"),
    "unproven": N_("without a document"),
    "flawed": N_("title incomplete"),
}
# The fields that a person changes, and those that are folded away until they say something.
MAIN = (
    "product",
    "quantity",
    "metric",
    "channel",
    "entity",
    "valid_from",
    "valid_until",
    "maintenance_until",
    "proof",
    "part_number",
)
RIGHTS = (
    "downgrade",
    "edition_downgrade",
    "second_use",
    "devices_per_user",
    "virtual_machines",
    "bound_to",
    "requires_base",
    "perpetual",
    "previous_owners",
    "first_sale",
)
NARROWING = ("q", "publisher", "channel", "state")
YES_OR_NO = {"downgrade", "edition_downgrade", "second_use", "perpetual"}
DAYS = {"valid_from", "valid_until", "maintenance_until"}
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.ms-excel"}


@router.page("/pools", Permission.READ)
def pools_page(
    request: Request,
    visit: Visit,
    q: str = "",
    publisher: str = "",
    channel: str = "",
    state: str = "",
    after: str = "",
    before: str = "",
) -> Response:
    """The lines, filtered."""
    check_publisher(visit.collector.catalogue, publisher or None)
    asked = {
        "q": q,
        "publisher": publisher,
        "channel": channel,
        "state": state,
        "after": after,
        "before": before,
    }
    everything = pools.owned(visit.collector.store)
    found = [each for each in everything if _is_wanted(visit, each, asked)]
    narrowed = {name: asked[name] for name in NARROWING if asked[name]}
    catalogue, text = visit.collector.catalogue, visit.collector.messages.text
    of = sorted({publisher_of(line.product) for line, _ in everything})
    return page(
        request,
        "pools.html",
        {
            "asked": asked,
            "list": cut(found, lambda each: each[0].id, "/pools", asked),
            "as_file": lambda form: f"/pools/export?{urlencode({'form': form, **narrowed})}",
            "count_of_all": len(everything),
            "row": lambda each: _row(visit, *each),
            "publishers": [(each, catalogue.publishers.get(each, each)) for each in of],
            "channels": [(each.value, text(said)) for each, said in pool_wording.CHANNELS.items()],
            "states": [(name, text(said)) for name, said in STATES.items()],
        },
    )


@router.page("/pools/export", Permission.READ)
def export(
    request: Request,
    visit: Visit,
    form: str = "csv",
    q: Filter = "",
    publisher: Filter = "",
    channel: Filter = "",
    state: Filter = "",
) -> Response:
    """The lines that the list is narrowed to; as CSV and XLSX they can be taken in again."""
    if form not in (*TYPES, "json"):
        raise UsageError(N_("there is no form {form}: csv, xlsx or json"), form=form)
    check_publisher(visit.collector.catalogue, publisher or None)
    asked = {"q": q, "publisher": publisher, "channel": channel, "state": state}
    everything = pools.owned(visit.collector.store)
    lines = [line for line, kinds in everything if _is_wanted(visit, (line, kinds), asked)]
    given = {name: said.replace("\0", "") for name, said in asked.items() if said}
    visit.collector.took_out(f"pools.{form}", **given)
    if form == "json":
        names = tuple(each.name for each in fields_of(Entitlement))
        return tables.answer("pools", form, names, map(pool_wording.document, lines))
    return download(wired.written(lines, form), f"quitus-pools.{form}", TYPES[form])


@router.page("/pools/line", Permission.READ)
def line_page(request: Request, visit: Visit, id: str) -> Response:
    """One line: what it says, what it said, what proves it."""
    return _line(request, visit, id)


@router.form("/pools/line", Permission.EDIT)
def edit(request: Request, visit: Visit, fields: Fields) -> Response:
    """Changes the line; who comes second is told, and keeps what was typed."""
    line_id, seen = fields.get("id", ""), fields.get("seen", "")
    typed = {name: fields[name].strip() for name in (*MAIN, *RIGHTS) if name in fields}
    before = _as_seen(visit, line_id, seen)
    changed = {name: value for name, value in typed.items() if value != before[name]}
    try:
        wired.edit(visit.collector, line_id, changed, fields.get("reason", ""), seen)
    except pools.Overtaken as error:
        return _line(request, visit, line_id, typed=changed, overtaken=error.line, status=409)
    except UsageError as error:
        said = complaints(visit, error)
        return _line(request, visit, line_id, typed=changed, said=said, status=422)
    visit.figures.expire()
    return go(request, line_address(line_id))


@router.form("/pools/line/remove", Permission.EDIT)
def remove(request: Request, visit: Visit, fields: Fields) -> Response:
    """Takes the line out as it was seen; its history stays."""
    line_id, reason = fields.get("id", ""), fields.get("reason", "").strip()
    if not reason:
        said = visit.collector.messages.text("Say why the line is taken out: the history keeps it.")
        return _line(request, visit, line_id, said=[said], status=422)
    collector, seen = visit.collector, fields.get("seen", "")
    act = Act(collector.actor, reason)
    try:
        pools.remove_entitlement(collector.store, collector.clock, line_id, act, seen=seen)
    except pools.Overtaken as error:
        return _line(
            request,
            visit,
            line_id,
            overtaken=error.line,
            removal=reason,
            status=HTTPStatus.CONFLICT,
        )
    except UsageError as error:
        wrong = complaints(visit, error)
        return _line(request, visit, line_id, said=wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    visit.figures.expire()
    return go(request, line_address(line_id))


@router.form("/pools/proofs", Permission.EDIT)
def add_proof(
    request: Request,
    visit: Visit,
    fields: Fields,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Keeps a document for the line."""
    content, name = content_of(file)
    kind = next((each for each in ProofKind if each.value == fields.get("kind")), ProofKind.OTHER)
    with uploaded(content, name) as path:
        wired.add_proof(visit.collector, path, fields.get("id", ""), kind)
    return go(request, line_address(fields.get("id", "")))


@router.form("/pools/proofs/remove", Permission.EDIT)
def remove_proof(request: Request, visit: Visit, fields: Fields) -> Response:
    """Takes a document off the line; the file stays."""
    collector = visit.collector
    act = Act(collector.actor, fields.get("reason", "").strip())
    line_id = fields.get("id", "")
    if not act.reason:
        said = collector.messages.text("Say why the document is taken off: the history keeps it.")
        return _line(request, visit, line_id, said=[said], status=422)
    proving.remove_proof(collector.store, collector.clock, fields.get("sha256", ""), line_id, act)
    return go(request, line_address(line_id))


@router.page("/pools/proofs/{sha256}", Permission.READ)
def proof(request: Request, visit: Visit, sha256: str) -> Response:
    """The document, as it was kept."""
    with visit.collector.store.reading() as work:
        known = [each for each in work.proofs.list(removed=True) if each.sha256 == sha256]
    if not known:
        raise UsageError(N_("no document {sha256} is kept"), sha256=sha256)
    content = wired.document(visit.collector, sha256)
    visit.collector.took_out(known[-1].name, sha256=sha256)
    return download(content, known[-1].name)


@router.form("/pools/proofs/verify", Permission.READ)
def verify(request: Request, visit: Visit) -> Response:
    """Reads every document again, which takes as long as there are documents."""
    return ask(request, visit, "proofs-verify")


def verify_proofs(work: Work) -> dict[str, str]:
    """The job of it."""
    found = wired.verify_proofs(work.collector)
    messages = work.collector.messages
    damaged = [each for each in found if each.condition is proving.Condition.DAMAGED]
    if not damaged:
        said = messages.count(
            "{n} document was read again: it is whole",
            "{n} documents were read again: all are whole",
            len(found),
        )
        return {"said": said}
    names = sorted({f"{each.entitlement} ({each.name})" for one in damaged for each in one.proofs})
    raise UsageError(
        N_("{count} of {total} documents are damaged or gone: {names}"),
        count=len(damaged),
        total=len(found),
        names=", ".join(names[:20]),
    )


def _is_wanted(visit: Visitor, each: Owned, asked: Mapping[str, str]) -> bool:
    line, kinds = each
    return (
        asked["publisher"] in ("", publisher_of(line.product))
        and asked["channel"] in ("", line.channel.value)
        and (
            not asked["state"]
            or asked["state"] in _states(line, kinds, visit.collector.clock.today())
        )
        and (not asked["q"] or _has(visit, line, asked["q"].lower().split()))
    )


def _has(visit: Visitor, line: Entitlement, wanted: Sequence[str]) -> bool:
    """Whether all words stand somewhere in the line."""
    label = visit.collector.catalogue.label(line.product)
    told = (line.id, line.product, label, line.proof, line.part_number, line.bought_as)
    words = " ".join((*told, line.entity or "")).lower()
    return all(each in words for each in wanted)


def _states(line: Entitlement, kinds: frozenset[ProofKind], today: date) -> Sequence[str]:
    found = []
    if line.is_valid_on(today):
        found.append("in-force")
    elif line.valid_until and line.valid_until < today:
        found.append("ended")
    else:
        found.append("to-come")
    if strength(line, kinds) is Strength.NONE:
        found.append("unproven")
    if title_flaws(line, kinds):
        found.append("flawed")
    return found


def _row(visit: Visitor, line: Entitlement, kinds: frozenset[ProofKind]) -> dict[str, object]:
    messages = visit.collector.messages
    in_force, *_ = states = _states(line, kinds, visit.collector.clock.today())
    return {
        "line": line,
        "address": line_address(line.id),
        "label": visit.collector.catalogue.label(line.product),
        "metric": messages.text(METRICS[line.metric]),
        "channel": messages.text(pool_wording.CHANNELS[line.channel]),
        "limits": pool_wording.limits(line, messages),
        "state": messages.text(STATES[in_force]),
        "look": {"in-force": "good", "ended": "bad", "to-come": "open"}[in_force],
        "proven": messages.text(pool_wording.STRENGTHS[strength(line, kinds)]),
        "is_flawed": "flawed" in states,
    }


def _line(
    request: Request,
    visit: Visitor,
    line_id: str,
    *,
    typed: Mapping[str, str] | None = None,
    overtaken: Entitlement | None = None,
    said: Sequence[str] = (),
    removal: str = "",
    status: int = 200,
) -> Response:
    """The page of a line; with what a person typed, where that could not be kept.

    `removal` is why the line was to be taken out.
    """
    messages, store = visit.collector.messages, visit.collector.store
    happened = pools.history(store, line_id)
    line = happened[-1].entitlement
    documents = proving.proofs(store, line_id, removed=True)
    kinds = frozenset(each.kind for each in documents if each.removed_at is None)
    now = as_typed(line)
    context = {
        "line": line,
        "label": visit.collector.catalogue.label(line.product),
        "is_there": happened[-1].kind is not Happening.REMOVED,
        "facts": [
            (messages.text(pool_wording.FIELDS[each.name]), pool_wording.said(value, messages))
            for each in fields_of(Entitlement)
            if (value := getattr(line, each.name)) not in (None, "", (), False)
            or each.name in MAIN[:4]
        ],
        "strength": messages.text(pool_wording.STRENGTHS[strength(line, kinds)]),
        "flaws": [messages.text(pool_wording.FLAWS[each]) for each in title_flaws(line, kinds)],
        "happened": [
            {
                "at": each.at,
                "by": each.act.actor,
                "reason": each.act.reason,
                "what": messages.text(pool_wording.HAPPENINGS[each.kind]),
                "differences": [pool_wording.difference(one, messages) for one in each.differences],
            }
            for each in reversed(happened)
        ],
        "documents": documents,
        "kind_of": lambda each: messages.text(pool_wording.KINDS[each.kind]),
        "kinds": [(each.value, messages.text(name)) for each, name in pool_wording.KINDS.items()],
        "seen": pools.fingerprint(line),
        "now": now,
        "value": {**now, **(typed or {})},
        "typed": typed or {},
        "overtaken": overtaken,
        "removal": removal,
        "duplicate": f"/pools/new?{urlencode({'like': line_id})}",
        "last": happened[-1],
        "said": said,
        "main": [form_field(visit, name) for name in MAIN],
        "rights": [form_field(visit, name) for name in RIGHTS],
        "has_rights": any(now[name] not in ("", "no") for name in RIGHTS),
    }
    return page(request, "pool_line.html", context, status=status)


def form_field(visit: Visitor, name: str, *, is_unsaid: bool = False) -> dict[str, object]:
    """How a field is asked for; `is_unsaid` offers to choose no metric yet."""
    text = visit.collector.messages.text
    options: list[tuple[str, str]] = []
    unsaid = [("", text("not stated"))] if is_unsaid or name == "perpetual" else []
    if name == "metric":
        options = [*unsaid, *((each.value, text(METRICS[each])) for each in Metric)]
    elif name == "channel":
        options = [(each.value, text(pool_wording.CHANNELS[each])) for each in Channel]
    elif name in YES_OR_NO:
        options = [*unsaid, ("yes", text("yes")), ("no", text("no"))]
    label = text(pool_wording.FIELDS[name])
    return {
        "name": name,
        "label": label[:1].upper() + label[1:],
        "options": options,
        "type": "date" if name in DAYS else "text",
    }


def as_typed(line: Entitlement) -> dict[str, str]:
    """A line as its form has it."""
    found = {}
    for name in (*MAIN, *RIGHTS):
        value = pool_wording.plain_value(getattr(line, name))
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, list):
            value = "; ".join(value)
        found[name] = "" if value is None else str(value)
    return found


def _as_seen(visit: Visitor, line_id: str, seen: str) -> dict[str, str]:
    """What the form was made from: the line of now, or one of before."""
    with visit.collector.store.reading() as work:
        held: Sequence[Held] = work.entitlements.history(line_id)
    if not held:
        raise UsageError(N_("no entitlement has the id {id}"), id=line_id)
    for each in reversed(held):
        if pools.fingerprint(each.entitlement) == seen:
            return as_typed(each.entitlement)
    return as_typed(held[-1].entitlement)


def complaints(visit: Visitor, error: UsageError) -> list[str]:
    """Each in a sentence."""
    messages = visit.collector.messages
    if isinstance(error, pools.Refused):
        return [pools.as_problem(each).told(messages) for each in error.preview.complaints]
    return [messages.error(error)]


def line_address(line_id: str) -> str:
    """Of the page of a line."""
    return f"/pools/line?{urlencode({'id': line_id})}"
