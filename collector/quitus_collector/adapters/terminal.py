"""Tables for people at a terminal, through rich; in a pipe, as wide as they need."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quitus_collector.adapters.x509 import Authority
from quitus_collector.domain.agent_version import is_older
from quitus_collector.domain.audit import Entry
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.comparison import Difference
from quitus_collector.domain.contested import ReadRule
from quitus_collector.domain.device import (
    CompanyAuthority,
    Device,
    EnrolmentRequest,
    JoinToken,
    Standing,
)
from quitus_collector.domain.findings import Finding
from quitus_collector.domain.history import Episode, Removal
from quitus_collector.domain.install import DeviceKind, Install
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement
from quitus_collector.domain.position import LineState, Position
from quitus_collector.domain.product import Product
from quitus_collector.domain.rule import Build
from quitus_collector.domain.triage import Group
from quitus_collector.domain.verification import Verification
from quitus_collector.services import wording
from quitus_collector.services.diagnosing import VERDICTS, Check
from quitus_collector.services.ports import Messages
from quitus_collector.services.readings import Readings
from quitus_collector.services.wording import N_

MIN_LABEL, MIN_WIDTH = 24, 40
# Longer lines are hard to read, however wide the terminal is.
NOTE_WIDTH = 110
METRIC = 1  # the column that a narrow terminal does without
HEADINGS = (
    N_("Product"),
    N_("Metric"),
    N_("Installed"),
    N_("Owned"),
    N_("Covered"),
    N_("Missing"),
    N_("Available"),
    N_("State"),
)
READINGS_OF_POSITION = (N_("Most favourable"), N_("As declared"), N_("Most severe"))
# In a pipe nothing may be cut to a width that nobody has.
PIPE_WIDTH = 240
MIB = 1024 * 1024
# All devices stand in the JSON.
SHOWN_DEVICES = 8


def position(position: Position, messages: Messages) -> None:
    """The effective licence position, the reason for each figure below it."""
    text = messages.text
    print(text("Effective licence position on {moment}", moment=messages.moment(position.as_of)))
    perimeter = position.perimeter
    print(
        text(
            "Devices that reported: {reporting} of {enrolled} enrolled; "
            "read in part only: {failed}",
            reporting=messages.number(perimeter.reporting),
            enrolled=messages.number(perimeter.enrolled),
            failed=messages.number(perimeter.with_failed_sources),
        )
    )
    for note in wording.perimeter_notes(perimeter, messages):
        print(note)
    for sentence, devices in wording.unreachable(perimeter, messages):
        print(f"  {devices}  {sentence}")
    if not position.lines:
        print(text("No commercial product was found and no licence is recorded."))
        return
    print(", ".join(total for _, total in wording.totals(position.lines, messages)))
    cells, notes = [tuple(map(text, HEADINGS))], [""]
    reasons = {line.reason for line in position.lines if line.reason}
    for line in position.lines:
        figures = (
            line.installed,
            line.entitled,
            line.covered_installs,
            line.missing,
            line.available,
        )
        metric, state = (
            wording.metric_name(line, messages),
            wording.state_name(line.state, messages),
        )
        cells.append((line.label, metric, *map(messages.number, figures), state))
        # One reason of all undetermined lines stands once, below them.
        told_below = line.reason and len(reasons) == 1
        notes.append("" if told_below else wording.why(line, messages))
    _print_with_notes(cells, notes)
    if len(reasons) == 1:
        state = wording.state_name(LineState.UNDETERMINED, messages)
        undetermined = next(line for line in position.lines if line.reason)
        print(f"{state} = {wording.why(undetermined, messages)}")
    if position.unknown:
        print(wording.unknown_summary(len(position.unknown), messages))


def side_by_side(found: Readings, messages: Messages) -> None:
    """What is missing under the three readings, then the rules that make the difference."""
    text, number = messages.text, messages.number
    declared = found.declared
    print(text("Effective licence position on {moment}", moment=messages.moment(declared.as_of)))
    positions = (found.best, declared, found.worst)
    by_product = [{line.product: line for line in each.lines} for each in positions]
    table = _table(text("Product"))
    for heading in (N_("Installed"), *READINGS_OF_POSITION):
        table.add_column(text(heading), justify="right")
    # In the order of the position, what only another reading has after it.
    in_order = (declared, found.best, found.worst)
    for product in dict.fromkeys(line.product for each in in_order for line in each.lines):
        lines = [each.get(product) for each in by_product]
        named = next(line for line in lines if line)
        installed = max(line.installed for line in lines if line)
        missing = [line.missing if line else 0 for line in lines]
        table.add_row(escape(named.label), number(installed), *map(number, missing))
    print(text("Without a licence, by how contested rules are read:"))
    _print(table)
    for name, each in zip(READINGS_OF_POSITION, positions, strict=True):
        missing_installs = sum(line.missing or 0 for line in each.lines)
        needing = sum(line.needing for line in each.lines if line.missing is not None)
        share = f"{100 * missing_installs / needing:.1f}" if needing else "0"
        print(
            text(
                "{reading}: {missing} of {needing} installs without a licence, {share} %",
                reading=text(name),
                missing=number(missing_installs),
                needing=number(needing),
                share=share.replace(".", ",") if messages.language == "fr" else share,
            )
        )
    readings(found.rules, messages)


def readings(rules: Iterable[ReadRule], messages: Messages) -> None:
    """Contested rules with their notes, and how each is read."""
    width = min(_console().width, NOTE_WIDTH)
    for each in rules:
        label, note = wording.contested(each.rule, messages)
        read = wording.reading(each.reading, messages)
        print()
        head = messages.text(
            "{label} ({id}): {reading}", label=label, id=each.rule.id, reading=read
        )
        print(f"{head} – {each.reason}" if each.reason else head)
        print(textwrap.fill(note, width, initial_indent="  ", subsequent_indent="  "))
        for source in each.rule.sources:
            print(f"  {source}")


def devices(devices: Iterable[Device], oldest_agent: str = "") -> None:
    """The enrolled devices, why some are not counted, and whose agent is too old to be heard."""
    table = _table("Device", "Id", "System", "Entity", "Agent", "Last report (UTC)")
    table.add_column("Installs", justify="right")
    count = 0
    set_apart, too_old = [], []
    for device in devices:
        last = f"{device.last_report_at:%Y-%m-%d %H:%M}" if device.last_report_at else "never"
        system = f"{device.facts.system} {device.facts.system_version}".strip()
        cells = (device.name, device.id, system, device.entity or "", device.agent_version, last)
        table.add_row(*map(escape, cells), f"{device.installs}")
        count += 1
        said = device.agent_version or device.last_report_at
        if oldest_agent and said and is_older(device.agent_version, oldest_agent):
            too_old.append(
                f"{device.name} ({device.id}) has agent {device.agent_version or 'of no version'}, "
                f"older than {oldest_agent}: its reports are refused until it has a newer one"
            )
        if device.standing is not Standing.ACTIVE:
            set_apart.append(
                f"{device.name} ({device.id}) is {device.standing} and not counted: "
                f"{device.standing_reason}"
            )
    if count:
        _print(table)
    for sentence in (*set_apart, *too_old):
        print(sentence)
    print(_counted(count, "device"))


def agents(versions: Iterable[tuple[str, int]]) -> None:
    """How many devices have each version of the agent."""
    for version, count in versions:
        print(f"{version or 'not told yet':20} {_counted(count, 'device')}")


def agent_offer(version: str, packages: Iterable[tuple[str, int, str]]) -> None:
    """The agent that devices are told of: where its packages are, their bytes and SHA-256."""
    print(f"devices are told that their agent should be {version}:")
    for location, size_bytes, sha256 in packages:
        print(f"  {location}\n    {size_bytes} bytes, SHA-256 {sha256}")


def device(device: Device, installs: Sequence[Install]) -> None:
    """One device and everything installed on it."""
    facts = device.facts
    kind = "" if facts.kind is DeviceKind.UNKNOWN else f"{facts.kind} {facts.hypervisor}".strip()
    rows = (
        ("device", device.name),
        ("id", device.id),
        ("entity", device.entity or "-"),
        *([("company certificate", device.company_name)] if device.company_name else []),
        ("system", f"{facts.system} {facts.system_version} {facts.architecture}".strip() or "-"),
        ("processors, cores", f"{facts.processors}, {facts.cores}"),
        ("memory", f"{facts.memory_bytes // MIB} MiB"),
        ("kind", kind or "-"),
        *([("agent", device.agent_version)] if device.agent_version else []),
        ("enrolled", f"{device.enrolled_at:%Y-%m-%d %H:%M} UTC"),
        ("certificate until", f"{device.certificate_expires_at:%Y-%m-%d %H:%M} UTC"),
        *([("revoked", f"{device.revoked_at:%Y-%m-%d %H:%M} UTC")] if device.revoked_at else []),
        (
            "last report",
            f"{device.last_report_at:%Y-%m-%d %H:%M} UTC" if device.last_report_at else "never",
        ),
        *(
            (f"source {each.name}", f"{each.status} {each.reason}".strip())
            for each in device.sources
        ),
    )
    for name, value in rows:
        print(f"{name:18} {value}")
    if installs:
        table = _table("Name", "Version", "Publisher", "Source")
        for each in installs:
            table.add_row(*map(escape, (each.name, each.version, each.publisher, each.source)))
        _print(table)
    print(_counted(len(installs), "install"))


def tokens(tokens: Iterable[JoinToken]) -> None:
    """The join tokens, without their secrets, which are not kept."""
    table = _table("Token", "Label", "Entity", "Used", "Until (UTC)")
    for token in tokens:
        used = f"{token.uses} of {token.uses_allowed}"
        until = f"{token.expires_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(escape, (token.id, token.label, token.entity or "", used, until)))
    _print(table)


def company_authorities(authorities: Iterable[tuple[CompanyAuthority, datetime | None]]) -> None:
    """Authorities of the company's own, each with the end of its revocation lists."""
    table = _table("Authority", "Names", "Entity", "Since (UTC)", "Revocation lists until (UTC)")
    for each, ends in authorities:
        since, until = f"{each.added_at:%Y-%m-%d}", f"{ends:%Y-%m-%d %H:%M}" if ends else "none"
        table.add_row(*map(escape, (each.id, each.names, each.entity or "", since, until)))
    _print(table)


