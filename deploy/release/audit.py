"""Known faults of what `constraints/` pins, as the Python Package Index knows them.

Not by pip-audit: of an index that tells nothing it says "No known vulnerabilities found" and ends
well. Here what nobody answered for is told as that, and is no fault only where it was not demanded.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from deploy.release import dependencies
from deploy.release.sources import ROOT

INDEX = os.environ.get("QUITUS_ADVISORIES", "https://pypi.org")
TIMEOUT_S, AT_ONCE, FIRST = 5, 16, 8
# Of what is shipped, and of what builds and tests it.
FILES = ("runtime", "dev")


class Audit(NamedTuple):
    """By pin (`name==version`): known faults, a line each; and those nobody answered for, why."""

    answered: Mapping[str, Sequence[str]]
    unanswered: Mapping[str, str]

    @property
    def faults(self) -> list[str]:
        """What is to be done something about."""
        return [f"{pin}: {fault}" for pin, found in self.answered.items() for fault in found]


def pins(folder: Path = ROOT / "constraints") -> dict[str, str]:
    """Names and versions of all that is pinned."""
    found: dict[str, str] = {}
    for name in FILES:
        found |= dependencies.pinned((folder / f"{name}.txt").read_text())
    return dict(sorted(found.items()))


def audit(pinned: Mapping[str, str], index: str = INDEX) -> Audit:
    """Asks the index for each pin; where the first few are not answered, no further one is."""
    waiting = list(pinned.items())
    found: list[Sequence[str] | str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in (waiting[:FIRST], waiting[FIRST:]):
            if found and all(isinstance(each, str) for each in found):
                found += [found[0]] * len(some)
            else:
                found += pool.map(lambda each: _asked(index, *each), some)
    named = dict(zip((f"{name}=={version}" for name, version in waiting), found, strict=True))
    return Audit(
        {pin: each for pin, each in named.items() if not isinstance(each, str)},
        {pin: each for pin, each in named.items() if isinstance(each, str)},
    )


def told(found: Audit, *, must_answer: bool) -> tuple[int, list[str]]:
    """Exit status and lines: 1 for a known fault; 3 where an answer was demanded and is missing."""
    lines = list(found.faults)
    count = len(found.answered)
    lines.append(f"{len(lines)} known faults in {count} pins that the index answered for")
    if not found.unanswered:
        return (1 if found.faults else 0), lines
    reason = next(iter(found.unanswered.values()))
    lines.append(f"NOT AUDITED: {len(found.unanswered)} pins, of which nothing is known: {reason}")
    if count:
        lines += [f"  {each}" for each in found.unanswered]
    return (1 if found.faults else 3 if must_answer else 0), lines


def main(words: Sequence[str]) -> int:
    """The command."""
    status, lines = told(audit(pins()), must_answer="--must-answer" in words)
    print("\n".join(f"audit: {line}" for line in lines), file=sys.stderr if status else sys.stdout)
    return status


def _asked(index: str, name: str, version: str) -> Sequence[str] | str:
    """Known faults of one pin; a text where there is no answer."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - https, ours
            f"{index}/pypi/{name}/{version}/json", timeout=TIMEOUT_S
        ) as answer:
            return list(_faults(json.load(answer)["vulnerabilities"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{index} gave no advisories ({error})"


def _faults(advisories: Iterable[Mapping[str, object]]) -> Iterable[str]:
    for each in advisories:
        if each.get("withdrawn"):
            continue
        names = dict.fromkeys([each["id"], *(each.get("aliases") or ())])  # type: ignore[misc]
        mended = ", ".join(map(str, each.get("fixed_in") or ())) or "no version"  # type: ignore[call-overload]
        yield f"{' '.join(map(str, names))}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
