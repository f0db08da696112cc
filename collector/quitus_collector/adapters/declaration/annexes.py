"""The annexes of a declaration: what its figures rest on, and what is to be said besides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256

from quitus_collector.domain.declaration import Approval, Declaration
from quitus_collector.domain.entitlement import Channel, Entitlement
from quitus_collector.services import perimeter_wording, wording
from quitus_collector.services.ports import Messages

# How wide a column is, and how its cells stand.
WIDE, NARROW, NUMBER = "wide", "narrow", "number"


@dataclass(frozen=True, slots=True)
class Annex:
    """Paragraphs, items, facts, one table, digests, in this order; each may be empty."""

    title: str
    paragraphs: Sequence[str] = ()
    items: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    widths: Sequence[str] = ()
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    digests: Sequence[tuple[str, str]] = field(default=())


def annexes(
    declaration: Declaration, files: Mapping[str, bytes], messages: Messages
) -> list[dict[str, object]]:
    """Those that have something to say, numbered; `files` are those inside the document."""
    made = [
        _perimeter(declaration, messages),
        _sites(declaration, messages),
        _systems(declaration, messages),
        _reservations(declaration, messages),
        _readings(declaration, messages),
        _entitlements(declaration, messages),
        _exemptions(declaration, messages),
        _overrides(declaration, messages),
        _remediation(declaration, messages),
        _approvals(declaration, messages),
        _own_rules(declaration, messages),
        _versions(declaration, files, messages),
    ]
    return [
        asdict(annex)
        | {
            "title": messages.text("Annex {n}: {title}", n=number, title=annex.title),
            "facts": _labelled(annex.facts),
            "digests": _labelled(annex.digests),
        }
        for number, annex in enumerate(filter(None, made), 1)
    ]


def _labelled(rows: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for label, value in rows]


def _perimeter(declaration: Declaration, messages: Messages) -> Annex:
    perimeter, text = declaration.position.perimeter, messages.text
    oldest, number = perimeter.oldest_report_at, messages.number
    entities = ", ".join(map(wording.siren, perimeter.entities))
    rows = [
        (
            _where(each.name, messages),
            "–" if each.expected is None else number(each.expected),
            number(each.enrolled),
            number(each.reporting),
            number(each.stale),
            number(each.with_failed_sources),
        )
        for each in declaration.reach
    ]
    return Annex(
        text("What this declaration rests on"),
        facts=[
            (text("Legal entities of the devices (SIREN)"), entities or text("not stated")),
            (text("Date of the position"), messages.moment(declaration.position.as_of)),
            (text("Devices enrolled"), number(perimeter.enrolled)),
            (text("Devices that reported in the last 30 days"), number(perimeter.reporting)),
            (text("Devices silent for longer"), number(perimeter.stale)),
            (text("Oldest report"), messages.moment(oldest) if oldest else "–"),
            (text("Of these, read in part only"), number(perimeter.with_failed_sources)),
            *(
                (
                    perimeter_wording.exclusion(each.reason, messages, each.said),
                    number(each.devices),
                )
                for each in declaration.exclusions
            ),
            *perimeter_wording.silent(perimeter, messages),
        ],
        widths=[WIDE, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER],
        headings=[
            text("Devices of"),
            text("Expected"),
            text("Enrolled"),
            text("Reporting"),
            text("Silent"),
            text("In part"),
        ],
        rows=rows,
    )


def _sites(declaration: Declaration, messages: Messages) -> Annex | None:
    sites, text = declaration.position.perimeter.sites, messages.text
    if not sites:
        return None
    return Annex(
        text("Coverage by site"),
        widths=[WIDE, NUMBER, NUMBER, NUMBER],
        headings=[text("Site"), text("Enrolled"), text("Reporting"), text("Share")],
        rows=[
            (
                each.site or text("no site stated"),
                messages.number(each.enrolled),
                messages.number(each.reporting),
                text("{n} %", n=messages.number(100 * each.reporting // each.enrolled)),
            )
            for each in sites
        ],
    )


def _systems(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.systems:
        return None
    text, number = messages.text, messages.number
    has_list = any(each.expected is not None for each in declaration.systems)
    return Annex(
        text("Coverage by system"),
        [
            text(
                "A device is of the system that it last reported; where it reported none, of the "
                "one that the company’s list of expected devices states; otherwise its system is "
                "unknown."
            ),
            text("The list is the one of the day on which this declaration was drafted.")
            if has_list
            else text(
                "The company has no list of expected devices: how many there should be is not "
                "known."
            ),
        ],
        widths=[WIDE, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER],
        headings=[
            text("System"),
            text("Expected"),
            text("Enrolled"),
            text("Reporting"),
            text("Silent"),
            text("Never seen"),
        ],
        rows=[
            (wording.system(each.system, messages), *map(number, figures))
            for each in declaration.systems
            for figures in [
                (each.expected, each.enrolled, each.reporting, each.silent, each.never_seen)
            ]
        ],
    )


def _readings(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.readings:
        return None
    text = messages.text
    return Annex(
        text("Rules that are read differently"),
        [
            text(
                "Publishers and customers read these rules differently. The figures follow the "
                "reading that is stated here; the other one is not given up by it."
            )
        ],
        widths=[WIDE, NARROW, WIDE],
        headings=[text("Rule"), text("Reading"), text("Reason of the company")],
        rows=[
            (
                wording.contested(each.rule, messages)[0],
                wording.reading(each.reading, messages),
                each.reason or text("as the catalogue has it"),
            )
            for each in declaration.readings
        ],
    )


def _exemptions(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.exemptions:
        return None
    text = messages.text
    evidence = {each.id: each.evidence for each in declaration.exemptions}
    return Annex(
        text("Installs that need no licence"),
        widths=[WIDE, NUMBER, NARROW, WIDE],
        headings=[text("Product"), text("Installed"), text("Exemption"), text("Granted by")],
        rows=[
            (line.label, messages.number(installs), name, evidence.get(name, "") or "–")
            for line in declaration.lines
            for name, installs in line.exempt
        ],
    )


def _where(name: str, messages: Messages) -> str:
    if not name:
        return messages.text("no legal entity stated")
    return wording.siren(name) if len(name) == 9 and name.isdecimal() else name


def _reservations(declaration: Declaration, messages: Messages) -> Annex:
    unknown = len(declaration.position.unknown)
    labels = {line.product: line.label for line in declaration.lines}
    said = [
        *(
            f"{labels.get(each.product, each.product)} – {each.text}" if each.product else each.text
            for each in declaration.reservations
        ),
        *perimeter_wording.notes(declaration.position.perimeter, messages),
        *([wording.unknown_summary(unknown, messages)] if unknown else []),
        messages.text(
            "confidence in a line is high where at least 95 % of its installs are on devices that "
            "were read whole in the last 30 days, medium from 80 % on, low below"
        ),
    ]
    if declaration.state == "draft":
        said.insert(
            0, messages.text("This draft is to be reviewed by counsel before it is signed.")
        )
    return Annex(messages.text("Reservations"), items=said)


def _entitlements(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.entitlements:
        return None
    text = messages.text
    labels = {line.product: line.label for line in declaration.lines}
    return Annex(
        text("Licences and their proofs"),
        widths=[NARROW, WIDE, NUMBER, NARROW, WIDE, WIDE],
        headings=[
            text("Licence"),
            text("Product"),
            text("Quantity"),
            text("Metric"),
            text("Channel, rights and limits"),
            text("Proof of purchase"),
        ],
        rows=[
            (
                each.id,
                labels.get(each.product, each.product),
                messages.number(each.quantity),
                text(wording.METRICS[each.metric]),
                "; ".join(_rights(each, messages)) or "–",
                each.proof or "–",
            )
            for each in declaration.entitlements
        ],
    )


def _rights(line: Entitlement, messages: Messages) -> Iterable[str]:
    text = messages.text
    if line.channel is not Channel.UNSTATED:
        yield text(wording.CHANNELS[line.channel])
    if line.downgrade:
        yield text("lower versions")
    if line.edition_downgrade:
        yield text("lower editions")
    if line.maintenance_until:
        day = messages.day(line.maintenance_until.isoformat())
        yield text("maintained until {day}", day=day)
    if line.second_use:
        yield text("second use")
    if line.devices_per_user:
        yield text("{n} devices a person", n=line.devices_per_user)
    if line.requires_base:
        yield text("upgrade of {product}", product=line.requires_base)
    if line.entity:
        yield text("only for {entity}", entity=wording.siren(line.entity))
    if line.bound_to:
        yield text("bound to one device")
    if line.valid_from:
        yield text("from {day}", day=messages.day(line.valid_from.isoformat()))
    if line.valid_until:
        yield text("until {day}", day=messages.day(line.valid_until.isoformat()))


def _overrides(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.overrides:
        return None
    text = messages.text
    return Annex(
        text("What was approved in spite of a guard"),
        widths=[NARROW, WIDE, NARROW, NARROW],
        headings=[text("Guard"), text("Reason"), text("By"), text("Date")],
        rows=[
            (wording.guard(each.guard, messages), each.reason, each.by, messages.moment(each.at))
            for each in declaration.overrides
        ],
    )


def _remediation(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.remediation:
        return None
    text = messages.text
    labels = {line.product: line.label for line in declaration.lines}
    return Annex(
        text("Remediation plan"),
        widths=[WIDE, WIDE, NUMBER, NARROW],
        headings=[text("Product"), text("Action"), text("Quantity"), text("By the")],
        rows=[
            (
                labels.get(each.product, each.product) or text("all lines"),
                each.action,
                messages.number(each.quantity),
                messages.day(each.due.isoformat()) if each.due else "–",
            )
            for each in declaration.remediation
        ],
    )


def _approvals(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.approvals:
        return None
    text = messages.text
    return Annex(
        text("Approvals"),
        widths=[WIDE, WIDE, NARROW],
        headings=[text("Name"), text("Function"), text("Date")],
        rows=[
            (_approver(each, messages), each.function, messages.moment(each.at))
            for each in declaration.approvals
        ],
    )


def _approver(approval: Approval, messages: Messages) -> str:
    if not approval.is_author:
        return approval.name
    return messages.text("{name}, who also drafted or changed it", name=approval.name)


def _own_rules(declaration: Declaration, messages: Messages) -> Annex | None:
    if not declaration.own_rules:
        return None
    text = messages.text
    return Annex(
        text("The company’s own rules"),
        [text("The company recognises these names by rules of its own, beside the catalogue’s:")],
        widths=[WIDE, NARROW, WIDE],
        headings=[text("Product"), text("Class"), text("Names")],
        rows=[
            (
                each.product or "–",
                wording.software_class(each.software_class, messages),
                " · ".join(each.names),
            )
            for each in declaration.own_rules
        ],
    )


def _versions(declaration: Declaration, files: Mapping[str, bytes], messages: Messages) -> Annex:
    text = messages.text
    digests = [
        (text("Catalogue of products, SHA-256"), declaration.position.catalogue_digest),
        (text("The company’s own rules, SHA-256"), declaration.own_rules_digest),
        *(
            (text("{file}, SHA-256", file=name), sha256(each).hexdigest())
            for name, each in files.items()
        ),
        (
            text("Root of the evidence tree"),
            declaration.evidence.root if declaration.evidence else "",
        ),
    ]
    return Annex(
        text("Versions, digests and how to check them"),
        [
            text(
                "The files declaration.json and lines.csv inside this document hold the same "
                "figures for machines. The evidence tree binds every count to the devices it is "
                "made of: the company can prove the part of any single one later without showing "
                "the others. “quitus-collector declaration verify” and a verifier of one file "
                "check the signature, the timestamp, these digests and the sums."
            )
        ],
        facts=[
            (text("Counted by"), f"Quitus {declaration.software_version}"),
            (text("Catalogue of"), declaration.catalogue_version or "–"),
        ],
        digests=[(label, value) for label, value in digests if value],
    )
