"""What the commands share: how arguments are read, and how answers are given."""

import argparse
import json
import os
import re
import sys
from datetime import date, datetime, timedelta
from typing import TypeAlias

from quitus_collector import config
from quitus_collector.domain.company import is_siren
from quitus_collector.errors import UsageError
from quitus_collector.wiring.collector import Collector

OK, FAILURE, USAGE = 0, 1, 2
# argparse gives what commands are added to no public name, and no subscript when it runs.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def collector_of(arguments: argparse.Namespace, **flags: str | None) -> Collector:
    """The collector in the folder that was named, its settings overridden by these flags."""
    given = {name: value for name, value in flags.items() if value}
    return Collector(config.load(arguments.home, os.environ, given))


def complain(error: Exception, status: int) -> int:
    """Says what is wrong on standard error; returns the exit status."""
    print(f"quitus-collector: {error}", file=sys.stderr)
    return status


def positive(text: str) -> int:
    """A count; raises ArgumentTypeError."""
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def label(text: str) -> str:
    """A text for people; raises ArgumentTypeError."""
    if len(text) > 255:
        raise argparse.ArgumentTypeError("is longer than 255 characters")
    return text


def duration(text: str) -> timedelta:
    """A time like 7d; raises ArgumentTypeError."""
    found = re.fullmatch(r"([1-9]\d{0,3})([dhms])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration like 7d, 12h, 30m or 90s")
    unit = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}[found[2]]
    return timedelta(**{unit: int(found[1])})


def check_entity(entity: str | None) -> None:
    """Raises UsageError where it is not a SIREN."""
    if entity and not is_siren(entity):
        raise UsageError(f"{entity!r} is not a SIREN: nine digits with their check digit")


def day(text: str) -> date:
    """A day like 2026-12-31; raises ArgumentTypeError."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-12-31") from error


def print_json(document: object) -> None:
    """Prints a document as JSON."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print()


def pair(text: str) -> tuple[str, str]:
    """What is written NAME=VALUE; raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text!r} is not written NAME=VALUE")
    return name.strip(), value.strip()
