"""What commands on the position and on declarations show in a terminal."""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.markup import escape

from quitus_collector.adapters.terminal.tables import (
    NOTE_WIDTH,
    _console,
    new_table,
    print_table,
    print_with_notes,
)
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.comparison import Difference
from quitus_collector.domain.contested import ReadRule
from quitus_collector.domain.findings import Finding
from quitus_collector.domain.history import Removal
from quitus_collector.domain.position import LineState, Position
from quitus_collector.domain.verification import Verification
from quitus_collector.services import perimeter_wording, wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.readings import Readings
from quitus_collector.services.wording import N_

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
    for note in perimeter_wording.notes(perimeter, messages):
        print(note)
    for sentence, devices in perimeter_wording.unreachable(perimeter, messages):
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
    print_with_notes(cells, notes)
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
    table = new_table(text("Product"))
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
    print_table(table)
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
    table = new_table(*map(messages.text, headings))
    for each in found:
        why = wording.why_gone(each, messages)
        cells = (messages.moment(each.at), each.device, catalogue.label(each.product), why)
        table.add_row(*map(escape, cells))
    print_table(table)


def verification(found: Verification, messages: Messages) -> None:
    """What was checked of a declaration, and what was found."""
    print(messages.text("Level reached: {level}", level=messages.text(wording.LEVELS[found.level])))
    table = new_table(*map(messages.text, (N_("What"), N_("Result"), N_("Found"))))
    for each in found.checks:
        said = (wording.SUBJECTS[each.subject], wording.OUTCOMES[each.outcome])
        table.add_row(*map(messages.text, said), escape(wording.verified(each, messages)))
    print_table(table)


def differences(found: Sequence[Difference], messages: Messages) -> None:
    """The lines in which two declarations differ, what differs, and why."""
    if not found:
        print(messages.text("No line differs."))
        return
    table = new_table(*map(messages.text, (N_("Product"), N_("What differs"), N_("Why"))))
    for each in found:
        changes = "\n".join(wording.change(change, messages) for change in each.changes)
        reasons = "\n".join(wording.explained(reason, messages) for reason in each.reasons)
        table.add_row(*map(escape, (each.label, changes, reasons)))
    print_table(table)
