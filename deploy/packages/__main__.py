"""Packages of the agent and the collector: `python -m deploy.packages --out dist`."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from deploy.packages import deb, macos, rpm, single, tree, versions
from deploy.packages.payload import MACHINES, ROOT, PayloadError
from deploy.packages.program import AGENT, PROGRAMS, Program

TOOLS = {"deb": "dpkg-deb", "rpm": "rpmbuild"}
FORMS = ("deb", "rpm", "single")
MACOS = "macos"


def main(argv: Sequence[str] | None = None) -> int:
    """Builds what is asked for; returns an exit status."""
    asked = _parser().parse_args(argv)
    # rpmbuild takes a relative place for one below the root that it makes.
    asked.out = asked.out.resolve()
    version = asked.version or metadata.version("quitus")
    missing = [
        TOOLS[each] for each in asked.form or FORMS if not shutil.which(TOOLS.get(each, "env"))
    ]
    if missing:
        return _complain(f"{' and '.join(missing)} is missing: apt-get install dpkg rpm")
    os.environ.setdefault("SOURCE_DATE_EPOCH", _last_change())
    asked.out.mkdir(parents=True, exist_ok=True)
    try:
        for name in asked.program or ["agent"]:
            for file in _built(PROGRAMS[name], version, asked):
                if file.is_dir():
                    print(f"{file}: make the package on a Mac, with deploy/macos/build.sh")
                    continue
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                print(f"{digest}  {file}  {file.stat().st_size / 1e6:.1f} MB")
    except (PayloadError, subprocess.CalledProcessError, OSError) as error:
        return _complain(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.packages", description=__doc__)
    parser.add_argument(
        "--program", action="append", choices=list(PROGRAMS), help="default: the agent"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument(
        "--form", action="append", choices=(*FORMS, MACOS), help="default: all for Linux"
    )
    parser.add_argument("--version", help="default: the project's")
    parser.add_argument("--architecture", choices=list(MACHINES), default="amd64")
    parser.add_argument(
        "--python",
        action="append",
        metavar="3.X",
        help="pack libraries for this Python alone; repeat for several",
    )
    parser.add_argument(
        "--level",
        type=int,
        choices=range(10),
        default=6,
        metavar="0-9",
        help="of compression; 0 is quickest",
    )
    parser.add_argument("--maintainer", default="Quitus <quitus@example.invalid>")
    return parser


def _built(program: Program, version: str, asked: argparse.Namespace) -> Iterator[Path]:
    pythons = asked.python or program.pythons
    values = {"PYTHON": pythons[0], "MAINTAINER": asked.maintainer}
    target = (version, asked.architecture)
    compared = (versions.packaged(version), asked.architecture)
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=asked.out) as work:
        if asked.form == [MACOS]:
            yield macos.build(*target, pythons, Path(work, "wheels"), asked.out)
            return
        packed = Path(work, "tree")
        packed.mkdir()
        tree.build(program, *target, pythons, Path(work, "wheels"), packed)
        for form in asked.form or FORMS:
            if form == "deb":
                yield deb.build(program, *compared, values, packed, asked.out, asked.level)
            elif form == "rpm":
                yield rpm.build(program, *compared, values, packed, asked.out, asked.level)
            elif program is AGENT:
                yield single.build(*target, packed, asked.out, asked.level)


def _last_change() -> str:
    """When the sources last changed, so that the same sources make the same packages."""
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    told = subprocess.run(asked, check=False, capture_output=True, text=True)  # noqa: S603
    return told.stdout.strip() or "315532800"


def _complain(sentence: str) -> int:
    print(f"packages: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
