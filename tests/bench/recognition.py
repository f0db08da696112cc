"""How long `recognise` takes for a million distinct rows: `make bench-recognition`.

The rows are those of the sample fleet with versions, languages and numbers of their own, one in ten
of a publisher and name that no rule knows.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fleet.sample import SOFTWARE
from tests.programs import COMMANDS

PROMISED_S = 60
LANGUAGES = ("fr-fr", "en-us", "de-de", "it-it", "es-es")


def rows(count: int) -> Iterator[dict[str, str]]:
    """Distinct rows, the same ones every time."""
    draw = random.Random(1)
    bundles = tomllib.loads(SOFTWARE.read_text(encoding="utf-8"))["bundle"].values()
    known = [row for bundle in bundles for row in bundle.get("rows", [])]
    for number in range(count):
        name, _, version, publisher, *_ = draw.choice(known)
        row = {
            "name": name.replace("{patch}", str(number)),
            "version": f"{version}.{number}".replace("{patch}", "1"),
            "publisher": publisher,
            "source": "windows-uninstall",
        }
        match draw.randrange(10):
            case 0:
                row["name"] = f"Application {draw.randrange(count)} {number}"
                row["publisher"] = f"Atelier {draw.randrange(5000)}"
            case 1:
                row["name"] += f" - {draw.choice(LANGUAGES)}"
            case 2:
                row["name"] = f"Mise à jour pour {name} (KB{4_000_000 + number})"
        yield row


def main() -> int:
    """Measures and prints; the exit status tells whether the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        file, answers = Path(folder) / "rows.jsonl", Path(folder) / "answers.jsonl"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count))
        started = time.perf_counter()
        with answers.open("wb") as out:
            subprocess.run(
                [COMMANDS / "quitus-collector", "recognise", file], stdout=out, check=True
            )
        seconds = time.perf_counter() - started
        classes = Counter(json.loads(line)["class"] for line in answers.open(encoding="utf-8"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{count} distinct rows in {seconds:.1f} s on {os.cpu_count()} cores "
        f"({os.getloadavg()[0]:.0f} processes at work on the machine), "
        f"{used.ru_utime + used.ru_stime:.1f} s of processor time"
    )
    print(", ".join(f"{name} {number}" for name, number in sorted(classes.items())))
    return int(count >= 1_000_000 and seconds > PROMISED_S)


if __name__ == "__main__":
    sys.exit(main())
