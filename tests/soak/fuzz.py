"""Coverage-guided fuzzing: `make fuzz` (Linux), which `make soak` includes.

libFuzzer mutates whole documents for the agent's parsers, and whole requests for the collector's
handlers, towards code that no input has reached yet. Anything but a result, a SourceError or a
refusal that is promised is a finding, and so is an input that takes ten seconds or a gigabyte.
Inputs that reached new code are kept in build/fuzz from run to run.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.capabilities import SHARED
from tests.makers import documents
from tests.soak import handlers

RESULTS = Path("build/fuzz")
BINARY = [name for name, form in documents.FORMS.items() if form.is_binary]
KNOWN = [*documents.FORMS, *handlers.HANDLERS]
# Captures of real machines that are small enough to be mutated usefully, by the form they have.
MAX_INPUT_BYTES = 64 * 1024
CAPTURES = {
    "dpkg": "linux/dpkg-*",
    "apk": "linux/apk-installed*",
    "rpm-listing": "linux/*rpm*",
    "pacman": "linux/pacman-local/*/desc",
    "snap": "linux/snap/*",
    "plist-xml": "macos/*.plist",
    "system-profiler": "macos/*.txt",
    "registry-export": "windows-reg/*.reg",
    "wmi": "windows-wmi/*.wmi",
    "swid": "swid/**/*.swidtag",
    "glpi": "inventories/*",
}
TIMEOUT_S, MEMORY_MB = 10, 1024
_STATE = re.compile(
    r"#(?P<runs>\d+)\s+\S+\s+cov: (?P<edges>\d+) ft: (?P<features>\d+)"
    r" corp: (?P<inputs>\d+)/(?P<size>\w+)"
)


class Outcome(NamedTuple):
    """What a run came to: code reached at its start and at its end, inputs worth keeping."""

    form: str
    runs: int
    seconds: float
    edges_before: int
    edges: int
    inputs_before: int
    inputs: int
    findings: list[Path]

    def __str__(self) -> str:
        """A line of the table."""
        per_second = self.runs / max(self.seconds, 1)
        return (
            f"| {self.form} | {self.runs:,} | {per_second:,.0f} | {self.edges_before} to"
            f" {self.edges} | {self.inputs_before} to {self.inputs} | {len(self.findings)} |"
        )


HEADING = """\
| form | executions | a second | edges reached | inputs kept | findings |
| --- | ---: | ---: | ---: | ---: | ---: |"""


def main() -> int:
    """Fuzzes what is named, one after another; fails where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "forms", nargs="*", metavar="FORM", choices=KNOWN, help=f"of: {', '.join(KNOWN)}"
    )
    parser.add_argument("--seconds", type=int, default=600, help="for each form")
    arguments = parser.parse_args()
    outcomes = []
    print(HEADING, flush=True)
    for form in arguments.forms or [*BINARY, *handlers.HANDLERS]:
        outcomes.append(run(form, arguments.seconds))
        print(outcomes[-1], flush=True)
    findings = [each for outcome in outcomes for each in outcome.findings]
    for finding in findings:
        print(f"finding: {finding} (its log is beside it)")
    return 1 if findings else 0


def run(form: str, seconds: int) -> Outcome:
    """Fuzzes one form or handler in a process of its own, which ends at the first finding."""
    folder = RESULTS / form
    corpus, found = folder / "corpus", folder / "findings"
    for each in (corpus, found):
        each.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(form)):
        (corpus / f"seed-{number}").write_bytes(seed)
    known = set(found.iterdir())
    log = folder / "log"
    start = time.monotonic()
    with log.open("w") as out:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "tests.soak.target", form, str(corpus)),
                *(f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES}", "-verbosity=1"),
                *(f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MB}", "-reload=0"),
                f"-artifact_prefix={found}/",
            ],
            check=False,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    states = list(_STATE.finditer(log.read_text(errors="replace")))
    findings = sorted(set(found.iterdir()) - known)
    if not states or (ended.returncode and not findings):
        raise SystemExit(f"{form}: the fuzzer itself failed, see {log}")
    first = next((each for each in states if int(each["runs"]) >= 1), states[0])
    last = states[-1]
    return Outcome(
        form,
        int(last["runs"]),
        time.monotonic() - start,
        int(first["edges"]),
        int(last["edges"]),
        int(first["inputs"]),
        int(last["inputs"]),
        findings,
    )


def seeds(form: str) -> list[bytes]:
    """Whole documents of ours, and of real machines where they are at hand.

    A handler's come from the collector that it belongs to.
    """
    if form in handlers.HANDLERS:
        return []
    captured = SHARED.joinpath("inventory").glob(CAPTURES[form]) if form in CAPTURES else ()
    real = [
        path.read_bytes()
        for path in captured
        if path.is_file() and path.stat().st_size <= MAX_INPUT_BYTES
    ]
    return [*documents.documents(form), *real]


if __name__ == "__main__":
    sys.exit(main())
