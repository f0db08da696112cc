"""How positions are put into words, the same in the terminal, in documents and in the console."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from quitus_collector.domain.comparison import Change, Explained, Reason
from quitus_collector.domain.contested import ContestedRule, Reading
from quitus_collector.domain.contribution import Confidence
from quitus_collector.domain.entitlement import Channel, Metric, Right
from quitus_collector.domain.explanation import Step, Trial
from quitus_collector.domain.filing import Guard
from quitus_collector.domain.findings import Finding, FindingKind
from quitus_collector.domain.history import Departure, Removal
from quitus_collector.domain.position import LineState, PositionLine, Undetermined
from quitus_collector.domain.product import Terms
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.domain.systems import System
from quitus_collector.domain.verification import Check, Level, Outcome, Subject
from quitus_collector.services.ports import Messages

N_ = str  # marks a text for the message catalogues
CHANGED = N_("{name} was changed by somebody else meanwhile: load its page again, then change it")


def NN_(one: str, many: str) -> tuple[str, str]:
    """Marks a text that has a plural."""
    return one, many


METRICS = {
    Metric.DEVICE: N_("device"),
    Metric.USER: N_("user"),
    Metric.CORE: N_("core"),
    Metric.PROCESSOR: N_("processor"),
    Metric.CONCURRENT: N_("simultaneous use"),
    Metric.EMPLOYEE: N_("employee"),
    Metric.USER_CAL: N_("user CAL"),
    Metric.DEVICE_CAL: N_("device CAL"),
}
UNITS = {
    Metric.DEVICE: NN_("{n} device", "{n} devices"),
    Metric.USER: NN_("{n} user", "{n} users"),
    Metric.CORE: NN_("{n} core", "{n} cores"),
    Metric.PROCESSOR: NN_("{n} processor", "{n} processors"),
    Metric.CONCURRENT: NN_("{n} simultaneous use", "{n} simultaneous uses"),
    Metric.EMPLOYEE: NN_("{n} employee", "{n} employees"),
    Metric.USER_CAL: NN_("{n} user CAL", "{n} user CALs"),
    Metric.DEVICE_CAL: NN_("{n} device CAL", "{n} device CALs"),
}
CHANNELS = {
    Channel.VOLUME: N_("volume"),
    Channel.FULL_PACKAGE: N_("full package"),
    Channel.OEM: N_("OEM"),
    Channel.SUBSCRIPTION: N_("subscription"),
    Channel.USED: N_("used (second-hand)"),
    Channel.UNSTATED: N_("not stated"),
}
STATES = {
    LineState.COMPLIANT: N_("compliant"),
    LineState.GAP: N_("gap"),
    LineState.UNDETERMINED: N_("undetermined"),
}
COVERS = {
    Right.DIRECT: N_("{n} covered by {entitlement}"),
    Right.DOWNGRADE: N_("{n} covered by {entitlement} (right to a lower version)"),
    Right.MAINTENANCE: N_("{n} covered by {entitlement} (right to a later version)"),
    Right.EDITION_DOWNGRADE: N_("{n} covered by {entitlement} (right to a lower edition)"),
    Right.SUITE: N_("{n} covered by {entitlement} (part of the suite)"),
    Right.SECOND_USE: N_("{n} covered by {entitlement} (second device of the same person)"),
    Right.VIRTUALISATION: N_("{n} covered by {entitlement} (virtual machine of a licensed host)"),
}


RIGHTS = {
    Right.DIRECT: N_("its own version"),
    Right.DOWNGRADE: N_("right to a lower version"),
    Right.MAINTENANCE: N_("right to a later version"),
    Right.EDITION_DOWNGRADE: N_("right to a lower edition"),
    Right.SUITE: N_("part of the suite"),
    Right.SECOND_USE: N_("second device of the same person"),
    Right.VIRTUALISATION: N_("virtual machine of a licensed host"),
}
REASONS = {
    Undetermined.METRIC: N_("not computed: devices alone do not tell how many licences it takes"),
    Undetermined.PERSON: N_("not computed: some devices do not tell whose they are"),
    Undetermined.MACHINE: N_("not computed: some devices do not tell cores, processors or host"),
    Undetermined.TERMS: N_("not computed: release dates or ranks of editions are not known"),
    Undetermined.VERSION: N_("not computed: the devices do not tell the version"),
}
TOTALS = {
    LineState.COMPLIANT: NN_("{n} compliant line", "{n} compliant lines"),
    LineState.GAP: NN_("{n} line with a gap", "{n} lines with a gap"),
    LineState.UNDETERMINED: NN_("{n} undetermined line", "{n} undetermined lines"),
}


CHANGES = {
    Step.INSTALL_ADDED: NN_(
        "{n} install more, on a device like {on}", "{n} installs more, on devices like {on}"
    ),
    Step.INSTALL_REMOVED: NN_("{n} install less, on {on}", "{n} installs less, on {on}"),
    Step.LICENCES_ADDED: NN_("{n} licence more of {on}", "{n} licences more of {on}"),
    Step.LICENCES_REMOVED: NN_("{n} licence less of {on}", "{n} licences less of {on}"),
}
# Other evidence is an identifier with its value, the same in any language.
EVIDENCE = {
    "name and publisher": N_("name and publisher"),
    "name": N_("name"),
}
BOUGHT = NN_("{n} more licence of this product", "{n} more licences of this product")
FIGURES = {
    "metric": N_("Metric"),
    "installed": N_("Installed"),
    "required": N_("Required"),
    "entitled": N_("Owned"),
    "consumed": N_("Used"),
    "missing": N_("Missing"),
    "state": N_("State"),
}
SUBJECTS = {
    Subject.SIGNATURE: N_("signature"),
    Subject.CERTIFICATE: N_("certificate"),
    Subject.TIMESTAMP: N_("timestamp"),
    Subject.ATTACHMENTS: N_("attachments"),
    Subject.EVIDENCE: N_("evidence"),
    Subject.LINES: N_("lines"),
    Subject.PROOF: N_("proof of a device"),
}
OUTCOMES = {
    Outcome.PASSED: N_("holds"),
    Outcome.FAILED: N_("FAILS"),
    Outcome.ABSENT: N_("not there"),
    Outcome.UNKNOWN: N_("unknown"),
}
SYSTEMS = {
    System.WINDOWS_WORKSTATION: N_("Windows workstations"),
    System.WINDOWS_SERVER: N_("Windows servers"),
    System.WINDOWS: N_("Windows, kind not stated"),
    System.MACOS: N_("macOS"),
    System.LINUX: N_("Linux"),
    System.OTHER: N_("another system"),
    System.UNKNOWN: N_("system unknown"),
}
LEVELS = {
    Level.NONE: N_("not signed, or its signature does not hold"),
    Level.B_B: N_("PAdES-B-B: signed"),
    Level.B_T: N_("PAdES-B-T: signed and timestamped"),
    Level.B_LT: N_("PAdES-B-LT: signed, timestamped, provable for years"),
}
# What did not fail; what did has a sentence of its own.
VERIFIED = {
    (Subject.SIGNATURE, Outcome.PASSED): N_("signed by {name}, and not changed since"),
    (Subject.CERTIFICATE, Outcome.PASSED): N_("the certificate of {name} was good then"),
    (Subject.CERTIFICATE, Outcome.UNKNOWN): N_(
        "nobody vouches for the certificate of {name}: name its authority with --trust"
    ),
    (Subject.TIMESTAMP, Outcome.PASSED): N_("{moment} by {name}"),
    (Subject.TIMESTAMP, Outcome.UNKNOWN): N_("{moment} by {name}, for whom nobody vouches"),
    (Subject.TIMESTAMP, Outcome.ABSENT): N_("no third party attests the date"),
    (Subject.ATTACHMENTS, Outcome.PASSED): N_(
        "the files inside are those that the document was made with"
    ),
    (Subject.EVIDENCE, Outcome.PASSED): N_("{number} counts, root {root}…"),
    (Subject.LINES, Outcome.PASSED): N_("every figure is the sum of its counts"),
    (Subject.PROOF, Outcome.PASSED): N_(
        "the device {device} is one of the {number} in a count of {product}"
    ),
}
DIFFERENCES = {
    Reason.INSTALLS: N_("other installs"),
    Reason.ENTITLEMENTS: N_("other licences: {about}"),
    Reason.DAY: N_("licences that began or ended in between: {about}"),
    Reason.PERIMETER: N_("other devices ({about})"),
    Reason.RULES: N_("other rules ({about})"),
    Reason.COMPETITION: N_("licences that other lines take or leave: {about}"),
    Reason.NONE: N_("nothing that is stated explains it"),
}
CONFIDENCES = {
    Confidence.HIGH: N_("confidence high"),
    Confidence.MEDIUM: N_("confidence medium"),
    Confidence.LOW: N_("confidence low"),
    Confidence.NONE: N_("no claim"),
}
GUARDS = {
    Guard.UNREAD: N_("lines that nobody read"),
    Guard.COVERAGE: N_("devices that did not report"),
    Guard.FAILED_SOURCES: N_("sources that could not be read"),
    Guard.QUARANTINE: N_("devices set apart and undecided"),
}
CLASSES = {
    SoftwareClass.COMMERCIAL: N_("needs a licence"),
    SoftwareClass.FREE: N_("free"),
    SoftwareClass.COMPONENT: N_("part of another"),
    SoftwareClass.UPDATE: N_("update"),
    SoftwareClass.UNKNOWN: N_("not known"),
}


DEPARTURES = {
    Departure.UNINSTALLED: N_("uninstalled"),
    Departure.DEVICE_REMOVED: N_("the device was removed"),
    Departure.DEVICE_SET_APART: N_("the device was set apart"),
    Departure.RECOGNISED_OTHERWISE: N_("the catalogue changed"),
}
READINGS = {Reading.STRICT: N_("strict"), Reading.LENIENT: N_("lenient")}
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
FINDINGS = {
    FindingKind.OUT_OF_SUPPORT: N_("the publisher's support ended on {evidence}"),
    FindingKind.NOT_ACTIVATED: N_("the licensing service says: {evidence}"),
    FindingKind.UNKNOWN_KEY_SERVER: N_("activated by a key server that is not yours: {evidence}"),
    FindingKind.EVALUATION_EXPIRED: N_("the evaluation has ended: {evidence}"),
    FindingKind.NO_BASE_LICENCE: N_(
        "an Enterprise edition is an upgrade, and no full licence of Windows was seen below it "
        "(activation: {evidence})"
    ),
    FindingKind.CONDITION: N_("to be checked: {evidence}"),
    FindingKind.USED_WITHOUT_TITLE: N_("used licences whose title is not shown: {evidence}"),
}


def finding(found: Finding, messages: Messages) -> str:
    """The fact in a sentence."""
    evidence = found.evidence
    if found.kind is FindingKind.CONDITION and messages.language == "fr" and found.text_fr:
        evidence = found.text_fr
    evidence = _DAY.sub(lambda day: messages.day(day[0]), evidence)
    return messages.text(FINDINGS[found.kind], evidence=evidence)


def why_gone(removal: Removal, messages: Messages) -> str:
    """Why a product went away, and whether it came back."""
    reason = messages.text(DEPARTURES[removal.departure])
    return messages.text("{reason}; is back", reason=reason) if removal.is_back else reason


def metric_name(line: PositionLine, messages: Messages) -> str:
    """What one licence of the product is counted against."""
    return messages.text(METRICS[line.metric])


def units(metric: Metric, number: int, messages: Messages) -> str:
    """So many of what licences are counted by."""
    return messages.count(*UNITS[metric], number)


def state_name(state: LineState, messages: Messages) -> str:
    """The line's state in a word."""
    return messages.text(STATES[state])


