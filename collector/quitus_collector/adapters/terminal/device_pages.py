"""What commands on devices, agents and the collector itself show in a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.markup import escape

from quitus_collector.adapters.authority.x509 import Authority
from quitus_collector.adapters.terminal.tables import counted, new_table, print_table
from quitus_collector.domain.agent_version import is_older
from quitus_collector.domain.audit import Entry
from quitus_collector.domain.device import (
    CompanyAuthority,
    Device,
    EnrolmentRequest,
    JoinToken,
    Standing,
)
from quitus_collector.domain.history import Episode
from quitus_collector.domain.install import DeviceKind, Install
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement
from quitus_collector.services import perimeter_wording, wording
from quitus_collector.services.diagnosing import VERDICTS, Check
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_

MIB = 1024 * 1024


def devices(devices: Iterable[Device], oldest_agent: str = "") -> None:
    """The enrolled devices, why some are not counted, and whose agent is too old to be heard."""
    table = new_table("Device", "Id", "System", "Entity", "Agent", "Last report (UTC)")
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
        print_table(table)
    for sentence in (*set_apart, *too_old):
        print(sentence)
    print(counted(count, "device"))


def agents(versions: Iterable[tuple[str, int]]) -> None:
    """How many devices have each version of the agent."""
    for version, count in versions:
        print(f"{version or 'not told yet':20} {counted(count, 'device')}")


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
        table = new_table("Name", "Version", "Publisher", "Source")
        for each in installs:
            table.add_row(*map(escape, (each.name, each.version, each.publisher, each.source)))
        print_table(table)
    print(counted(len(installs), "install"))


def tokens(tokens: Iterable[JoinToken]) -> None:
    """The join tokens, without their secrets, which are not kept."""
    table = new_table("Token", "Label", "Entity", "Used", "Until (UTC)")
    for token in tokens:
        used = f"{token.uses} of {token.uses_allowed}"
        until = f"{token.expires_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(escape, (token.id, token.label, token.entity or "", used, until)))
    print_table(table)


def company_authorities(authorities: Iterable[tuple[CompanyAuthority, datetime | None]]) -> None:
    """Authorities of the company's own, each with the end of its revocation lists."""
    table = new_table("Authority", "Names", "Entity", "Since (UTC)", "Revocation lists until (UTC)")
    for each, ends in authorities:
        since, until = f"{each.added_at:%Y-%m-%d}", f"{ends:%Y-%m-%d %H:%M}" if ends else "none"
        table.add_row(*map(escape, (each.id, each.names, each.entity or "", since, until)))
    print_table(table)


def requests(requests: Iterable[EnrolmentRequest]) -> None:
    """Devices without a token that wait for a person, and what was decided."""
    table = new_table("Request", "Device", "Address", "Since (UTC)", "Decision")
    for each in requests:
        decision = {None: "waits", True: "approved", False: "denied"}[each.approved]
        since = f"{each.requested_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(escape, (each.id, each.hostname, each.address, since, decision)))
    print_table(table)


def audit(entries: Iterable[Entry]) -> None:
    """Entries of the audit log."""
    table = new_table("Entry", "Time (UTC)", "Event", "By", "On", "Detail")
    for entry in entries:
        event = entry.event
        detail = ", ".join(f"{name} {value}" for name, value in event.detail.items() if value)
        at = f"{event.at:%Y-%m-%d %H:%M:%S}"
        cells = (f"{entry.number}", at, event.kind, event.actor, event.subject, detail)
        table.add_row(*map(escape, cells))
    print_table(table)


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
        print(f"{counted(unaware, 'device')} not yet heard to trust all of these roots")


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
    table = new_table(*map(text, headings))
    for name, each in placements:
        said = (
            perimeter_wording.role(each.role, messages),
            perimeter_wording.scope(each.scope, messages),
        )
        entity = wording.siren(each.entity or "")
        table.add_row(*map(escape, (name, entity, each.site, *said, each.reason)))
    if table.row_count:
        print_table(table)
    print(messages.count("{n} device", "{n} devices", table.row_count))
    if exemptions:
        heads = (N_("Exemption"), N_("Product"), N_("Role"), N_("From"), N_("Until"))
        table = new_table(*map(text, (*heads, N_("Granted by"))))
        for exemption in exemptions:
            days = (exemption.valid_from, exemption.valid_until)
            start, end = (messages.day(str(day)) if day else "" for day in days)
            role = perimeter_wording.role(exemption.role, messages)
            what = (exemption.id, exemption.product, role, start, end, exemption.evidence)
            table.add_row(*map(escape, what))
        print_table(table)
    if entities:
        table = new_table(*map(text, (N_("Entity"), N_("Name"), N_("Group"))))
        for named in entities:
            cells = (wording.siren(named.siren), named.name, named.group)
            table.add_row(*map(escape, cells))
        print_table(table)


def history(episodes: Iterable[Episode], messages: Messages) -> None:
    """Everything that is or was installed on a device, with its times."""
    headings = (N_("Name"), N_("Version"), N_("First seen"), N_("Last seen"), N_("Gone"))
    table = new_table(*map(messages.text, headings))
    for each in episodes:
        times = (each.first_seen, each.last_seen, each.gone_at)
        cells = (each.install.name, each.install.version)
        table.add_row(*map(escape, cells), *((t and messages.moment(t)) or "–" for t in times))
    print_table(table)