def requests(requests: Iterable[EnrolmentRequest]) -> None:
    """Devices without a token that wait for a person, and what was decided."""
    table = _table("Request", "Device", "Address", "Since (UTC)", "Decision")
    for each in requests:
        decision = {None: "waits", True: "approved", False: "denied"}[each.approved]
        since = f"{each.requested_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(escape, (each.id, each.hostname, each.address, since, decision)))
    _print(table)


def audit(entries: Iterable[Entry]) -> None:
    """Entries of the audit log."""
    table = _table("Entry", "Time (UTC)", "Event", "By", "On", "Detail")
    for entry in entries:
        event = entry.event
        detail = ", ".join(f"{name} {value}" for name, value in event.detail.items() if value)
        at = f"{event.at:%Y-%m-%d %H:%M:%S}"
        cells = (f"{entry.number}", at, event.kind, event.actor, event.subject, detail)
        table.add_row(*map(escape, cells))
    _print(table)


def authority(authority: Authority, now: datetime, unaware: int) -> None:
    """The certificate authority: what devices pin, and what is due."""
    for name, root in authority.roots.items():
        role = "in charge" if name == authority.active else "trusted too"
        print(f"{name:18} {role}, until {root.not_valid_after_utc:%Y-%m-%d}")
        print(f"{'fingerprint':18} {authority.fingerprint(name)}")
    print(f"{'issuing until':18} {authority.issuing_ends_at:%Y-%m-%d}")
    if now >= authority.issuing_renews_at:
        print("the issuing authority is due: run quitus-collector authority renew")
    if len(authority.roots) > 1:
        print(f"{_counted(unaware, 'device')} not yet heard to trust all of these roots")


