"""Commands on devices: tokens, the queue, quarantine, reports by file."""

import argparse
from datetime import timedelta
from pathlib import Path

from quitus_collector.adapters.terminal import device_pages
from quitus_collector.cli.arguments import (
    FAILURE,
    OK,
    Commands,
    check_entity,
    collector_of,
    complain,
    duration,
    label,
    positive,
    print_json,
)
from quitus_collector.errors import CollectorError, StoreError
from quitus_collector.services import access, ledger
from quitus_collector.services.enrolment import decide, revoke_token
from quitus_collector.services.reporting import Decision, list_devices, settle, show_device
from quitus_collector.wiring import identity, serving


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    _add_tokens(commands)
    devices = commands.add_parser("devices", help="enrolled devices")
    actions = devices.add_subparsers(required=True, metavar="ACTION")
    _add_looks(actions)
    _add_admissions(actions)
    _add_removals(actions)
    _add_reports(commands)


def _add_tokens(commands: Commands) -> None:
    token = commands.add_parser("token", help="join tokens, which admit devices")
    actions = token.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token and print it, for the only time")
    create.add_argument("--uses", type=positive, default=1, help="devices it admits (default: 1)")
    create.add_argument(
        "--valid-for", type=duration, default=timedelta(days=7), metavar="7d|12h|30m"
    )
    create.add_argument("--entity", metavar="SIREN", help="the legal entity of these devices")
    create.add_argument("--label", type=label, default="", help="what it is for")
    create.set_defaults(command=_token_create)
    actions.add_parser("list", help="the tokens, without their secrets").set_defaults(
        command=_token_list
    )
    revoke = actions.add_parser("revoke", help="end a token; devices that it let in stay")
    revoke.add_argument("token", metavar="ID")
    revoke.set_defaults(command=_token_revoke)


def _add_looks(actions: Commands) -> None:
    listing = actions.add_parser("list", help="all of them")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_devices_list)
    show = actions.add_parser("show", help="one of them and what is installed on it")
    show.add_argument("device", metavar="DEVICE", help="its id or its name")
    show.add_argument("--format", choices=("table", "json"), default="table")
    show.set_defaults(command=_devices_show)
    history = actions.add_parser("history", help="what is and was installed on one, and when")
    history.add_argument("device", metavar="DEVICE", help="its id or its name, also a former one")
    history.add_argument("--format", choices=("table", "json"), default="table")
    history.set_defaults(command=_devices_history)


def _add_admissions(actions: Commands) -> None:
    settle = actions.add_parser("settle", help="decide on devices in quarantine, or decide again")
    settle.add_argument("devices", nargs="+", metavar="DEVICE", help="its id or its name")
    settle.add_argument(
        "--as",
        dest="decision",
        required=True,
        choices=[each.value for each in Decision],
        help="a machine of its own; the one that takes another's place; back to quarantine",
    )
    settle.set_defaults(command=_devices_settle)
    for name, command, what in (
        ("revoke", _devices_revoke, "shut one out from its next call on; its reports stay"),
        ("restore", _devices_restore, "let a revoked one in again"),
    ):
        action = actions.add_parser(name, help=what)
        action.add_argument("device", metavar="DEVICE", help="its id or its name")
        action.add_argument("--reason", type=label, default="", help="for the audit log")
        action.set_defaults(command=command)
    actions.add_parser("pending", help="devices without a token that wait").set_defaults(
        command=_devices_pending
    )
    approve = actions.add_parser("approve", help="let one that waits in")
    approve.add_argument("request", metavar="REQUEST")
    approve.add_argument("--entity", metavar="SIREN", help="the legal entity of this device")
    approve.set_defaults(command=_devices_decide, approved=True)
    deny = actions.add_parser("deny", help="turn one that waits away")
    deny.add_argument("request", metavar="REQUEST")
    deny.set_defaults(command=_devices_decide, approved=False, entity=None)


