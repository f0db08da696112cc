"""What if: the position after changes on paper, and what would close the gaps."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.domain.changes import Bought, Effect, LineChange, Moved
from quitus_collector.domain.job import Job
from quitus_collector.domain.position import PositionLine
from quitus_collector.domain.product import is_product_id
from quitus_collector.domain.remedy import Gap, Plan
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services import wording
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.pools import Refused, as_problem
from quitus_collector.services.ports import Messages
from quitus_collector.services.remedying import Advice
from quitus_collector.services.trying import Move, Purchase, Uninstall, WhatIf
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields, content_of
from quitus_collector.web.rendering import page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import AGAIN, LINK, Work, ask
from quitus_collector.wiring import explaining

router = Pages()
# Rows of each kind of change that the form has.
ROWS = 3
# Devices that are named one by one, and plans beside the cheapest.
DEVICES, PLANS = 12, 3
Upload = Annotated[UploadFile | None, File()]


@router.page("/simulator", Permission.READ)
def simulator(request: Request, visit: Visit, again: str = "") -> Response:
    """Asks what is to be tried; `again` is a trial whose changes are there to begin with."""
    asked = _own_job(visit, again).arguments if again else {}
    typed: Mapping[str, str] = json.loads(asked.get("typed", "{}"))
    return _form(request, visit, typed)


@router.form("/simulator", Permission.READ)
def attempt(request: Request, visit: Visit, fields: Fields, file: Upload = None) -> Response:
    """Has it counted."""
    has_file = file is not None and bool(file.filename)
    try:
        if not any(_parsed(fields)) and not has_file:
            raise UsageError(N_("nothing to try: fill in at least one change"))
        content, name = content_of(file) if has_file else (b"", "")
    except UsageError as error:
        said = visit.collector.messages.error(error)
        return _form(request, visit, fields, said, 422)
    typed = {name: value for name, value in fields.items() if name != "csrf"}
    again = {AGAIN: "/simulator?again="}
    return ask(request, visit, "what-if", content, typed=json.dumps(typed), file=name, **again)


@router.form("/simulator/remedies", Permission.READ)
def remedies(request: Request, visit: Visit, fields: Fields, file: Upload = None) -> Response:
    """Has what would close the gaps counted, at the prices of a list."""
    publisher = fields.get("publisher", "")
    check_publisher(visit.collector.catalogue, publisher or None)
    content, name = content_of(file) if file and file.filename else (b"", "")
    return ask(request, visit, "remedies", content, publisher=publisher, file=name, about=name)


@router.page("/simulator/results/{job_id}", Permission.READ)
def result(request: Request, visit: Visit, job_id: str) -> Response:
    """What came of it."""
    found = _own(visit, job_id)
    kind = found["kind"]
    template = "simulator_remedies.html" if kind == "remedies" else "simulator_result.html"
    return page(request, template, {"found": json.loads(found["document"]), "id": job_id})


def try_out(work: Work) -> dict[str, str]:
    """The job of trying changes."""
    asked, collector = work.arguments, work.collector
    uninstalls, purchases, moves = _parsed(json.loads(asked["typed"]))
    with uploaded(work.content, asked["file"] or "nothing") as path:
        try:
            found = explaining.what_if(
                collector, uninstalls, purchases, moves, path if asked["file"] else None
            )
        except Refused as refused:
            raise _refused(refused, asked["file"], collector.messages) from refused
    return {"document": json.dumps(_what_if(found, collector.messages)), **_where(work)}


def advise(work: Work) -> dict[str, str]:
    """The job of remedies."""
    asked, collector = work.arguments, work.collector
    with uploaded(work.content, asked["file"] or "nothing") as path:
        try:
            found = explaining.advise(
                collector, path if asked["file"] else None, asked["publisher"] or None
            )
        except Refused as refused:
            raise _refused(refused, asked["file"], collector.messages) from refused
    return {"document": json.dumps(_advice(found, collector.messages)), **_where(work)}


def _where(work: Work) -> dict[str, str]:
    return {LINK: f"/simulator/results/{work.id}"}


def _refused(refused: Refused, name: str, messages: Messages) -> UsageError:
    complaints = refused.preview.complaints
    told = "; ".join(as_problem(each).told(messages) for each in complaints[:5])
    return UsageError(
        N_("{count} complaints about {file}, nothing was counted: {said}"),
        count=len(complaints),
        file=name,
        said=told,
    )


def _own(visit: Visitor, job_id: str) -> dict[str, str]:
    """The arguments and the result of a trial of one's own; raises UsageError."""
    job = _own_job(visit, job_id)
    if "document" not in job.result:
        raise UsageError(N_("no job has the id {id}"), id=job_id)
    return {**job.arguments, **job.result, "kind": job.kind}