def doctor(checks: Iterable[Check], messages: Messages) -> None:
    """A line a check, what to do below it."""
    for check in checks:
        text, advice = check.told(messages)
        print(f"{messages.text(VERDICTS[check.verdict]):14} {text}", flush=True)
        if advice:
            print(f"{'':14} → {advice}")


def perimeter(
    placements: Iterable[tuple[str, Placement]],
    exemptions: Sequence[Exemption],
    entities: Sequence[LegalEntity],
    messages: Messages,
) -> None:
    """What was said of devices, then exemptions and names of entities, if there are any."""
    text = messages.text
    headings = (N_("Device"), N_("Entity"), N_("Site"), N_("Role"), N_("Scope"), N_("Reason"))
    table = _table(*map(text, headings))
    for name, each in placements:
        said = (wording.role(each.role, messages), wording.scope(each.scope, messages))
        entity = wording.siren(each.entity or "")
        table.add_row(*map(escape, (name, entity, each.site, *said, each.reason)))
    if table.row_count:
        _print(table)
    print(messages.count("{n} device", "{n} devices", table.row_count))
    if exemptions:
        heads = (N_("Exemption"), N_("Product"), N_("Role"), N_("From"), N_("Until"))
        table = _table(*map(text, (*heads, N_("Granted by"))))
        for exemption in exemptions:
            days = (exemption.valid_from, exemption.valid_until)
            start, end = (messages.day(str(day)) if day else "" for day in days)
            role = wording.role(exemption.role, messages)
            what = (exemption.id, exemption.product, role, start, end, exemption.evidence)
            table.add_row(*map(escape, what))
        _print(table)
    if entities:
        table = _table(*map(text, (N_("Entity"), N_("Name"), N_("Group"))))
        for named in entities:
            cells = (wording.siren(named.siren), named.name, named.group)
            table.add_row(*map(escape, cells))
        _print(table)