def _add_removals(actions: Commands) -> None:
    forget = actions.add_parser(
        "forget", help="delete all that tells whose one was; past figures stay"
    )
    forget.add_argument("device", metavar="DEVICE", help="its id or its name, also a former one")
    forget.set_defaults(command=_devices_forget)
    remove = actions.add_parser("remove", help="take one out; its history stays")
    remove.add_argument("device", metavar="DEVICE", help="its id or its name")
    remove.set_defaults(command=_devices_remove)


def _add_reports(commands: Commands) -> None:
    reports = commands.add_parser("reports", help="reports of devices that reach no collector")
    actions = reports.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="take in what `quitus-agent report --to` wrote")
    imported.add_argument("files", nargs="+", type=Path, metavar="FILE")
    imported.set_defaults(command=_reports_import)


def _token_create(arguments: argparse.Namespace) -> int:
    check_entity(arguments.entity)
    collector = collector_of(arguments)
    print(
        identity.create_token(
            collector, arguments.uses, arguments.valid_for, arguments.entity, arguments.label
        )
    )
    return OK


def _token_list(arguments: argparse.Namespace) -> int:
    with collector_of(arguments).store.reading() as work:
        device_pages.tokens(work.tokens.list())
    return OK


def _token_revoke(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    token = revoke_token(collector.store, collector.clock, arguments.token, actor=collector.actor)
    print(f"the token {token.id} admits no device any more")
    return OK


def _devices_revoke(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    device = access.revoke(
        collector.store,
        collector.clock,
        arguments.device,
        actor=collector.actor,
        reason=arguments.reason,
    )
    print(f"{device.name} ({device.id}) is shut out from its next call on")
    return OK


def _devices_restore(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    device = access.restore(
        collector.store,
        collector.clock,
        arguments.device,
        actor=collector.actor,
        reason=arguments.reason,
    )
    print(f"{device.name} ({device.id}) may report again")
    return OK


def _devices_pending(arguments: argparse.Namespace) -> int:
    with collector_of(arguments).store.reading() as work:
        device_pages.requests(work.requests.list())
    return OK


def _devices_decide(arguments: argparse.Namespace) -> int:
    check_entity(arguments.entity)
    collector = collector_of(arguments)
    request = decide(
        collector.store,
        collector.clock,
        arguments.request,
        approved=arguments.approved,
        entity=arguments.entity,
        actor=collector.actor,
    )
    outcome = "is let in when it asks again" if request.approved else "is turned away"
    print(f"{request.hostname or request.address} ({request.id}) {outcome}")
    return OK


def _devices_list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    devices = list_devices(collector.store)
    if arguments.format == "json":
        print_json([each.document() for each in devices])
    else:
        device_pages.devices(devices, collector.config.oldest_agent)
    return OK


def _devices_show(arguments: argparse.Namespace) -> int:
    device, installs = show_device(collector_of(arguments).store, arguments.device)
    if arguments.format == "json":
        print_json(device.document() | {"software": [each.document() for each in installs]})
    else:
        device_pages.device(device, installs)
    return OK


def _devices_settle(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    decision = Decision(arguments.decision)
    for name in arguments.devices:
        device = settle(collector.store, collector.clock, name, decision, collector.actor)
        print(f"{device.name} ({device.id}) is {device.standing}")
    return OK


def _devices_remove(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    device = access.remove(
        collector.store, collector.clock, arguments.device, actor=collector.actor
    )
    print(f"{device.name} ({device.id}) is removed with its installs")
    return OK


def _devices_history(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = ledger.history(collector.store, arguments.device)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        device_pages.history(found, collector.messages)
    return OK


def _devices_forget(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    number = ledger.forget(
        collector.store, collector.clock, arguments.device, actor=collector.actor
    )
    print(f"the device is forgotten; past positions count it as number {number}, without a name")
    return OK


def _reports_import(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    status = OK
    for file in arguments.files:
        try:
            device = serving.import_report(collector, file)
        except StoreError:
            raise
        except CollectorError as error:
            # One bad file does not keep the others out.
            status = complain(error, FAILURE)
        else:
            print(f"{file}: {device.name} ({device.id}) holds {device.installs} installs")
    return status
