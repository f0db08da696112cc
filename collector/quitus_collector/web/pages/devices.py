"""The devices: a list to look through, one device with all that is known of it, decisions."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Query, Request, Response

from quitus_collector.adapters import cyclonedx
from quitus_collector.domain.account import Permission
from quitus_collector.domain.company import is_siren
from quitus_collector.domain.device import fingerprint
from quitus_collector.domain.install import Install
from quitus_collector.domain.perimeter import Role, Scope
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.domain.roster import Condition, Sought
from quitus_collector.errors import UsageError
from quitus_collector.services import access, enrolment, perimeter, reporting, roster
from quitus_collector.services.perimeter import PlacementLine
from quitus_collector.web.paging import address, place_of, told
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit

router = Pages()
Text = Annotated[str, Form(max_length=1000)]
Filter = Annotated[str, Query(max_length=255)]
CLASSES = list(SoftwareClass)
PARTS = (SoftwareClass.COMPONENT, SoftwareClass.UPDATE)


@router.page("/devices", Permission.DEVICES)
def devices(
    request: Request,
    visit: Visit,
    text: Filter = "",
    condition: Filter = "",
    site: Filter = "",
    entity: Filter = "",
    ending: bool = False,
    after: Annotated[str, Query(max_length=400)] = "",
    before: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """A page of the list."""
    store, clock = visit.collector.store, visit.collector.clock
    sought = sought_of(text, condition, site, entity, ending)
    beyond = place_of(before or after)
    turned = roster.turn(store, clock, sought, beyond=beyond, forward=not before)
    filters = {
        "text": sought.text,
        "condition": condition,
        "site": site,
        "entity": entity,
        "ending": "true" if ending else "",
    }
    with store.reading() as work:
        waiting = sum(each.approved is None for each in work.requests.list())
        entities = work.decisions.entities()
    context = {
        "turned": turned,
        "filters": filters,
        "stale": roster.moments(clock.now()).stale,
        "moments": roster.moments(clock.now()),
        "sites": visit.figures.watch().value.sites,
        "entities": {each.siren: each.name for each in entities},
        "conditions": list(Condition),
        "waiting": waiting,
        "previous": turned.before and address("/devices", filters, before=told(turned.before)),
        "next": turned.after and address("/devices", filters, after=told(turned.after)),
        "export": lambda form: address("/exports/devices", filters, form=form),
    }
    return page(request, "devices.html", context)


@router.page("/devices/requests", Permission.DEVICES)
def requests(request: Request, visit: Visit) -> Response:
    """The devices without a token that wait for a person."""
    with visit.collector.store.reading() as work:
        found = work.requests.list()
        entities = work.decisions.entities()
    return page(request, "requests.html", {"requests": found, "entities": entities})


@router.form("/devices/requests/{request_id}", Permission.ADMINISTER)
def decide(
    request: Request, visit: Visit, request_id: str, decision: Text, entity: Text = ""
) -> Response:
    """Lets one that waits in, or turns it away."""
    if decision not in ("approve", "deny"):
        raise UsageError("a request is approved or denied")
    enrolment.decide(
        visit.collector.store,
        visit.collector.clock,
        request_id,
        approved=decision == "approve",
        entity=_siren(entity),
        actor=visit.collector.actor,
    )
    return go(request, "/devices/requests")


@router.page("/devices/{device_id}", Permission.DEVICES)
def device(request: Request, visit: Visit, device_id: str) -> Response:
    """One device: facts, sources, certificate, installs, what each was recognised as."""
    collector = visit.collector
    known = roster.known(collector.store, device_id)
    moments = roster.moments(collector.clock.now())
    installs = _recognised(visit, known.installs)
    context = {
        "known": known,
        "device": known.device,
        "placement": known.placement,
        "seen": perimeter.fingerprint(known.placement),
        "condition": known.row.condition(moments.stale),
        "moments": moments,
        "fingerprint": fingerprint(known.device.facts),
        "products": [pair for pair in installs if pair[1].software_class not in PARTS],
        "parts": [pair for pair in installs if pair[1].software_class in PARTS],
        "label": collector.catalogue.label,
        "roles": list(Role),
        "scopes": list(Scope),
    }
    return page(request, "device.html", context)


@router.page("/devices/{device_id}/history", Permission.DEVICES)
def history(request: Request, visit: Visit, device_id: str) -> Response:
    """All that is or was installed on it, the latest change first."""
    found, episodes = roster.history(visit.collector.store, device_id)
    ordered = sorted(
        episodes,
        key=lambda each: max(
            (at for at in (each.gone_at, each.first_seen) if at), default=found.enrolled_at
        ),
        reverse=True,
    )
    return page(request, "device_history.html", {"device": found, "episodes": ordered[:1000]})


@router.page("/devices/{device_id}/cyclonedx", Permission.DEVICES)
def bill_of_materials(visit: Visit, device_id: str) -> Response:
    """Its software as CycloneDX 1.6."""
    collector = visit.collector
    known = roster.known(collector.store, device_id)
    content = cyclonedx.document(known.device, known.installs, collector.catalogue)
    collector.took_out(f"device {device_id}", file="cyclonedx")
    return Response(
        content,
        media_type="application/vnd.cyclonedx+json; version=1.6",
        headers={"Content-Disposition": f'attachment; filename="{known.device.id}.cdx.json"'},
    )


@router.form("/devices/{device_id}/settle", Permission.EDIT)
def settle(request: Request, visit: Visit, device_id: str, decision: Text) -> Response:
    """Decides on a device in quarantine, or decides again."""
    collector = visit.collector
    try:
        decided = reporting.Decision(decision)
    except ValueError as error:
        raise UsageError("there is no decision {name}", name=decision) from error
    reporting.settle(collector.store, collector.clock, device_id, decided, collector.actor)
    visit.figures.expire()
    return go(request, f"/devices/{device_id}")


@router.form("/devices/{device_id}/place", Permission.EDIT)
def place(
    request: Request,
    visit: Visit,
    device_id: str,
    site: Text = "",
    entity: Text = "",
    role: Text = Role.PRODUCTION.value,
    scope: Text = Scope.COUNTED.value,
    reason: Text = "",
    seen: Text = "",
) -> Response:
    """Says where a device is, what it is for, and whether it counts."""
    collector = visit.collector
    if role not in set(Role) or scope not in set(Scope):
        raise UsageError("there is no decision {name}", name=f"{role}, {scope}")
    line = PlacementLine(
        device_id,
        entity.strip(),
        site.strip(),
        Role(role),
        Scope(scope),
        reason.strip(),
        seen=seen,
    )
    perimeter.place(collector.store, collector.clock, [line], actor=collector.actor)
    visit.figures.expire()
    return go(request, f"/devices/{device_id}")


@router.form("/devices/{device_id}/access", Permission.ADMINISTER)
def change_access(
    request: Request, visit: Visit, device_id: str, decision: Text, reason: Text = ""
) -> Response:
    """Shuts a device out, or lets it in again."""
    collector = visit.collector
    act = {"revoke": access.revoke, "restore": access.restore}.get(decision)
    if act is None:
        raise UsageError("there is no decision {name}", name=decision)
    if not reason.strip():
        raise UsageError("a decision on access needs a reason: the audit log keeps it")
    act(
        collector.store,
        collector.clock,
        device_id,
        actor=collector.actor,
        reason=reason.strip(),
    )
    return go(request, f"/devices/{device_id}")


def sought_of(text: str, condition: str, site: str, entity: str, ending: bool) -> Sought:
    """What the filters of the list say; raises UsageError."""
    return Sought(
        text=text.replace("\0", "").strip(),
        condition=_condition(condition),
        site=site or None,
        entity=entity or None,
        ending=ending,
    )


def _recognised(visit: Visit, installs: Sequence[Install]) -> list[tuple[Install, Recognition]]:
    """Each record with what it was recognised as, those that need a licence first."""
    catalogue = visit.collector.catalogue
    found = [(each, catalogue.recognise(each)) for each in installs]
    return sorted(found, key=lambda pair: CLASSES.index(pair[1].software_class))


def _condition(name: str) -> Condition | None:
    try:
        return Condition(name) if name else None
    except ValueError as error:
        raise UsageError("no device can be in the state {name}", name=name) from error


def _siren(text: str) -> str | None:
    siren = text.replace(" ", "")
    if siren and not is_siren(siren):
        raise UsageError("{siren!r} is not a SIREN: nine digits with their check digit", siren=text)
    return siren or None
