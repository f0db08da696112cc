"""Why a figure of the position is what it is, for people at a terminal."""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from quitus_collector.adapters.terminal import tables
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.explanation import ExplainedLicence, Trial
from quitus_collector.services import wording
from quitus_collector.services.explaining import Reasons
from quitus_collector.services.ports import Messages

# All devices and records stand in the JSON.
SHOWN_DEVICES, SHOWN_RECORDS = 24, 12


def show(reasons: Reasons, messages: Messages) -> None:
    """The figures, then rule, evidence, licences, devices, and what one change would make."""
    line, text, number = reasons.explained.line, messages.text, messages.number
    print(text("{product} on {moment}", product=line.label, moment=messages.moment(reasons.as_of)))
    say(
        text(
            "installed on {installed}, owned {entitled}, covered {covered}, missing {missing}, "
            "available {available}; counted by {metric}; {state}",
            installed=number(line.installed),
            entitled=number(line.entitled),
            covered=number(line.covered_installs),
            missing=number(line.missing),
            available=number(line.available),
            metric=wording.metric_name(line, messages),
            state=wording.state_name(line.state, messages),
        ),
        wording.why(line, messages),
    )
    _heading(text("The rule of counting"))
    for terms in reasons.terms:
        say(wording.terms(terms, messages), text("source: {source}", source=terms.source))
    if not reasons.terms:
        metric = wording.metric_name(line, messages)
        say(text("by {metric}, the catalogue’s default for this product", metric=metric))
    if reasons.release and reasons.release.source:
        say(text("source of its release dates: {source}", source=reasons.release.source))
    _evidence(reasons, messages)
    if reasons.explained.licences:
        _heading(text("Licences that may cover it"))
        for licence in reasons.explained.licences:
            say(*_licence(licence, reasons, messages))
    _devices(reasons, messages)
    if reasons.explained.trials:
        _heading(text("What would change the figure"))
        for trial in reasons.explained.trials:
            say(_trial(trial, reasons, messages))


def _evidence(reasons: Reasons, messages: Messages) -> None:
    """The distinct records with the number of devices, the commonest first."""
    _heading(messages.text("What was read on the devices"))
    on = Counter(place for places in reasons.shown_by.values() for place in places)
    for place, count in on.most_common(SHOWN_RECORDS):
        record = reasons.records[place]
        install, found = record.install, record.recognition
        raw = ", ".join(filter(None, (install.version, install.publisher, install.source)))
        devices = messages.count("on {n} device", "on {n} devices", count)
        say(
            f"{install.name} ({raw}) {devices}",
            messages.text(
                "recognised by the rule {rule} ({place}) from: {evidence}",
                rule=found.rule,
                place=PurePath(record.place).name,
                evidence=wording.evidence(found, messages),
            ),
        )
    if len(on) > SHOWN_RECORDS:
        more = len(on) - SHOWN_RECORDS
        say(messages.count("and {n} other record", "and {n} other records", more))
    unread = sum(each.device not in reasons.shown_by for each in reasons.explained.devices)
    if unread:
        say(
            messages.count(
                "the records of {n} device were not looked up: name it to see them",
                "the records of {n} devices were not looked up: name one to see them",
                unread,
            )
        )


def _licence(licence: ExplainedLicence, reasons: Reasons, messages: Messages) -> tuple[str, ...]:
    owned, text = licence.entitlement, messages.text
    limits = [
        *([text("entity {entity}", entity=owned.entity)] if owned.entity else []),
        *([_bound(owned.bound_to, reasons, messages)] if owned.bound_to else []),
    ]
    if owned.metric is Metric.USER:
        limits.append(_seats(owned, messages))
    if owned.valid_until:
        limits.append(text("until {day}", day=messages.day(owned.valid_until.isoformat())))
    head = text(
        "{entitlement}: {quantity} of {product}, by {metric}",
        entitlement=owned.id,
        quantity=messages.number(owned.quantity),
        product=reasons.others.get(owned.product, owned.product),
        metric=text(wording.METRICS[owned.metric]),
    )
    used = text(
        "{right}; in use: {consumed}, which cover {installs} installs here",
        right=text(wording.RIGHTS[licence.right]),
        consumed=messages.number(licence.consumed),
        installs=messages.number(licence.installs),
    )
    proofs = [owned.proof] if owned.proof else []
    if owned.id in reasons.documented:
        proofs.append(text("a document that is kept"))
    told = text("proof: {proof}", proof=", ".join(proofs)) if proofs else text("no proof stated")
    return ", ".join([head, *limits]), text("{used}; {proof}", used=used, proof=told)


def _seats(owned: Entitlement, messages: Messages) -> str:
    """What the line itself says: a rule of the catalogue limits no licence that states none."""
    if not owned.devices_per_user:
        return messages.text("any number of devices per person")
    n = owned.devices_per_user
    return messages.count("{n} device per person", "{n} devices per person", n)


def _bound(device: str, reasons: Reasons, messages: Messages) -> str:
    return messages.text("bound to {device}", device=reasons.names.get(device, device))


def _devices(reasons: Reasons, messages: Messages) -> None:
    explained, text = reasons.explained, messages.text
    _heading(text("Devices"))
    if explained.lacking:
        names = _names(explained.lacking, reasons)
        say(text("do not tell what counting needs: {devices}", devices=names))
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for each in explained.devices:
        if each.covered is None:
            groups[text("installed on")].append(each.device)
        elif not each.covered:
            groups[text("without a licence")].append(each.device)
        elif each.entitlement and each.right:
            right = text(wording.RIGHTS[each.right])
            head = text(
                "covered by {entitlement} ({right})", entitlement=each.entitlement, right=right
            )
            groups[head].append(each.device)
    for head, devices in groups.items():
        count, names = messages.number(len(devices)), _names(devices, reasons)
        say(text("{group} ({n}): {devices}", group=head, n=count, devices=names))
    if explained.line.missing and explained.line.missing < explained.line.installed:
        say(
            text(
                "Of devices that the licences cannot tell apart, which ones go without is a"
                " convention: the first by their ids are covered."
            )
        )


def _names(devices: Sequence[str], reasons: Reasons) -> str:
    names = sorted(reasons.names.get(each, each) for each in devices)
    return ", ".join(names[:SHOWN_DEVICES]) + (" …" if len(names) > SHOWN_DEVICES else "")


def _trial(trial: Trial, reasons: Reasons, messages: Messages) -> str:
    on = reasons.names.get(trial.on, trial.on)
    parts = [
        messages.text(
            "{change}: missing {missing}",
            change=wording.trial(trial, on, messages),
            missing=messages.number(trial.missing),
        )
    ]
    if trial.missing == reasons.explained.line.missing:
        parts.append(messages.text("as before"))
    for product, difference in trial.others.items():
        parts.append(
            messages.text(
                "{product}: {difference}",
                product=reasons.others.get(product, product),
                difference=f"{difference:+d}",
            )
        )
    return ", ".join(parts)


def _heading(text: str) -> None:
    print(f"\n{text}")


def say(*sentences: str) -> None:
    """Each on lines of its own, those after the first further in."""
    for place, sentence in enumerate(sentences):
        first, others = " " * (2 if place == 0 else 6), " " * 6
        wrapped = textwrap.wrap(
            sentence,
            tables.width(),
            initial_indent=first,
            subsequent_indent=others,
            break_on_hyphens=False,
        )
        print("\n".join(wrapped))