def _own_job(visit: Visitor, job_id: str) -> Job:
    """One that was asked for here; raises UsageError."""
    with visit.collector.store.reading() as work:
        job = work.jobs.get(job_id)
    if job.actor != visit.collector.actor or job.kind not in ("what-if", "remedies"):
        raise UsageError(N_("no job has the id {id}"), id=job_id)
    return job


def _form(
    request: Request,
    visit: Visitor,
    typed: Mapping[str, str],
    said: str = "",
    status: int = 200,
) -> Response:
    catalogue = visit.collector.catalogue
    try:
        lines: Sequence[PositionLine] = visit.figures.position().value.lines
    except CollectorError:
        lines = ()
    installed = [(each.product, each.label) for each in lines if each.installed]
    names = catalogue.publishers
    context = {
        "typed": defaultdict(str, typed),
        "said": said,
        "rows": range(1, ROWS + 1),
        "installed": [("", "–"), *installed],
        "products": sorted({*catalogue.products, *(each.product for each in lines)}),
        "publishers": sorted(names.items(), key=lambda each: each[1].lower()),
    }
    return page(request, "simulator.html", context, status=status)


Changes = tuple[list[Uninstall], list[Purchase], list[Move]]


def _parsed(fields: Mapping[str, str]) -> Changes:
    """The changes that a form asks for; raises UsageError for what is wrong with one."""
    found: Changes = [], [], []
    for number in range(1, ROWS + 1):

        def given(name: str, number: int = number) -> str:
            return fields.get(f"{name}-{number}", "").strip()

        if product := given("without"):
            found[0].append(Uninstall(_product(product), given("device") or None))
        if product := given("buy"):
            quantity = given("quantity")
            if not quantity.isdigit() or not 0 < int(quantity) < 10_000_000:
                raise UsageError(N_("the quantity is a number from 1 on"))
            found[1].append(Purchase(_product(product), int(quantity)))
        if product := given("from"):
            devices = [each.strip() for each in given("who").split(",") if each.strip()]
            found[2].append(
                Move(_product(product), _product(given("to")), tuple(devices or ["all"]))
            )
    return found


def _product(text: str) -> str:
    if not is_product_id(text):
        raise UsageError(N_("{product} is no product: choose one of the list"), product=text or "–")
    return text


def _what_if(found: WhatIf, messages: Messages) -> dict[str, Any]:
    before, after = found.missing
    labels = {line.product: line.label for line in (*found.before, *found.after)}
    return {
        "as_of": messages.moment(found.as_of),
        "missing": [messages.number(before), messages.number(after)],
        "better": after < before,
        "effects": [_effect(each, labels, messages) for each in found.effects],
        "lines": [_difference(each, messages) for each in found.differences],
    }


def _effect(effect: Effect, labels: Mapping[str, str], messages: Messages) -> str:
    change = effect.change
    if isinstance(change, Bought):
        label = labels.get(change.entitlement.product, change.entitlement.product)
        return messages.count(
            "{product}: {n} licence bought",
            "{product}: {n} licences bought",
            effect.licences,
            product=label,
        )
    label = labels.get(change.product, change.product)
    if isinstance(change, Moved):
        to = labels.get(change.entitlement.product, change.entitlement.product)
        return messages.count(
            "{product} → {to}: {n} install moved",
            "{product} → {to}: {n} installs moved",
            effect.installs,
            product=label,
            to=to,
        )
    return messages.count(
        "{product}: {n} install taken away",
        "{product}: {n} installs taken away",
        effect.installs,
        product=label,
    )


