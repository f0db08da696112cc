"""`python -m deploy.windows --python ARCHIVE`: makes the agent's installer for Windows."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from deploy.windows import installer, tree
from deploy.windows.runtime import PYTHON, BuildError


def main(argv: Sequence[str] | None = None) -> int:
    """Makes it; returns the exit status: 0 done, 2 where it cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m deploy.windows")
    parser.add_argument(
        "--python",
        type=Path,
        required=True,
        metavar="ARCHIVE",
        help=f"{PYTHON.archive} from python.org; its digest is checked",
    )
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="FOLDER")
    parser.add_argument("--version", help="default: the project's")
    arguments = parser.parse_args(argv)
    number = arguments.version or version("quitus")
    out = arguments.out / f"quitus-agent-{number}-x64.msi"
    try:
        with tempfile.TemporaryDirectory() as folder:
            tree.lay_out(Path(folder), arguments.python, PYTHON, number)
            installer.build(Path(folder), number, out)
    except BuildError as error:
        print(f"deploy.windows: {error}", file=sys.stderr)
        return 2
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