def catalogue(catalogue: Catalogue, id_: str | None) -> None:
    """In sum, with the customer's own rules; or one publisher's products; or one product."""
    if id_ is None:
        print(
            f"catalogue {catalogue.version or 'without a version'}, {catalogue.digest[:16]}: "
            f"{_counted(len(catalogue.publishers), 'publisher')}, "
            f"{_counted(len(catalogue.products), 'product')}, "
            f"{_counted(len(catalogue.rules), 'rule')}"
        )
        own = [rule for rule in catalogue.rules if rule.is_own]
        print(f"of which your own, tried before all others: {len(own)}")
        for rule in own:
            print(f"  {rule.id}: {rule.line or rule.software_class.value} ({rule.place})")
    elif id_ in catalogue.products:
        _product(catalogue, catalogue.products[id_])
    else:
        table = _table("Product", "Name", "Metric", "Needs a licence")
        for line, product in sorted(catalogue.products.items()):
            if line.startswith(f"{id_}/"):
                needs = "yes" if catalogue.needs_licence(line) else "no"
                label = " ".join(product.label.replace("{version}", "").split())
                table.add_row(line, escape(label), product.metric.value, needs)
        _print(table)


def findings(found: Iterable[Finding], catalogue: Catalogue, messages: Messages) -> None:
    """Facts beside the position, with their devices."""
    found = list(found)
    if not found:
        print(messages.text("Nothing was found beside the position."))
    for each in found:
        label, fact = catalogue.label(each.product), wording.finding(each, messages)
        print(messages.text("{product}: {fact}", product=label, fact=fact))
        if each.devices:
            print(
                "    "
                + messages.count("on {n} device: ", "on {n} devices: ", len(each.devices))
                + ", ".join(each.devices[:SHOWN_DEVICES])
                + (" …" if len(each.devices) > SHOWN_DEVICES else "")
            )
        print("    " + messages.text("source: {source}", source=each.source))


