"""The command `quitus-collector`: its words, and what becomes of its errors."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from quitus_collector import config
from quitus_collector.cli.arguments import FAILURE, OK, USAGE, complain
from quitus_collector.domain.optimisation import SolverError
from quitus_collector.errors import CollectorError, UsageError

# The modules of this package and their commands. Only that of the command that was given is loaded:
# all of them take a third of a second more.
MODULES: Mapping[str, tuple[str, ...]] = {
    "operation": (
        *("init", "serve", "doctor", "backup", "restore", "upgrade", "authority", "audit"),
    ),
    "devices": ("token", "devices", "reports"),
    "agents": ("agents",),
    "history": ("removals", "purge"),
    "pools": ("pools", "proofs"),
    "prices": ("prices",),
    "perimeter": ("perimeter",),
    "privacy": ("privacy",),
    "readings": ("readings",),
    "licensing": ("position", "findings", "reconcile"),
    "declaration": ("declaration",),
    "explaining": ("explain", "what-if", "remedies"),
    "campaign": ("campaign",),
    "expected": ("expected",),
    "catalogue": ("recognise", "catalogue", "triage"),
    "console": ("console", "account"),
    "api_token": ("api-token",),
}
HOME = "--home"

# Objects made, and rounds of each kind, between two searches for circles that nothing needs any
# more. What a fleet is made of has none and stays until a command ends: at Python's own rate that
# would spend a third of its time searching.
SEARCHES = 50_000, 20, 20


def run(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser(_modules(words)).parse_args(words)
    if not arguments.lasts:
        gc.freeze()
        gc.set_threshold(*SEARCHES)
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another age shows an escape where it cannot show an accent.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except UsageError as error:
        return complain(error, USAGE)
    except (CollectorError, SolverError) as error:
        return complain(error, FAILURE)
    except BrokenPipeError:
        _drop_output()
        return OK
    except OSError as error:
        # What no command foresaw of disks and rights: still one sentence.
        where = f"{error.filename}: " if error.filename else ""
        _drop_output()
        return complain(CollectorError(f"{where}{error.strerror or error}"), FAILURE)
    except KeyboardInterrupt:
        return 128 + 2
    return status


def _drop_output() -> None:
    """What is still buffered for a reader that is gone must not complain on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib import metadata

        print(f"quitus-collector {metadata.version('quitus')}")
        parser.exit(OK)


def _modules(words: Sequence[str]) -> Sequence[str]:
    """The module of the command that is given; all of them where none is, or none of ours."""
    given = iter(words)
    for word in given:
        if HOME.startswith(word) and word.strip("-"):
            # The parser takes it abbreviated as well.
            next(given, None)
        elif not word.startswith("-"):
            return [module for module, names in MODULES.items() if word in names] or [*MODULES]
    return [*MODULES]


def _parser(modules: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quitus-collector",
        description="Enrols devices, keeps their inventories, and sets them against licence pools.",
    )
    home = os.environ.get("QUITUS_COLLECTOR_HOME", str(config.DEFAULT_HOME))
    parser.add_argument(
        HOME, type=Path, default=Path(home), metavar="FOLDER", help="the collector's folder"
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print it and exit")
    parser.set_defaults(lasts=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in modules:
        import_module(f"quitus_collector.cli.{module}").add(commands)
    return parser
