"""How long a collector is away that is lost and restored: `python -m tests.bench.drill`."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import measure
from tests.drill import drill


def main() -> int:
    """Prints a table of the steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--live", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quitus-drill-") as place:
        found = drill(Path(place), given.live, given.devices)
    rows = {
        f"backup while it serves ({found.bytes / 1e6:.1f} MB)": found.backup_s,
        "restore into an empty folder": found.restore_s,
        "until it serves": found.ready_s,
        f"until {given.live} devices were heard": found.heard_s,
    }
    print(f"SQLite, {given.devices:,} devices in the database, {given.live} that report\n")
    print("| step | seconds |\n| --- | ---: |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.1f} |")
    measure.write("drill", {"devices": given.devices, "seconds": rows})
    return 1 if found.refusals else 0


if __name__ == "__main__":
    sys.exit(main())
