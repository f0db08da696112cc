"""The command `quitus-collector`."""

import argparse
import csv
import getpass
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from quitus_collector import config, logs, wiring
from quitus_collector.adapters import catalogue_bundle, json_lines, terminal
from quitus_collector.adapters.authority_folder import RootKey
from quitus_collector.adapters.own_rules import Ruling
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.catalogue import SoftwareClass, is_valid_line
from quitus_collector.domain.catalogue_check import problems
from quitus_collector.domain.catalogue_diff import differences
from quitus_collector.domain.company import is_siren
from quitus_collector.domain.device import Device
from quitus_collector.domain.optimisation import SolverError
from quitus_collector.domain.position import PositionLine
from quitus_collector.errors import CatalogueError, CollectorError, StoreError, UsageError
from quitus_collector.services import access
from quitus_collector.services.audit import verify
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.enrolment import decide, revoke_token
from quitus_collector.services.licensing import remove_entitlement
from quitus_collector.services.reporting import Decision, list_devices, settle, show_device
from quitus_collector.services.wording import why
from quitus_collector.wiring import Collector

OK, FAILURE, USAGE = 0, 1, 2
# What a person may decide; what nobody knows stays unknown by itself.
DECISIONS = tuple(each.value for each in SoftwareClass if each is not SoftwareClass.UNKNOWN)
CSV_FIELDS = (
    "product",
    "label",
    "metric",
    "installed",
    "entitled",
    "consumed",
    "available",
    "missing",
    "state",
    "reason",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another age shows an escape where it cannot show an accent.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except UsageError as error:
        return _complain(error, USAGE)
    except (CollectorError, SolverError) as error:
        return _complain(error, FAILURE)
    except BrokenPipeError:
        _drop_output()
        return OK
    except OSError as error:
        # What no command foresaw of disks and rights: still one sentence.
        where = f"{error.filename}: " if error.filename else ""
        _drop_output()
        return _complain(CollectorError(f"{where}{error.strerror or error}"), FAILURE)
    except KeyboardInterrupt:
        return 128 + 2
    return status


def _drop_output() -> None:
    """What is still buffered for a reader that is gone must not complain on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(error: Exception, status: int) -> int:
    print(f"quitus-collector: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quitus-collector",
        description="Enrols devices, keeps their inventories, and sets them against licence pools.",
    )
    home = os.environ.get("QUITUS_COLLECTOR_HOME", str(config.DEFAULT_HOME))
    parser.add_argument(
        "--home", type=Path, default=Path(home), metavar="FOLDER", help="the collector's folder"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_operation(commands)
    _add_authority(commands)
    _add_audit(commands)
    _add_devices(commands)
    _add_reports(commands)
    _add_licensing(commands)
    _add_catalogue(commands)
    return parser


def _add_operation(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    init = commands.add_parser("init", help="make a collector in its folder")
    init.add_argument(
        "--name",
        action="append",
        metavar="HOST",
        help="a name or address that agents use; repeat for several (default: localhost)",
    )
    _add_root_key(init, "keep the root's key in this file, made if there is none")
    init.set_defaults(command=_init)

    serve = commands.add_parser("serve", help="answer devices until stopped")
    serve.add_argument("--enrolment", metavar="HOST:PORT", help="where devices enrol")
    serve.add_argument("--inventory", metavar="HOST:PORT", help="where enrolled devices report")
    serve.set_defaults(command=_serve)

    upgrade = commands.add_parser("upgrade", help="bring the database to this version's schema")
    upgrade.set_defaults(command=_upgrade)


def _add_root_key(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--root-key", type=Path, metavar="FILE", help=what)
    secret = command.add_mutually_exclusive_group()
    secret.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="holds the root key's passphrase"
    )
    secret.add_argument("--passphrase", action="store_true", help="ask for it at the terminal")


def _add_authority(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    authority = commands.add_parser("authority", help="the certificate authority")
    actions = authority.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", help="its fingerprint, what it is good for, what is due")
    show.set_defaults(command=_authority_show)
    renew = actions.add_parser("renew", help="make a new issuing authority under the same root")
    _add_root_key(renew, "the root's key, where it is kept apart")
    renew.set_defaults(command=_authority_change, kind=Kind.AUTHORITY_RENEWED)
    replace = actions.add_parser("replace", help="replace the root, in steps")
    steps = replace.add_subparsers(required=True, metavar="STEP")
    prepare = steps.add_parser("prepare", help="make the next root and tell the devices")
    _add_root_key(prepare, "keep the next root's key in this file, made if there is none")
    prepare.set_defaults(command=_authority_change, kind=Kind.ROOT_PREPARED)
    activate = steps.add_parser("activate", help="put the next root in charge")
    _add_root_key(activate, "the next root's key, where it is kept apart")
    activate.add_argument(
        "--even-if", action="store_true", help="although devices have not heard of it"
    )
    activate.set_defaults(command=_authority_change, kind=Kind.ROOT_ACTIVATED)
    retire = steps.add_parser("retire", help="trust the former root no more")
    retire.add_argument(
        "--even-if", action="store_true", help="although devices still show its certificates"
    )
    retire.set_defaults(command=_authority_change, kind=Kind.ROOT_RETIRED)


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser("audit", help="the log of what happened to identities")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="its newest entries, oldest first")
    listing.add_argument("--last", type=_positive, default=100, metavar="N", help="default: 100")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_audit_list)
    verify = actions.add_parser("verify", help="prove that no entry was changed or taken out")
    verify.add_argument(
        "--noted",
        default="",
        metavar="DIGEST",
        help="a last digest that was noted elsewhere: the log must still have it",
    )
    verify.set_defaults(command=_audit_verify)


def _add_devices(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    token = commands.add_parser("token", help="join tokens, which admit devices")
    actions = token.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token and print it, for the only time")
    create.add_argument("--uses", type=_positive, default=1, help="devices it admits (default: 1)")
    create.add_argument(
        "--valid-for", type=_duration, default=timedelta(days=7), metavar="7d|12h|30m"
    )
    create.add_argument("--entity", metavar="SIREN", help="the legal entity of these devices")
    create.add_argument("--label", type=_label, default="", help="what it is for")
    create.set_defaults(command=_token_create)
    actions.add_parser("list", help="the tokens, without their secrets").set_defaults(
        command=_token_list
    )
    revoke = actions.add_parser("revoke", help="end a token; devices that it let in stay")
    revoke.add_argument("token", metavar="ID")
    revoke.set_defaults(command=_token_revoke)

    devices = commands.add_parser("devices", help="enrolled devices")
    actions = devices.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all of them")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_devices_list)
    show = actions.add_parser("show", help="one of them and what is installed on it")
    show.add_argument("device", metavar="DEVICE", help="its id or its name")
    show.add_argument("--format", choices=("table", "json"), default="table")
    show.set_defaults(command=_devices_show)
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
        action.add_argument("--reason", type=_label, default="", help="for the audit log")
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
    remove = actions.add_parser("remove", help="forget one, with its installs")
    remove.add_argument("device", metavar="DEVICE", help="its id or its name")
    remove.set_defaults(command=_devices_remove)


def _add_reports(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reports = commands.add_parser("reports", help="reports of devices that reach no collector")
    actions = reports.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="take in what `quitus-agent report --to` wrote")
    imported.add_argument("files", nargs="+", type=Path, metavar="FILE")
    imported.set_defaults(command=_reports_import)


def _add_licensing(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pools = commands.add_parser("pools", help="licence pools")
    actions = pools.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="take in entitlements from a CSV file")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.set_defaults(command=_pools_import)
    actions.add_parser("list", help="all entitlements").set_defaults(command=_pools_list)
    remove = actions.add_parser("remove", help="take an entitlement out")
    remove.add_argument("entitlement", metavar="ID")
    remove.set_defaults(command=_pools_remove)

    position = commands.add_parser("position", help="the effective licence position")
    position.add_argument("--format", choices=("table", "json", "csv"), default="table")
    position.add_argument("--publisher", help="of one publisher only: microsoft, adobe …")
    position.set_defaults(command=_position)

    findings = commands.add_parser(
        "findings", help="facts beside the position: support, activation, conditions"
    )
    findings.add_argument("--format", choices=("table", "json"), default="table")
    findings.add_argument(
        "--key-server",
        action="append",
        default=[],
        metavar="HOST",
        help="a key server of yours; others are then reported",
    )
    findings.set_defaults(command=_findings)

    declaration = commands.add_parser("declaration", help="the declaration")
    actions = declaration.add_subparsers(required=True, metavar="ACTION")
    draft = actions.add_parser("draft", help="fill it in, as PDF and JSON")
    draft.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    draft.add_argument("--publisher", help="the addressee; without it, all publishers")
    draft.set_defaults(command=_declaration_draft)

    reconcile = commands.add_parser("reconcile", help="answer a scenario file")
    reconcile.add_argument("file", type=Path, metavar="SCENARIO.json")
    reconcile.add_argument("--format", choices=("json",), default="json")
    reconcile.add_argument(
        "--time-limit",
        type=_duration,
        metavar="90s|5m",
        help="after it, the best answer so far is printed, said not to be proven (default: none)",
    )
    reconcile.set_defaults(command=_reconcile)


def _add_catalogue(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    recognise = commands.add_parser(
        "recognise", help="say of raw records what they are: JSON lines in, JSON lines out"
    )
    recognise.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="default: standard input"
    )
    recognise.set_defaults(command=_recognise)

    catalogue = commands.add_parser("catalogue", help="the rules that recognise products")
    catalogue_actions = catalogue.add_subparsers(required=True, metavar="ACTION")
    check = catalogue_actions.add_parser("check", help="refuse contradictions, dead rules, circles")
    check.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help="default: the rules in use"
    )
    check.set_defaults(command=_catalogue_check)
    show = catalogue_actions.add_parser(
        "show", help="what is known: in sum, of a publisher, of a product"
    )
    show.add_argument("id", nargs="?", metavar="PUBLISHER|PRODUCT")
    show.set_defaults(command=_catalogue_show)
    pack = catalogue_actions.add_parser("pack", help="make a signed bundle of a folder of rules")
    pack.add_argument("folder", type=Path, metavar="FOLDER")
    pack.add_argument("--key", type=Path, required=True, metavar="PRIVATE.pem", help="Ed25519")
    pack.add_argument("--out", type=Path, required=True, metavar="BUNDLE")
    pack.set_defaults(command=_catalogue_pack)
    update = catalogue_actions.add_parser("update", help="take in a signed bundle; no network")
    update.add_argument("bundle", type=Path, metavar="BUNDLE")
    update.add_argument("--key", type=Path, required=True, metavar="PUBLIC.pem")
    update.set_defaults(command=_catalogue_update)

    triage = commands.add_parser("triage", help="what no rule knows, and your decisions on it")
    actions = triage.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="groups of names, those on most devices first")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_triage_list)
    decide = actions.add_parser("decide", help="make a rule of your own for a group")
    decide.add_argument("name", metavar="NAME", help="the group's, or any name in it")
    decide.add_argument(
        "--as", dest="software_class", required=True, choices=DECISIONS, metavar="CLASS"
    )
    decide.add_argument("--product", default="", metavar="PUBLISHER/FAMILY")
    decide.add_argument("--label", default="", help="the product's name (default: the group's)")
    decide.add_argument("--preview", action="store_true", help="show what it would change only")
    decide.set_defaults(command=_triage_decide)

    diff = catalogue_actions.add_parser("diff", help="what changed since another version")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, nargs="?", metavar="NEW", help="default: the rules in use")
    diff.set_defaults(command=_catalogue_diff)


def _collector(arguments: argparse.Namespace, **flags: str | None) -> Collector:
    given = {name: value for name, value in flags.items() if value}
    return Collector(config.load(arguments.home, os.environ, given))


def _init(arguments: argparse.Namespace) -> int:
    names = arguments.name or ["localhost", "127.0.0.1"]
    made = wiring.init(
        arguments.home,
        names,
        lambda: config.load(arguments.home, os.environ, {}),
        _root_key(arguments, arguments.home / "authority" / "root.key", making=True),
    )
    print(f"collector made in {made.home}; its settings are in {made.home / config.FILE}")
    return OK


def _serve(arguments: argparse.Namespace) -> int:
    logs.configure()
    collector = _collector(arguments, enrolment=arguments.enrolment, inventory=arguments.inventory)

    def ready(enrolment_port: int, inventory_port: int) -> None:
        print(f"enrolment port {enrolment_port}, inventory port {inventory_port}", flush=True)

    collector.serve(ready)
    return OK


def _root_key(arguments: argparse.Namespace, usual: Path | None, *, making: bool) -> RootKey | None:
    """The root key that the flags name; None where they name none."""

    def passphrase() -> bytes:
        if arguments.passphrase_file:
            try:
                return bytes(arguments.passphrase_file.read_bytes().rstrip(b"\r\n"))
            except OSError as error:
                raise UsageError(f"{arguments.passphrase_file}: {error.strerror}") from error
        if making and not arguments.passphrase:
            return b""
        given = getpass.getpass("passphrase of the root's key: ")
        if making and getpass.getpass("once more: ") != given:
            raise UsageError("the two passphrases differ")
        return given.encode()

    file = arguments.root_key or usual
    asked = arguments.root_key or arguments.passphrase_file or arguments.passphrase
    return RootKey(file, passphrase) if file and asked else None


def _authority_show(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    terminal.authority(
        collector.authority, collector.clock.now(), len(collector.without_next_root())
    )
    return OK


def _authority_change(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    kind: Kind = arguments.kind
    if kind is Kind.ROOT_RETIRED:
        root_key = None
    else:
        root_key = _root_key(arguments, None, making=kind is Kind.ROOT_PREPARED)
    if kind is Kind.ROOT_ACTIVATED and not arguments.even_if:
        _refuse_for(collector.without_next_root(), "have not heard of the next root")
    if kind is Kind.ROOT_RETIRED and not arguments.even_if:
        _refuse_for(collector.with_former_issuer(), "still show a certificate of a former issuer")
    print(collector.change_authority(kind, root_key))
    return OK


def _refuse_for(devices: Sequence[Device], why: str) -> None:
    if devices:
        raise UsageError(
            f"{len(devices)} devices {why}, {devices[0].name} is one: "
            "wait for their reports, revoke them, or give --even-if"
        )


def _audit_list(arguments: argparse.Namespace) -> int:
    with _collector(arguments).store.reading() as work:
        entries = list(work.audit.list(last=arguments.last))
    if arguments.format == "json":
        _print_json([each.document() for each in entries])
    else:
        terminal.audit(entries)
    return OK


def _audit_verify(arguments: argparse.Namespace) -> int:
    broken, count, digest = verify(_collector(arguments).store, arguments.noted)
    if broken is not None:
        raise CollectorError(f"the audit log is broken at entry {broken} of {count}")
    print(f"{count} entries, each as it was written; the last digest is {digest}")
    return OK


def _upgrade(arguments: argparse.Namespace) -> int:
    _collector(arguments).upgrade()
    print("the database has the schema of this version")
    return OK


def _token_create(arguments: argparse.Namespace) -> int:
    _check_entity(arguments.entity)
    collector = _collector(arguments)
    print(
        collector.create_token(
            arguments.uses, arguments.valid_for, arguments.entity, arguments.label
        )
    )
    return OK


def _token_list(arguments: argparse.Namespace) -> int:
    with _collector(arguments).store.reading() as work:
        terminal.tokens(work.tokens.list())
    return OK


def _token_revoke(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    token = revoke_token(collector.store, collector.clock, arguments.token, actor=collector.actor)
    print(f"the token {token.id} admits no device any more")
    return OK


def _devices_revoke(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
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
    collector = _collector(arguments)
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
    with _collector(arguments).store.reading() as work:
        terminal.requests(work.requests.list())
    return OK


def _devices_decide(arguments: argparse.Namespace) -> int:
    _check_entity(arguments.entity)
    collector = _collector(arguments)
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


def _check_entity(entity: str | None) -> None:
    if entity and not is_siren(entity):
        raise UsageError(f"{entity!r} is not a SIREN: nine digits with their check digit")


def _devices_list(arguments: argparse.Namespace) -> int:
    devices = list_devices(_collector(arguments).store)
    if arguments.format == "json":
        _print_json([each.document() for each in devices])
    else:
        terminal.devices(devices)
    return OK


def _devices_show(arguments: argparse.Namespace) -> int:
    device, installs = show_device(_collector(arguments).store, arguments.device)
    if arguments.format == "json":
        _print_json(device.document() | {"software": [each.document() for each in installs]})
    else:
        terminal.device(device, installs)
    return OK


def _devices_settle(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    decision = Decision(arguments.decision)
    for name in arguments.devices:
        device = settle(collector.store, collector.clock, name, decision, collector.actor)
        print(f"{device.name} ({device.id}) is {device.standing}")
    return OK


def _devices_remove(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    device = access.remove(
        collector.store, collector.clock, arguments.device, actor=collector.actor
    )
    print(f"{device.name} ({device.id}) is removed with its installs")
    return OK


def _reports_import(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    status = OK
    for file in arguments.files:
        try:
            device = collector.import_report(file)
        except StoreError:
            raise
        except CollectorError as error:
            # One bad file does not keep the others out.
            status = _complain(error, FAILURE)
        else:
            print(f"{file}: {device.name} ({device.id}) holds {device.installs} installs")
    return status


def _pools_remove(arguments: argparse.Namespace) -> int:
    removed = remove_entitlement(_collector(arguments).store, arguments.entitlement)
    print(f"{removed.id} is removed: {removed.quantity} of {removed.product}")
    return OK


def _pools_import(arguments: argparse.Namespace) -> int:
    summary = _collector(arguments).import_pools(arguments.file)
    print(
        f"{arguments.file}: {summary.added} entitlements added, {summary.changed} changed, "
        f"{summary.unchanged} unchanged"
    )
    return OK


def _pools_list(arguments: argparse.Namespace) -> int:
    with _collector(arguments).store.reading() as work:
        terminal.pools(work.entitlements.list())
    return OK


def _position(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    check_publisher(collector.catalogue, arguments.publisher)
    position = collector.position()
    if arguments.publisher:
        position = position.of_publisher(arguments.publisher)
    if arguments.format == "json":
        _print_json(position.document())
    elif arguments.format == "csv":
        _print_csv(position.lines, collector)
    else:
        terminal.position(position, collector.messages)
    return OK


def _findings(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    found = collector.findings(arguments.key_server)
    if arguments.format == "json":
        _print_json([each.document() for each in found])
    else:
        terminal.findings(found, collector.catalogue, collector.messages)
    return OK


def _print_csv(lines: Sequence[PositionLine], collector: Collector) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*CSV_FIELDS, "why"])
    for line in lines:
        document = line.document()
        writer.writerow([*(document[name] for name in CSV_FIELDS), why(line, collector.messages)])


def _declaration_draft(arguments: argparse.Namespace) -> int:
    collector = _collector(arguments)
    for file in collector.draft_declaration(arguments.publisher, arguments.out):
        print(file)
    return OK


def _reconcile(arguments: argparse.Namespace) -> int:
    limit = arguments.time_limit and arguments.time_limit.total_seconds()
    answer, is_optimal = _collector(arguments).reconcile_scenario(arguments.file, limit)
    print(answer)
    if not is_optimal:
        raise CollectorError("the time limit was reached: this is the best answer until then")
    return OK


def _recognise(arguments: argparse.Namespace) -> int:
    recognise = wiring.catalogue(arguments.home).recognise
    file = arguments.file or "standard input"
    try:
        with arguments.file.open(encoding="utf-8") if arguments.file else sys.stdin as lines:
            sys.stdout.writelines(
                json_lines.write(recognise(install).document())
                for install in json_lines.read(lines)
            )
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8 text") from error
    except FileNotFoundError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    return OK


def _catalogue_check(arguments: argparse.Namespace) -> int:
    catalogue = wiring.catalogue(arguments.home, arguments.folder)
    found = sorted(set(problems(catalogue)))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        raise CatalogueError(f"the catalogue has {len(found)} faults")
    print(
        f"{len(catalogue.publishers)} publishers, {len(catalogue.products)} products, "
        f"{len(catalogue.rules)} rules: nothing to complain of"
    )
    return OK


def _catalogue_show(arguments: argparse.Namespace) -> int:
    catalogue = wiring.catalogue(arguments.home)
    known = {*catalogue.products, *catalogue.publishers}
    if arguments.id and arguments.id not in known:
        close = get_close_matches(arguments.id, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"the catalogue has no publisher or product {arguments.id!r}{hint}")
    terminal.catalogue(catalogue, arguments.id)
    return OK


def _catalogue_diff(arguments: argparse.Namespace) -> int:
    old = wiring.catalogue(arguments.home, arguments.old)
    new = wiring.catalogue(arguments.home, arguments.new)
    for sentence in differences(old, new):
        print(sentence)
    return OK


def _catalogue_pack(arguments: argparse.Namespace) -> int:
    version = catalogue_bundle.pack(arguments.folder, arguments.key, arguments.out)
    print(f"{arguments.out}: catalogue version {version}")
    return OK


def _catalogue_update(arguments: argparse.Namespace) -> int:
    folder = arguments.home / wiring.UPDATED_RULES
    version = catalogue_bundle.unpack(arguments.bundle, arguments.key, folder)
    print(f"the catalogue of {arguments.home} is version {version}")
    return OK


def _triage_list(arguments: argparse.Namespace) -> int:
    found = _collector(arguments).triage()
    if arguments.format == "json":
        _print_json([each.document() for each in found])
    else:
        terminal.triage(found)
    return OK


def _triage_decide(arguments: argparse.Namespace) -> int:
    if arguments.product and not is_valid_line(arguments.product):
        raise UsageError(f"{arguments.product!r} is not publisher/family[/edition]")
    collector = _collector(arguments)
    named = [each for each in collector.triage() if arguments.name in (each.stem, *each.names)]
    if not named:
        raise UsageError(f"no unknown name is {arguments.name!r}")
    ruling = Ruling(
        named[0].stem,
        named[0].publisher,
        SoftwareClass(arguments.software_class),
        arguments.product,
        arguments.label,
    )
    for install, answer in collector.preview(ruling):
        print(f"{install.name}: {answer.product or answer.software_class.value}")
    if not arguments.preview:
        print(f"the rule is in {collector.decide(ruling)}")
    return OK


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _label(text: str) -> str:
    if len(text) > 255:
        raise argparse.ArgumentTypeError("is longer than 255 characters")
    return text


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})([dhms])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration like 7d, 12h, 30m or 90s")
    unit = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}[found[2]]
    return timedelta(**{unit: int(found[1])})


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print()