def _difference(change: LineChange, messages: Messages) -> dict[str, Any]:
    def figures(line: PositionLine | None) -> list[int | None]:
        if line is None:
            return [0, 0, 0]
        return [line.installed, line.entitled, line.missing]

    now, then = figures(change.before), figures(change.after)
    state = change.after or change.before
    return {
        "label": change.label,
        "figures": [
            [messages.number(one), messages.number(other), one != other]
            for one, other in zip(now, then, strict=True)
        ],
        "state": wording.state_name(state.state, messages) if state else "",
        "look": state.state.value if state else "",
    }


def _advice(found: Advice, messages: Messages) -> dict[str, Any]:
    return {
        "as_of": messages.moment(found.as_of),
        "has_prices": found.has_prices,
        "cost": messages.money(found.cost, found.currency),
        "gaps": [_gap(each, found, messages) for each in found.found.gaps],
        "undetermined": found.undetermined,
        "left_out": [
            messages.text(
                "offer {offer} left out: {reason}",
                offer=name,
                reason=messages.text(wording.REASONS[reason]),
            )
            for name, reason in found.found.uncountable.items()
        ]
        + [
            messages.text("offer {offer} left out: its price is not valid today", offer=name)
            for name in found.expired
        ]
        + [
            messages.text("offer {offer} left out: its price is in another currency", offer=name)
            for name in found.foreign
        ],
    }


def _gap(gap: Gap, found: Advice, messages: Messages) -> dict[str, Any]:
    others = [each for each in gap.alternatives if not gap.plan or each != gap.plan]
    return {
        "missing": [
            (found.labels[product], messages.number(n)) for product, n in gap.missing.items()
        ],
        "to_buy": [
            (found.labels.get(product, product), messages.number(n))
            for product, n in gap.to_buy.items()
        ],
        "plan": _plan(gap.plan, found, messages) if gap.plan and gap.plan.purchases else None,
        "others": [_plan(each, found, messages) for each in others[:PLANS]],
        "transfers": [
            messages.text(
                "move {units} of {entitlement}, reserved to {entity}, to another company, if the"
                " contract lets you",
                units=messages.count("{n} licence", "{n} licences", each.units),
                entitlement=each.entitlement.id,
                entity=wording.siren(each.entitlement.entity or ""),
            )
            for each in gap.transfers
        ],
        "replacements": [
            messages.text(
                "put {other}, of which licences are left over, in place of {product}: {devices}",
                other=found.labels[each.by],
                product=found.labels[each.product],
                devices=_named(each.devices, found, messages),
            )
            for each in gap.replacements
        ],
        "devices": [
            (found.labels[product], _named(devices, found, messages))
            for product, devices in gap.devices.items()
        ],
    }


def _plan(plan: Plan, found: Advice, messages: Messages) -> dict[str, Any]:
    return {
        "cost": messages.money(plan.cost, found.currency),
        "purchases": [
            {
                "units": messages.number(each.units),
                "label": found.labels[each.offer.licence.product],
                "offer": each.offer.licence.id,
                "times": messages.number(each.times),
                "price": messages.money(each.offer.price, found.currency),
                "cost": messages.money(each.cost, found.currency),
            }
            for each in plan.purchases
        ],
        "left": messages.number(sum(plan.missing.values())),
    }


def _named(devices: Sequence[str], found: Advice, messages: Messages) -> str:
    """Some of the devices, those that are silent first: nobody may miss what is on them."""
    silent = sorted(found.names[each] for each in devices if each in found.silent)
    others = sorted(found.names[each] for each in devices if each not in found.silent)
    names = [messages.text("{device} (silent)", device=each) for each in silent] + others
    more = len(names) - DEVICES
    told = ", ".join(names[:DEVICES])
    return f"{told} {messages.text('and {n} more', n=messages.number(more))}" if more > 0 else told
