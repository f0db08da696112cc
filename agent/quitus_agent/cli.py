"""The command `quitus-agent`."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from quitus_agent import config, managed, wiring
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, UsageError
from quitus_agent.inventory import ABSENT, Inventory, failures
from quitus_agent.messages import said
from quitus_agent.places import RUNNING

OK, FAILURE, USAGE = 0, 1, 2
MIB = 1024 * 1024
MAX_SECONDS = 24 * 3600


def run() -> NoReturn:
    """The program: one command in a process of its own, which leaves nothing to tidy up.

    Looking for cyclic garbage takes a fifth of a report's time, forgetting all modules one by one
    at the end a tenth of an inventory's.
    """
    gc.disable()
    status: int | str | None = FAILURE
    try:
        status = main()
    except SystemExit as error:
        status = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status if isinstance(status, int) else OK)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another age shows an escape where it cannot show an accent.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        flags = {name: getattr(arguments, name, None) for name in ("state", "collector")}
        settings = config.load(
            arguments.config,
            os.environ,
            {name: value for name, value in flags.items() if value},
            managed.read(),
        )
        status: int = arguments.command(arguments, settings)
        sys.stdout.flush()
    except UsageError as error:
        print(f"quitus-agent: {said(str(error))}", file=sys.stderr)
        return USAGE
    except AgentError as error:
        print(f"quitus-agent: {said(str(error))}", file=sys.stderr)
        return FAILURE
    except BrokenPipeError:
        _drop_output()
        return OK
    except OSError as error:
        # What no command foresaw of disks and rights: still one sentence.
        where = f"{error.filename}: " if error.filename else ""
        print(f"quitus-agent: {where}{error.strerror or error}", file=sys.stderr)
        _drop_output()
        return FAILURE
    except KeyboardInterrupt:
        return 128 + 2
    return status


def _drop_output() -> None:
    """What is still buffered for a reader that is gone must not complain on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """Wraps its help at a fixed width: measuring the terminal loads libraries at every run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=partial(argparse.HelpFormatter, width=90), **settings)

    def format_help(self) -> str:
        """In the reader's language, which is looked up only where somebody asks for help."""
        self.description = self.description and said(self.description)
        for group in self._action_groups:
            group.title = group.title and said(group.title)
        for action in self._actions:
            commands: list[argparse.Action] = []
            if isinstance(action, argparse._SubParsersAction):
                commands = action._get_subactions()
            for each in (action, *commands):
                each.help = each.help and said(each.help)
        return super().format_help()


# What argparse itself says, for the catalogue.
ARGPARSE = ("options", "positional arguments", "show this help message and exit")


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        from quitus_agent.version import version

        print(f"quitus-agent {version() or said('of no version')}")
        parser.exit(OK)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="quitus-agent",
        description="Reads what is installed on this device and reports it to the collector.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print it and exit")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings ({config.CONFIG_FILE})"
    )
    parser.add_argument("--state", metavar="FOLDER", help="where identity and receipts are kept")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_looking(commands)
    _add_enrolling(commands)
    _add_reporting(commands)
    return parser


def _add_looking(commands: "argparse._SubParsersAction[_Parser]") -> None:
    """What sends nothing."""
    inventory = commands.add_parser("inventory", help="print what is installed; sends nothing")
    inventory.add_argument("--format", choices=("json", "table"), default="table")
    what = inventory.add_mutually_exclusive_group()
    what.add_argument(
        "--root",
        type=Path,
        metavar="FOLDER",
        help="a mounted disk or image instead of the running system",
    )
    what.add_argument("--file", type=Path, metavar="FILE", help="one captured file, with --as")
    inventory.add_argument("--as", dest="form", metavar="SOURCE", help="what --file was taken from")
    inventory.set_defaults(command=_inventory)

    preview = commands.add_parser("preview", help="print exactly what a report would hold")
    preview.set_defaults(command=_preview)

    release = commands.add_parser("release", help="tell which agent the company wants here")
    release.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="whether this is a package of it, as the collector signed it; exit status 0 if so",
    )
    release.set_defaults(command=_release)

    status = commands.add_parser("status", help="tell enrolment and the last accepted report")
    status.add_argument("--format", choices=("json", "table"), default="table")
    status.set_defaults(command=_status)


def _add_enrolling(commands: "argparse._SubParsersAction[_Parser]") -> None:
    enrol = commands.add_parser("enrol", help="get this device's certificate from the collector")
    enrol.add_argument(
        "--collector", metavar="HOST[:PORT]", help=f"port {config.DEFAULT_PORT} if none is given"
    )
    way_in = enrol.add_mutually_exclusive_group(required=True)
    way_in.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="the join token; - reads standard input",
    )
    way_in.add_argument(
        "--request",
        metavar="FINGERPRINT",
        help="no token: have a person decide at the collector whose root has this fingerprint",
    )
    way_in.add_argument(
        "--company",
        metavar="FINGERPRINT",
        help="no token: show the company's own certificate to the collector of this root",
    )
    for flag, held in (
        ("--company-cert", "with --company: this machine's certificate and its issuers, PEM"),
        ("--company-key", "with --company: the key of that certificate, PEM"),
    ):
        enrol.add_argument(flag, type=Path, metavar="FILE", help=held)
    enrol.add_argument("--again", action="store_true", help="forget the present identity first")
    enrol.set_defaults(command=_enrol)


