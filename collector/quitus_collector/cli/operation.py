"""Commands that make and run a collector: its folder, its authority, its audit log."""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from quitus_collector import config, logs
from quitus_collector.adapters import secret_files
from quitus_collector.adapters.authority.folder import RootKey
from quitus_collector.adapters.terminal import device_pages
from quitus_collector.cli import company
from quitus_collector.cli.arguments import (
    FAILURE,
    OK,
    Commands,
    collector_of,
    positive,
    print_json,
)
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.device import Device
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services.audit import verify
from quitus_collector.services.diagnosing import Verdict
from quitus_collector.wiring import identity, operation, serving
from quitus_collector.wiring.accounts import FIRST

# Given as a file.
STANDARD_INPUT = Path("-")


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    _add_operation(commands)
    _add_authority(commands)
    _add_audit(commands)


def _add_operation(commands: Commands) -> None:
    init = commands.add_parser("init", help="make a collector in its folder")
    init.add_argument(
        "--name",
        action="append",
        metavar="HOST",
        help="a name or address that agents use; repeat for several (default: localhost)",
    )
    _add_root_key(init, "keep the root's key in this file, made if there is none")
    init.add_argument(
        "--no-administrator",
        dest="administrator",
        action="store_false",
        help="make no account of the console: print no password where output is kept",
    )
    init.set_defaults(command=_init)

    serve = commands.add_parser("serve", help="answer devices until stopped")
    serve.add_argument("--enrolment", metavar="HOST:PORT", help="where devices enrol")
    serve.add_argument("--inventory", metavar="HOST:PORT", help="where enrolled devices report")
    serve.add_argument(
        "--health", metavar="HOST:PORT", help="/livez, /readyz and /metrics over plain HTTP"
    )
    serve.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="so many processes (default: 1)"
    )
    # A process that `--workers` started; its number.
    serve.add_argument("--worker", type=positive, default=0, help=argparse.SUPPRESS)
    serve.set_defaults(command=_serve, lasts=True)

    doctor = commands.add_parser("doctor", help="look at everything, and say what to do")
    doctor.add_argument("--format", choices=("table", "json"), default="table")
    doctor.set_defaults(command=_doctor)

    backup = commands.add_parser("backup", help="write everything into one file, while serving too")
    backup.add_argument("file", type=Path, metavar="FILE")
    _add_passphrase(backup, "seals the keys, which are left out without it")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser("restore", help="put a backup in this folder's place")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--replace", action="store_true", help="put aside the collector that is there"
    )
    _add_passphrase(restore, "opens the keys")
    restore.set_defaults(command=_restore)

    upgrade = commands.add_parser("upgrade", help="bring the database to this version's schema")
    upgrade.set_defaults(command=_upgrade)


def _add_root_key(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--root-key", type=Path, metavar="FILE", help=what)
    _add_passphrase(command, "is the root key's")


def _add_passphrase(command: argparse.ArgumentParser, what: str) -> None:
    secret = command.add_mutually_exclusive_group()
    secret.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"holds the passphrase that {what}; - for standard input",
    )
    secret.add_argument("--passphrase", action="store_true", help="ask for it at the terminal")


def _add_authority(commands: Commands) -> None:
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
    company.add(actions)


def _add_audit(commands: Commands) -> None:
    audit = commands.add_parser("audit", help="the log of what happened to identities")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="its newest entries, oldest first")
    listing.add_argument("--last", type=positive, default=100, metavar="N", help="default: 100")
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


def _init(arguments: argparse.Namespace) -> int:
    names = arguments.name or ["localhost", "127.0.0.1"]
    made, password = operation.init(
        arguments.home,
        names,
        lambda: config.load(arguments.home, os.environ, {}),
        _root_key(arguments, arguments.home / "authority" / "root.key", making=True),
        administrator=arguments.administrator,
    )
    print(f"collector made in {made.home}; its settings are in {made.home / config.FILE}")
    if password:
        print(
            f"the console's account {FIRST} has the first password {password} "
            "(good for 7 days): quitus-collector console"
        )
    return OK


def _serve(arguments: argparse.Namespace) -> int:
    collector = collector_of(
        arguments,
        enrolment=arguments.enrolment,
        inventory=arguments.inventory,
        health=arguments.health,
    )
    logs.configure(collector.config.logs, arguments.worker)

    def ready(enrolment_port: int, inventory_port: int) -> None:
        print(f"enrolment port {enrolment_port}, inventory port {inventory_port}", flush=True)

    if arguments.workers > 1:
        return serving.supervise(
            collector, arguments.workers, partial(_worker, arguments.home), ready
        )
    serving.serve(collector, ready, supervised=bool(arguments.worker))
    return OK


def _worker(home: Path, number: int, enrolment: str, inventory: str) -> Sequence[str]:
    """The command of one of several processes on the same ports."""
    ports = ("--enrolment", enrolment, "--inventory", inventory)
    serve = ("serve", "--worker", str(number), *ports)
    return (sys.executable, "-m", "quitus_collector.cli", "--home", str(home), *serve)