def system(found: System, messages: Messages) -> str:
    """A family of operating systems."""
    return messages.text(SYSTEMS[found])


def level(found: str, messages: Messages) -> str:
    """What a seal reached, by the value of its level."""
    return messages.text(LEVELS[Level(found)])


def confidence(found: Confidence, messages: Messages) -> str:
    """How far a line can be trusted, in two words."""
    return messages.text(CONFIDENCES[found])


def change(found: Change, messages: Messages) -> str:
    """What a figure was and is."""
    name = messages.text(FIGURES[found.figure]) if found.figure in FIGURES else ""
    if not name:
        name = messages.text("Covered by {entitlement}", entitlement=found.entitlement)
    states = {state.value: said for state, said in STATES.items()}
    said = [
        messages.text(states.get(each, each)) if isinstance(each, str) else messages.number(each)
        for each in (found.before, found.after)
    ]
    return messages.text("{figure}: {before} → {after}", figure=name, before=said[0], after=said[1])


def explained(found: Explained, messages: Messages) -> str:
    """Why a line differs, in words."""
    about = ", ".join(found.about)
    return messages.text(DIFFERENCES[found.reason], **({"about": about} if about else {}))


def verified(check: Check, messages: Messages) -> str:
    """What a check found."""
    sentence = check.sentence or VERIFIED.get((check.subject, check.outcome))
    return messages.text(sentence, **check.values) if sentence else check.detail