def _add_reporting(commands: "argparse._SubParsersAction[_Parser]") -> None:
    report = commands.add_parser("report", help="read this device and report it")
    report.add_argument(
        "--patience",
        type=_seconds,
        default=0,
        metavar="SECONDS",
        help="how long to try again while the collector is away or busy (default: not at all)",
    )
    report.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        help="write it, signed, to a file for `quitus-collector reports import`",
    )
    report.add_argument(
        "--spread",
        type=_seconds,
        default=0,
        metavar="SECONDS",
        help="start at this device's own moment within so many seconds (for schedulers)",
    )
    report.add_argument(
        "--scheduled",
        action="store_true",
        help="for schedulers that start it every hour: enrols first, reports when that is due",
    )
    report.set_defaults(command=_report)


def _inventory(arguments: argparse.Namespace, settings: config.Config) -> int:
    if (arguments.file is None) != (arguments.form is None):
        raise UsageError("--file and --as go together")
    if arguments.file:
        facts, found = DeviceFacts(), wiring.read_capture(arguments.file, arguments.form)
    else:
        facts, found = wiring.read_device(arguments.root or RUNNING, last_use=settings.last_use)
    if arguments.format == "json":
        _print_json(inventory_document(facts, found))
    else:
        _print_inventory(facts, found)
    return _tell_failures(found)


def _preview(arguments: argparse.Namespace, settings: config.Config) -> int:
    import textwrap

    from quitus_agent.messages import text

    message = wiring.preview(settings.state, last_use=settings.last_use)
    notice = f"{text('preview')} {text('last_use' if settings.last_use else 'no_last_use')}"
    for line in textwrap.wrap(notice, 100):
        print(line, file=sys.stderr)
    print(message)
    return OK


def _enrol(arguments: argparse.Namespace, settings: config.Config) -> int:
    address = settings.collector_address()
    company = (arguments.company_cert, arguments.company_key)
    if (arguments.company is None) != (company == (None, None)) or company.count(None) == 1:
        raise UsageError("--company, --company-cert and --company-key go together")
    token = wiring.token(arguments.token_file, arguments.request or arguments.company)
    made = wiring.enrol(
        settings.state,
        address,
        token,
        company if arguments.company else None,
        again=arguments.again,
    )
    _say(
        f"enrolled with {made.collector_host} as {made.device_id}, until {made.expires_at:%Y-%m-%d}"
    )
    return OK


def _report(arguments: argparse.Namespace, settings: config.Config) -> int:
    if arguments.to:
        found = wiring.report_to(settings.state, RUNNING, arguments.to, last_use=settings.last_use)
        _say(f"{arguments.to} holds a report of {len(found.installs)} installs, signed")
        return _tell_failures(found)
    if arguments.scheduled:
        from quitus_agent import scheduled

        done = scheduled.report(settings, arguments.patience)
        if done is None:
            _say("the last report is recent enough")
            return OK
        accepted, found = done
    else:
        if arguments.spread:
            wiring.wait_for_turn(settings.state, arguments.spread)
        accepted, found = wiring.report(
            settings.state, RUNNING, arguments.patience, last_use=settings.last_use
        )
    _say(f"the collector accepted the report and holds {accepted.installs} installs of this device")
    return _tell_failures(found)


def _release(arguments: argparse.Namespace, settings: config.Config) -> int:
    from quitus_agent.version import version

    if arguments.check:
        found, package = wiring.check_package(settings.state, arguments.check)
        _say(f"{arguments.check} is {package.name} of agent {found.version}, as it was signed")
        return OK
    found_or_none = wiring.wanted_agent(settings.state)
    _say(f"this agent is {version() or said('of no version')}")
    if found_or_none is None:
        _say("the collector told of no other one")
        return OK
    _say(f"the company wants {found_or_none.version} here, signed by its collector:")
    for each in found_or_none.packages:
        print(f"  {_visible(each.location)}")
        print("    " + said(f"{each.size_bytes} bytes, SHA-256 {each.sha256.hex()}"))
    return OK