def _root_key(arguments: argparse.Namespace, usual: Path | None, *, making: bool) -> RootKey | None:
    """The root key that the flags name; None where they name none."""

    def passphrase() -> bytes:
        if making and not arguments.passphrase_file and not arguments.passphrase:
            return b""
        return _passphrase(arguments, "passphrase of the root's key", making=making)

    file = arguments.root_key or usual
    asked = arguments.root_key or arguments.passphrase_file or arguments.passphrase
    return RootKey(file, passphrase) if file and asked else None


def _passphrase(arguments: argparse.Namespace, what: str, *, making: bool) -> bytes:
    """What the file holds that the flags name, or what is typed; twice where it is made up now."""
    if arguments.passphrase_file:
        return _kept(arguments.passphrase_file)
    given = getpass.getpass(f"{what}: ")
    if making and getpass.getpass("once more: ") != given:
        raise UsageError("the two passphrases differ")
    return given.encode()


def _kept(file: Path) -> bytes:
    """The passphrase that a file holds: one that root alone reads comes by standard input."""
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read().rstrip(b"\r\n")
    given = os.environ.get(config.CREDENTIALS)
    return secret_files.read(file, Path(given) if given else None).rstrip(b"\r\n")


def _doctor(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    messages, checks = collector.messages, []
    for check in operation.doctor(collector):
        checks.append(check)
        if arguments.format == "table":
            device_pages.doctor([check], messages)
    if arguments.format == "json":
        print_json(
            [
                {
                    "check": each.name,
                    "verdict": each.verdict.value,
                    **dict(zip(("text", "advice"), each.told(messages), strict=True)),
                }
                for each in checks
            ]
        )
    return FAILURE if any(each.verdict is Verdict.FAILED for each in checks) else OK


def _backup(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    if not arguments.passphrase:
        arguments.passphrase_file = (
            arguments.passphrase_file or collector.config.backup_passphrase_file
        )
    asked = arguments.passphrase_file or arguments.passphrase
    given = _passphrase(arguments, "passphrase of the keys", making=True) if asked else b""
    if asked and not given:
        raise UsageError("the passphrase is empty")
    left_out = operation.backup(collector, arguments.file, given)
    print(f"{arguments.file} holds the database, the settings, the roots and your own rules")
    if left_out.keys:
        print(f"not in it, keep them elsewhere or give a passphrase: {', '.join(left_out.keys)}")
    else:
        print("the keys are in it, sealed with the passphrase")
    if left_out.elsewhere:
        print(f"not in it, since it lies elsewhere: {', '.join(left_out.elsewhere)}")
    return OK


def _restore(arguments: argparse.Namespace) -> int:
    asked = arguments.passphrase_file or arguments.passphrase
    missing = operation.restore(
        arguments.home,
        arguments.file,
        lambda: config.load(arguments.home, os.environ, {}),
        partial(_passphrase, arguments, "passphrase of the keys", making=False) if asked else None,
        replace=arguments.replace,
    )
    print(f"collector restored in {arguments.home}")
    if missing:
        print(f"put these back before it serves: {', '.join(missing)}")
    return OK


def _authority_show(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    device_pages.authority(
        collector.authority, collector.clock.now(), len(identity.without_next_root(collector))
    )
    return OK


def _authority_change(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    kind: Kind = arguments.kind
    if kind is Kind.ROOT_RETIRED:
        root_key = None
    else:
        root_key = _root_key(arguments, None, making=kind is Kind.ROOT_PREPARED)
    if kind is Kind.ROOT_ACTIVATED and not arguments.even_if:
        _refuse_for(identity.without_next_root(collector), "have not heard of the next root")
    if kind is Kind.ROOT_RETIRED and not arguments.even_if:
        _refuse_for(
            identity.with_former_issuer(collector), "still show a certificate of a former issuer"
        )
    print(identity.change_authority(collector, kind, root_key))
    return OK


def _refuse_for(devices: Sequence[Device], why: str) -> None:
    if devices:
        raise UsageError(
            f"{len(devices)} devices {why}, {devices[0].name} is one: "
            "wait for their reports, revoke them, or give --even-if"
        )


def _audit_list(arguments: argparse.Namespace) -> int:
    with collector_of(arguments).store.reading() as work:
        entries = list(work.audit.list(last=arguments.last))
    if arguments.format == "json":
        print_json([each.document() for each in entries])
    else:
        device_pages.audit(entries)
    return OK


def _audit_verify(arguments: argparse.Namespace) -> int:
    broken, count, digest = verify(collector_of(arguments).store, arguments.noted)
    if broken is not None:
        raise CollectorError(f"the audit log is broken at entry {broken} of {count}")
    print(f"{count} entries, each as it was written; the last digest is {digest}")
    return OK


def _upgrade(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    before, now = collector.upgrade(), collector.store.revision()
    if before != now:
        print(f"brought from {before or 'nothing'} to {now}")
    print("the database has the schema of this version")
    return OK
