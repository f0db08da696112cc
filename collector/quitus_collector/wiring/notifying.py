"""Tells people by mail and programs by webhooks: looked for now and then, delivered as jobs."""

import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from quitus_collector.adapters import mailer, webhooks
from quitus_collector.adapters.mailer import MailServer
from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.webhooks import Hook
from quitus_collector.domain.audit import Event
from quitus_collector.domain.job import Job
from quitus_collector.domain.notice import Notice
from quitus_collector.domain.position import Position
from quitus_collector.errors import NotSent, UsageError
from quitus_collector.services import jobs, notices
from quitus_collector.settings_file import MailTable, WebhookTable
from quitus_collector.wiring.collector import Collector

MAIL, HOOK = "mail", "webhook"
# How long until it is tried again, time after time; then a person has to see to it.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
ACTOR = "console"


def is_wanted(collector: Collector) -> bool:
    """Whether anybody is to be told of anything."""
    settings = collector.config.console
    return bool(settings.mail or settings.webhooks)


def look(collector: Collector, position: Position) -> int:
    """Queues what is new; how many notices that is, by all ways together."""
    settings, clock = collector.config.console, collector.clock
    found = notices.current(collector.store, clock, position, collector.config.approval)
    queued = 0
    for table in settings.webhooks:
        told = [each for each in found if each.topic in table.topics]
        queued += notices.claim(
            collector.store,
            clock,
            f"{HOOK} {table.name}",
            told,
            lambda new, name=table.name: _hooked(collector, name, new),  # type: ignore[misc]
        )
    here = clock.now().astimezone(collector.config.time_zone)
    if settings.mail and here.hour >= settings.mail.hour:
        told = [each for each in found if each.topic in notices.MAILED]
        queued += notices.claim(
            collector.store, clock, MAIL, told, lambda new: _mailed(collector, new), here.date()
        )
    return queued


def deliver_mail(
    collector: Collector, arguments: Mapping[str, str], content: bytes
) -> Mapping[str, str]:
    """Sends a digest, or has it tried again later; raises NotSent once that was often enough."""
    table = collector.config.console.mail
    if table is None:
        raise UsageError("nobody is told by mail any more: collector.toml has no [console.mail]")
    recipients = [arguments["to"]] if arguments.get("to") else table.recipients
    subject, _, text = content.decode().partition("\n")
    try:
        refused = mailer.send(
            _server(collector, table),
            table.sender,
            recipients,
            subject,
            text,
            reference=arguments["delivery"],
            at=collector.clock.now(),
        )
    except NotSent as error:
        return _again(collector, MAIL, arguments, content, error)
    # To those it was sent: to try again would send it to the others twice.
    said = ", ".join(each for each in recipients if each not in refused)
    if refused:
        said = collector.messages.text(
            "{sent}; the server takes no message for {refused}",
            sent=said,
            refused=", ".join(refused),
        )
    return {"said": said}


def deliver_hook(
    collector: Collector, arguments: Mapping[str, str], content: bytes
) -> Mapping[str, str]:
    """Tells a program, or has it tried again later; raises NotSent once that was often enough."""
    name = arguments["about"]
    tables = [each for each in collector.config.console.webhooks if each.name == name]
    if not tables:
        raise UsageError("collector.toml has no webhook {name} any more", name=name)
    now_s = int(collector.clock.now().timestamp())
    try:
        webhooks.send(_hook(collector, tables[0]), content, arguments["delivery"], now_s)
    except NotSent as error:
        return _again(collector, HOOK, arguments, content, error)
    return {"said": name}


def _again(
    collector: Collector, kind: str, arguments: Mapping[str, str], content: bytes, why: NotSent
) -> Mapping[str, str]:
    tried = int(arguments["tried"])
    if tried >= len(WAITS):
        raise why
    starts_at = collector.clock.now() + WAITS[tried]
    jobs.ask(
        collector.store,
        collector.clock,
        kind,
        {**arguments, "tried": str(tried + 1)},
        actor=ACTOR,
        content=content,
        starts_at=starts_at,
    )
    said = collector.messages.text(
        "{why}; tried again on {when}", why=str(why), when=collector.messages.moment(starts_at)
    )
    return {"said": said}


def _mailed(collector: Collector, new: Sequence[Notice]) -> Iterator[tuple[Job, bytes]]:
    messages = collector.messages
    subject = messages.count("Quitus: {n} thing to see", "Quitus: {n} things to see", len(new))
    yield _job(collector, MAIL, ""), f"{subject}\n{notices.digest(new, messages)}".encode()


def warn(
    collector: Collector, addresses: Collection[str], event: Event
) -> Iterator[tuple[Job, bytes]]:
    """Tells at once that the rights of someone who approves changed; nobody without a server."""
    table = collector.config.console.mail
    if table is None:
        return
    messages, detail = Messages(collector.config.language, collector.config.time_zone), event.detail
    text = messages.text(
        "{actor} changed {subject}, who approves declarations: {what}. Reason: {reason}",
        actor=notices.plain(event.actor),
        subject=notices.plain(event.subject),
        what=messages.text(detail.get("what", "")),
        reason=notices.plain(detail.get("reason", "")),
    )
    subject = messages.text("Quitus: someone who approves was changed")
    content = f"{subject}\n{text}\n".encode()
    # One each: an address that no server takes keeps nobody else from being told.
    for address in sorted({*table.recipients, *filter(_is_one_address, addresses)}):
        job = _job(collector, MAIL, "")
        yield replace(job, arguments={**job.arguments, "to": address}), content


def _is_one_address(text: str) -> bool:
    return text.isprintable() and text.count("@") == 1 and not set(text) & set(' ,;<>"')


def _hooked(collector: Collector, name: str, new: Sequence[Notice]) -> Iterator[tuple[Job, bytes]]:
    """One message a topic, however much is new of it."""
    for topic, those in groupby(new, key=lambda each: each.topic):
        document = {
            "event": topic.value,
            "at": collector.clock.now().isoformat(timespec="seconds"),
            "items": [dict(each.values) for each in those],
        }
        yield _job(collector, HOOK, name), json.dumps(document, ensure_ascii=False).encode()


def _job(collector: Collector, kind: str, about: str) -> Job:
    arguments = {"about": about, "delivery": secrets.token_hex(12), "tried": "0"}
    return Job(secrets.token_hex(12), kind, ACTOR, collector.clock.now(), arguments)


def _server(collector: Collector, table: MailTable) -> MailServer:
    home = collector.config.home
    return MailServer(
        table.server,
        table.port,
        table.encryption,
        table.user,
        home / table.password_file if table.password_file else None,
        home / table.authority if table.authority else None,
        collector.config.credentials,
    )


def _hook(collector: Collector, table: WebhookTable) -> Hook:
    home = collector.config.home
    authority = home / table.authority if table.authority else None
    secret = home / table.secret_file
    return Hook(table.name, table.address, secret, authority, collector.config.credentials)
