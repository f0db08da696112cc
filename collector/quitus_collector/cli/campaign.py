"""Commands on the letters of publishers."""

import argparse
from pathlib import Path

from quitus_collector.cli.arguments import (
    OK,
    Commands,
    check_entity,
    collector_of,
    day,
    label,
    print_json,
)
from quitus_collector.cli.company import _id
from quitus_collector.domain.campaign import (
    Answer,
    Campaign,
    Nature,
    Progress,
    Reminder,
    Reply,
    pressing,
)
from quitus_collector.errors import UsageError
from quitus_collector.services import campaigns
from quitus_collector.wiring import campaigns as wired

ANSWERS = [each.value for each in Answer]


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    campaign = commands.add_parser("campaign", help="letters that ask for a declaration")
    actions = campaign.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register a letter")
    add.add_argument("letter", metavar="ID", type=_id, help="what to call it here")
    add.add_argument("--publisher", required=True)
    add.add_argument("--reference", type=label, default="", help="the letter's own")
    add.add_argument("--dated", type=day, required=True, metavar="DAY")
    add.add_argument("--received", type=day, required=True, metavar="DAY")
    add.add_argument("--nature", choices=[each.value for each in Nature], required=True)
    add.add_argument("--basis", type=label, default="", help="the clause or the decision")
    add.add_argument("--deadline", type=day, metavar="DAY")
    add.add_argument("--entity", action="append", default=[], metavar="SIREN")
    add.add_argument("--address", type=label, default="", help="of who wrote, commas for lines")
    add.add_argument("--scan", type=Path, metavar="FILE", help="kept with its SHA-256")
    add.set_defaults(command=_add)
    actions.add_parser("list", help="all letters").set_defaults(command=_list)
    status = actions.add_parser("status", help="who answered what, and what is open")
    status.add_argument("letter", metavar="ID", nargs="?", default="")
    status.add_argument("--format", choices=("text", "json"), default="text")
    status.set_defaults(command=_status)
    remind = actions.add_parser("remind", help="the publisher wrote again")
    remind.add_argument("letter", metavar="ID")
    remind.add_argument("--on", type=day, required=True, metavar="DAY")
    remind.add_argument("--reference", type=label, default="")
    remind.add_argument("--deadline", type=day, metavar="DAY", help="the new one")
    remind.set_defaults(command=_remind)
    answer = actions.add_parser("answer", help="write down what an entity answered")
    answer.add_argument("--declaration", default="", metavar="ID", help="that was drafted for it")
    answer.set_defaults(command=_answer)
    letter = actions.add_parser("letter", help="draft the answer: PDF, text, and legal notes")
    letter.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    letter.add_argument("--language", choices=("fr", "en"), default="fr")
    letter.set_defaults(command=_letter)
    for each in (answer, letter):
        each.add_argument("letter", metavar="ID")
        each.add_argument("--answer", choices=ANSWERS, required=True)
        each.add_argument("--entity", default="", metavar="SIREN")
        each.add_argument("--reasons", default="", help="needed to decline")


def _add(arguments: argparse.Namespace) -> int:
    for entity in arguments.entity:
        check_entity(entity)
    campaign = Campaign(
        id=arguments.letter,
        publisher=arguments.publisher,
        publisher_label="",
        reference=arguments.reference,
        dated=arguments.dated,
        received_on=arguments.received,
        nature=Nature(arguments.nature),
        deadline=arguments.deadline,
        entities=tuple(sorted(set(arguments.entity))),
        basis=arguments.basis,
        address=arguments.address,
    )
    kept = wired.register(collector_of(arguments), campaign, arguments.scan)
    scan = f"; its scan has the SHA-256 {kept.scan_sha256}" if kept.scan_sha256 else ""
    print(f"the letter {kept.id} of {kept.publisher_label} is registered{scan}")
    return OK


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    today = collector.clock.today()
    overview = campaigns.overview(collector.store, today)
    urgent = {each.id for each in pressing([campaign for campaign, _ in overview], today)}
    for campaign, found in overview:
        mark = "!" if campaign.id in urgent else " "
        name = f"{campaign.id}  {campaign.publisher:16}  {campaign.nature:11}"
        print(f"{mark} {name}  {_summary(found)}")
    return OK


def _status(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    overview = campaigns.overview(collector.store, collector.clock.today(), arguments.letter)
    if arguments.format == "json":
        print_json([_document(campaign, found) for campaign, found in overview])
        return OK
    for campaign, found in overview:
        due = f", due {campaign.due}" if campaign.due else ""
        print(f"{campaign.id}  {campaign.publisher_label}, {campaign.nature}{due}")
        print(f"    {_summary(found)}")
        for reminder in campaign.reminders:
            print(f"    reminded on {reminder.on} {reminder.reference}".rstrip())
        for reply in campaign.replies:
            print(f"    {reply.entity}  {reply.answer} on {reply.on} {reply.filing}".rstrip())
        for entity in found.open:
            print(f"    {entity}  has not answered")
        if state := wired.scan_state(collector, campaign):
            print(f"    scan {campaign.scan_sha256}: {state}")
    return OK


def _remind(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    reminder = Reminder(arguments.on, arguments.reference, arguments.deadline)
    found = campaigns.remind(
        collector.store, collector.clock, arguments.letter, reminder, actor=collector.actor
    )
    print(f"the letter {found.id} was reminded of; due {found.due or 'on no day'}")
    return OK


def _answer(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    entity = arguments.entity or collector.config.company.siren
    if not entity:
        raise UsageError("which entity answered? name it with --entity, or set company.siren")
    check_entity(entity)
    reply = Reply(
        entity,
        Answer(arguments.answer),
        collector.clock.today(),
        arguments.reasons,
        arguments.declaration,
    )
    campaigns.answer(
        collector.store, collector.clock, arguments.letter, reply, actor=collector.actor
    )
    print(f"{entity} answered the letter {arguments.letter}: {reply.answer}")
    return OK


def _letter(arguments: argparse.Namespace) -> int:
    check_entity(arguments.entity or None)
    answer = Answer(arguments.answer)
    if answer is Answer.DECLINE and not arguments.reasons.strip():
        raise UsageError("declining needs its reasons: --reasons")
    for file in wired.letter(
        collector_of(arguments),
        arguments.letter,
        answer,
        arguments.out,
        entity=arguments.entity,
        reasons=arguments.reasons,
        language=arguments.language,
    ):
        print(file)
    print("to be reviewed by counsel before it is sent; notes.pdf is not sent")
    return OK


def _summary(found: Progress) -> str:
    left = ""
    if found.days_left is not None and found.open:
        left = f"; {found.days_left} days left" if found.days_left >= 0 else "; LATE"
    return (
        f"{found.answered} of {found.entities} entities answered, {found.declared} declared, "
        f"{found.with_gaps} with gaps{left}"
    )


def _document(campaign: Campaign, found: Progress) -> dict[str, object]:
    return {
        "id": campaign.id,
        "publisher": campaign.publisher,
        "reference": campaign.reference,
        "nature": campaign.nature.value,
        "due": campaign.due and campaign.due.isoformat(),
        "entities": found.entities,
        "answered": found.answered,
        "declared": found.declared,
        "with_gaps": found.with_gaps,
        "open": list(found.open),
        "days_left": found.days_left,
        "late": found.is_late,
        "scan_sha256": campaign.scan_sha256 or None,
    }