def removals(
    found: Sequence[Removal], begins: datetime | None, catalogue: Catalogue, messages: Messages
) -> None:
    """Products that went away; `begins` is when the history begins, where that is too late."""
    if begins:
        print(messages.text("The history begins on {date}.", date=messages.date(begins)))
    if not found:
        print(messages.text("Nothing went away."))
        return
    headings = (N_("Gone"), N_("Device"), N_("Product"), N_("Why"))
    table = _table(*map(messages.text, headings))
    for each in found:
        why = wording.why_gone(each, messages)
        cells = (messages.moment(each.at), each.device, catalogue.label(each.product), why)
        table.add_row(*map(escape, cells))
    _print(table)


def verification(found: Verification, messages: Messages) -> None:
    """What was checked of a declaration, and what was found."""
    print(messages.text("Level reached: {level}", level=messages.text(wording.LEVELS[found.level])))
    table = _table(*map(messages.text, (N_("What"), N_("Result"), N_("Found"))))
    for each in found.checks:
        said = (wording.SUBJECTS[each.subject], wording.OUTCOMES[each.outcome])
        table.add_row(*map(messages.text, said), escape(wording.verified(each, messages)))
    _print(table)


def differences(found: Sequence[Difference], messages: Messages) -> None:
    """The lines in which two declarations differ, what differs, and why."""
    if not found:
        print(messages.text("No line differs."))
        return
    table = _table(*map(messages.text, (N_("Product"), N_("What differs"), N_("Why"))))
    for each in found:
        changes = "\n".join(wording.change(change, messages) for change in each.changes)
        reasons = "\n".join(wording.explained(reason, messages) for reason in each.reasons)
        table.add_row(*map(escape, (each.label, changes, reasons)))
    _print(table)


def history(episodes: Iterable[Episode], messages: Messages) -> None:
    """Everything that is or was installed on a device, with its times."""
    headings = (N_("Name"), N_("Version"), N_("First seen"), N_("Last seen"), N_("Gone"))
    table = _table(*map(messages.text, headings))
    for each in episodes:
        times = (each.first_seen, each.last_seen, each.gone_at)
        cells = (each.install.name, each.install.version)
        table.add_row(*map(escape, cells), *((t and messages.moment(t)) or "–" for t in times))
    _print(table)


def triage(found: Iterable[Group], messages: Messages) -> None:
    """Groups of unknown names, with what each may be."""
    found = list(found)
    if not found:
        print(messages.text("Every name of the fleet is recognised."))
        return
    table = _table(
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
    _print(table)


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


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _print_with_notes(rows: Sequence[tuple[str, ...]], notes: Sequence[str]) -> None:
    """Prints rows, the first one as headings, each with its note below over the whole width.

    Figures keep their width; the label takes what the terminal leaves, on several lines. Where it
    leaves too little, the metric goes first.
    """
    total = _console().width
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {0, METRIC, len(widths) - 1}
    shown = list(range(len(widths)))
    if MIN_LABEL + sum(widths[1:]) + 2 * (len(widths) - 1) > total:
        shown.remove(METRIC)
    others = sum(widths[column] + 2 for column in shown[1:])
    widths[0] = min(widths[0], max(MIN_LABEL, total - others))
    for number, (row, note) in enumerate(zip(rows, notes, strict=True)):
        label, *more = textwrap.wrap(row[0], widths[0]) or [""]
        cells = [
            f"{cell:<{widths[column]}}" if column in left else f"{cell:>{widths[column]}}"
            for column, cell in enumerate((label, *row[1:]))
        ]
        print("  ".join(cells[column] for column in shown).rstrip())
        for part in more:
            print(part)
        for part in textwrap.wrap(note, total - 4):
            print(f"    {part}")
        if number == 0:
            print("─" * min(total, widths[0] + others))


def _print(table: Table) -> None:
    _console().print(table)


def width() -> int:
    """The columns that there are to print in."""
    return _console().width


def _console() -> Console:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) >= MIN_WIDTH:
        return Console(file=sys.stdout, width=int(columns))
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
