"""The command `quitus-agent`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from quitus_agent import config, wiring
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, UsageError
from quitus_agent.inventory import Inventory, failures

OK, FAILURE, USAGE = 0, 1, 2
MIB = 1024 * 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    try:
        flags = {name: getattr(arguments, name, None) for name in config.Config._fields}
        settings = config.load(
            arguments.config, os.environ, {name: value for name, value in flags.items() if value}
        )
        status: int = arguments.command(arguments, settings)
    except UsageError as error:
        print(f"quitus-agent: {error}", file=sys.stderr)
        return USAGE
    except AgentError as error:
        print(f"quitus-agent: {error}", file=sys.stderr)
        return FAILURE
    except BrokenPipeError:
        # The reader has seen enough; what is still buffered must not complain on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return 128 + 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quitus-agent",
        description="Reads what is installed on this device and reports it to the collector.",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings ({config.CONFIG_FILE})"
    )
    parser.add_argument("--state", metavar="FOLDER", help="where identity and receipts are kept")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    inventory = commands.add_parser("inventory", help="print what would be reported; sends nothing")
    inventory.add_argument("--format", choices=("json", "table"), default="table")
    inventory.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="FOLDER",
        help="read the system below this folder instead of the running one",
    )
    inventory.set_defaults(command=_inventory)

    enrol = commands.add_parser("enrol", help="get this device's certificate from the collector")
    enrol.add_argument(
        "--collector", metavar="HOST[:PORT]", help=f"port {config.DEFAULT_PORT} if none is given"
    )
    enrol.add_argument(
        "--token-file",
        type=Path,
        required=True,
        metavar="FILE",
        help="the join token; - reads standard input",
    )
    enrol.add_argument("--again", action="store_true", help="forget the present identity first")
    enrol.set_defaults(command=_enrol)

    report = commands.add_parser("report", help="read this device and report it")
    report.set_defaults(command=_report)

    status = commands.add_parser("status", help="tell enrolment and the last accepted report")
    status.add_argument("--format", choices=("json", "table"), default="table")
    status.set_defaults(command=_status)
    return parser


def _inventory(arguments: argparse.Namespace, settings: config.Config) -> int:
    facts, found = wiring.read_device(arguments.root)
    if arguments.format == "json":
        _print_json(inventory_document(facts, found))
    else:
        _print_inventory(facts, found)
    return _tell_failures(found)


def _enrol(arguments: argparse.Namespace, settings: config.Config) -> int:
    made = wiring.enrol(
        settings.state, settings.collector_address(), arguments.token_file, again=arguments.again
    )
    print(
        f"enrolled with {made.collector_host} as {made.device_id}, until {made.expires_at:%Y-%m-%d}"
    )
    return OK


def _report(arguments: argparse.Namespace, settings: config.Config) -> int:
    receipt, found = wiring.report(settings.state, Path("/"))
    print(f"the collector accepted the report and holds {receipt.installs} installs of this device")
    return _tell_failures(found)


def _status(arguments: argparse.Namespace, settings: config.Config) -> int:
    known, last = wiring.status(settings.state)
    if arguments.format == "json":
        _print_json(
            {
                "device_id": known.device_id,
                "collector": f"{known.collector_host}:{known.inventory_port}",
                "certificate_expires_at": known.expires_at.isoformat(),
                "last_report": {
                    "accepted_at": last.accepted_at.isoformat(),
                    "installs": last.installs,
                }
                if last
                else None,
            }
        )
        return OK
    accepted = (
        f"{last.accepted_at:%Y-%m-%d %H:%M} UTC, {last.installs} installs" if last else "none yet"
    )
    for name, value in (
        ("device", known.device_id),
        ("collector", f"{known.collector_host}:{known.inventory_port}"),
        ("certificate until", f"{known.expires_at:%Y-%m-%d %H:%M} UTC"),
        ("last report", accepted),
    ):
        print(f"{name:18} {value}")
    return OK


def inventory_document(facts: DeviceFacts, found: Inventory) -> dict[str, object]:
    """The inventory as JSON has it; null where the device or the source does not say."""
    return {
        "device": {name: value or None for name, value in facts._asdict().items()},
        "sources": [
            {"name": each.name, "status": each.status, "reason": each.reason or None}
            for each in found.sources
        ],
        "software": [
            {
                "name": each.name,
                "version": each.version or None,
                "publisher": each.publisher or None,
                "architecture": each.architecture or None,
                "source": each.source,
                "scope": each.scope,
                "identifiers": dict(each.identifiers),
            }
            for each in found.installs
        ],
    }


def _print_inventory(facts: DeviceFacts, found: Inventory) -> None:
    print(f"{facts.hostname}: {facts.system} {facts.system_version}, {facts.architecture}")
    kind = f"{facts.kind or 'physical or virtual unknown'} {facts.hypervisor}".strip()
    print(
        f"{facts.processors} processor(s), {facts.cores} core(s), "
        f"{facts.memory_bytes // MIB} MiB, {kind}"
    )
    for outcome in found.sources:
        print(f"source {outcome.name}: {outcome.status}")
    widths = [max((len(each[i]) for each in found.installs), default=0) for i in range(2)]
    for each in found.installs:
        print(f"{each.name:{widths[0]}}  {each.version:{widths[1]}}  {each.publisher}".rstrip())
    print(f"{len(found.installs)} installs")


def _tell_failures(found: Inventory) -> int:
    status = OK
    for sentence in failures(found):
        print(f"quitus-agent: {sentence}", file=sys.stderr)
        status = FAILURE
    return status


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print()