def guard(name: str, messages: Messages) -> str:
    """What was in the way of an approval."""
    return messages.text(GUARDS[Guard(name)])


def software_class(name: str, messages: Messages) -> str:
    """What a record is to a licence count, in words."""
    return messages.text(CLASSES[SoftwareClass(name)])


def why(line: PositionLine, messages: Messages) -> str:
    """The reason for a line's figures, in one sentence."""
    if line.reason:
        return messages.text(REASONS[line.reason])
    parts = [
        messages.text(
            COVERS[each.right], n=messages.number(each.installs), entitlement=each.entitlement
        )
        for each in line.covered
    ]
    parts += [
        messages.text("{n} exempt by {exemption}", n=messages.number(installs), exemption=name)
        for name, installs in line.exempt
    ]
    if line.missing:
        parts.append(_missing(line, messages))
    if line.missing and line.available and line.metric in (Metric.CORE, Metric.PROCESSOR):
        parts.append(
            messages.count(
                "{n} owned: too few for a whole device, or reserved for others",
                "{n} owned: too few for a whole device, or reserved for others",
                line.available,
            )
        )
    elif line.missing and line.available:
        parts.append(
            messages.count(
                "{n} owned but reserved for other devices or companies",
                "{n} owned but reserved for other devices or companies",
                line.available,
            )
        )
    if line.lent:
        parts.append(
            messages.count(
                "{n} licence covers a lower version",
                "{n} licences cover a lower version",
                line.lent,
            )
        )
    return ", ".join(parts) or messages.text("not installed anywhere")