def _status(arguments: argparse.Namespace, settings: config.Config) -> int:
    from quitus_agent.identity import is_expired
    from quitus_agent.version import version

    status = wiring.status(settings.state)
    known, accepted, trouble = status.identity, status.accepted, status.trouble
    idle = list(config.idle(arguments.config, os.environ, managed.read(), known.collector_host))
    if arguments.format == "json":
        _print_json(
            {
                "device_id": known.device_id,
                "agent_version": version(),
                "wanted_agent": _wanted(settings),
                "collector": f"{known.collector_host}:{known.inventory_port}",
                "certificate_expires_at": known.expires_at.isoformat(),
                "whole": status.whole,
                "certificate_renews_at": known.renews_at.isoformat(),
                "last_report": {
                    "accepted_at": accepted.accepted_at.isoformat(),
                    "installs": accepted.installs,
                    "digest": accepted.digest.hex(),
                }
                if accepted.accepted_at
                else None,
                "waiting": status.waiting,
                "trouble": {"reason": trouble.reason, "at": trouble.at.isoformat()}
                if trouble
                else None,
                "without_effect": [{"setting": name, "reason": why} for name, why in idle],
            }
        )
        return OK
    last = (
        f"{accepted.accepted_at:%Y-%m-%d %H:%M} UTC, {accepted.installs} installs"
        if accepted.accepted_at
        else "none yet"
    )
    over = f" ({said('over: the next report asks for another')})" if is_expired(known) else ""
    damaged = "damaged: enrol again with quitus-agent enrol --again"
    rows = [
        ("device", known.device_id),
        ("agent", version() or said("of no version")),
        *([("wanted agent", wanted)] if (wanted := _wanted(settings)) else []),
        *([] if status.whole else [("identity", damaged)]),
        ("collector", f"{known.collector_host}:{known.inventory_port}"),
        ("certificate until", f"{known.expires_at:%Y-%m-%d %H:%M} UTC{over}"),
        ("renewed from", f"{known.renews_at:%Y-%m-%d %H:%M} UTC"),
        ("last report", last),
        ("waiting reports", str(status.waiting)),
    ]
    if trouble:
        rows.append(("last attempt", f"{trouble.at:%Y-%m-%d %H:%M} UTC: {trouble.reason}"))
    rows += [("without effect", why) for _, why in idle]
    names = [said(name) for name, _ in rows]
    for name, (_, value) in zip(names, rows, strict=True):
        print(f"{name:{max(18, *map(len, names))}} {said(value)}")
    return OK


def _wanted(settings: config.Config) -> str | None:
    """The version that the collector wants here, if it is another one, or what is wrong with it."""
    try:
        found = wiring.wanted_agent(settings.state)
    except AgentError as error:
        return str(error)
    return f"{found.version} (quitus-agent release tells where it is)" if found else None


def _say(sentence: str) -> None:
    print(said(sentence))


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to {MAX_SECONDS}")
    return int(text)


def inventory_document(facts: DeviceFacts, found: Inventory) -> dict[str, object]:
    """The inventory as JSON has it; null where the device or the source does not say."""
    return {
        "device": {name: _or_null(value) for name, value in facts._asdict().items()},
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
                "hidden": each.hidden,
                "installed_on": each.installed_on or None,
                "location": each.location or None,
            }
            for each in found.installs
        ],
    }


def _or_null(value: object) -> object:
    return value if isinstance(value, bool | tuple) else value or None


def _print_inventory(facts: DeviceFacts, found: Inventory) -> None:
    if facts.system:
        print(
            f"{facts.hostname}: {facts.system} {facts.system_version} {facts.architecture}".rstrip()
        )
    if facts.cores:
        kind = f"{facts.kind or said('physical or virtual unknown')} {facts.hypervisor}".strip()
        _say(
            f"{facts.processors} processor(s), {facts.cores} core(s), "
            f"{facts.memory_bytes // MIB} MiB, {kind}"
        )
    absent = [
        f"{outcome.name} ({outcome.reason})" if outcome.reason else outcome.name
        for outcome in found.sources
        if outcome.status == ABSENT
    ]
    for outcome in found.sources:
        if outcome.status != ABSENT:
            count = sum(each.source == outcome.name for each in found.installs)
            _say(f"source {outcome.name}: {said(outcome.status)}, {count} installs")
    if absent:
        _say(f"not on this system: {', '.join(absent)}")
    names = max((len(each.name) for each in found.installs), default=0)
    versions = max((len(each.version) for each in found.installs), default=0)
    for each in found.installs:
        mark = f"  ({said('hidden')})" if each.hidden else ""
        line = f"{each.name:{names}}  {each.version:{versions}}  {each.publisher}".rstrip()
        print(f"{_visible(line)}{mark}")
    _say(f"{len(found.installs)} installs")


def _tell_failures(found: Inventory) -> int:
    status = OK
    for sentence in failures(found):
        print(f"quitus-agent: {_visible(said(sentence))}", file=sys.stderr)
        status = FAILURE
    return status


def _visible(text: str) -> str:
    """The text without what a terminal would obey: anybody may have written what was read."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _print_json(document: object) -> None:
    import json

    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print()