def _missing(line: PositionLine, messages: Messages) -> str:
    """The installs without a licence and, where that is another number, the licences it takes."""
    missing = messages.count("{n} without a licence", "{n} without a licence", line.missing or 0)
    if line.to_buy in (None, 0, line.missing):
        return missing
    return messages.count(
        "{missing} (that is {n} licence)",
        "{missing} (that is {n} licences)",
        line.to_buy or 0,
        missing=missing,
    )


def evidence(found: Recognition, messages: Messages) -> str:
    """What in a record told what it is."""
    return messages.text(EVIDENCE[found.evidence]) if found.evidence in EVIDENCE else found.evidence


def terms(found: Terms, messages: Messages) -> str:
    """How licences of a product are counted, and from when to when."""
    parts = [messages.text("by {metric}", metric=messages.text(METRICS[found.metric]))]
    if found.processor_minimum:
        n = found.processor_minimum
        parts.append(messages.count("at least {n} per processor", "at least {n} per processor", n))
    if found.device_minimum:
        n = found.device_minimum
        parts.append(messages.count("at least {n} per device", "at least {n} per device", n))
    if found.pack > 1:
        parts.append(messages.count("in packs of {n}", "in packs of {n}", found.pack))
    if found.devices_per_user:
        n = found.devices_per_user
        parts.append(messages.count("{n} device per person", "{n} devices per person", n))
    if found.valid_from:
        parts.append(messages.text("since {day}", day=messages.day(found.valid_from.isoformat())))
    if found.valid_until:
        parts.append(messages.text("until {day}", day=messages.day(found.valid_until.isoformat())))
    return ", ".join(parts)


def trial(tried: Trial, on: str, messages: Messages) -> str:
    """What was tried, in words; `on` is the device or the entitlement as people call it."""
    one, many = CHANGES[tried.step] if on else BOUGHT
    return messages.count(one, many, tried.units, on=on)


def totals(lines: Iterable[PositionLine], messages: Messages) -> list[tuple[LineState, str]]:
    """How many lines are in each state, in words."""
    counts = Counter(line.state for line in lines)
    return [
        (state, messages.count(one, many, counts[state])) for state, (one, many) in TOTALS.items()
    ]


def contested(rule: ContestedRule, messages: Messages) -> tuple[str, str]:
    """The rule and what is contested about it, in the reader's language."""
    if messages.language == "fr":
        return rule.label_fr, rule.note_fr
    return rule.label, rule.note


def reading(value: Reading, messages: Messages) -> str:
    """How a rule is read, in a word."""
    return messages.text(READINGS[value])


def siren(digits: str) -> str:
    """A SIREN in groups of three, as registers print it."""
    return " ".join(digits[start : start + 3] for start in range(0, len(digits), 3))


def owned(by_channel: Mapping[Channel, int], messages: Messages) -> str:
    """How the licences of a line were bought, in one sentence; empty where there are none."""
    parts = [
        messages.text(
            "{n} {channel}", n=messages.number(n), channel=messages.text(CHANNELS[channel])
        )
        for channel, n in by_channel.items()
        if n
    ]
    return messages.text("owned by channel: {parts}", parts=", ".join(parts)) if parts else ""


def unknown_summary(names: int, messages: Messages) -> str:
    """How much of the fleet's software nobody has classified."""
    return messages.count(
        "{n} software name is not recognised and left out",
        "{n} software names are not recognised and left out",
        names,
    )
