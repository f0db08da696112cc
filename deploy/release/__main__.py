"""Makes a release: `python -m deploy.release build FOLDER`, `sign`, `verify`, or `licences`."""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.release import deliverables, dependencies, materials, sources
from deploy.release.sources import ROOT

DIGESTS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
LICENCES = ROOT / "docs" / "licences.md"
PREFACE = """\
# Licences of what Quitus uses

Made by `make licences` from what the packages say of themselves; a test compares it. Quitus itself
is under the EUPL 1.2 (LICENSE), which lets it use libraries under permissive licences, under the
LGPL as files of their own, and under the MPL 2.0."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build_command = commands.add_parser("build", help="wheel, sources, materials, digests")
    build_command.add_argument("folder", type=Path)
    build_command.set_defaults(run=lambda given: build(given.folder))
    all_of_it = commands.add_parser("all", help="the same, with packages, chart and collection")
    all_of_it.add_argument("folder", type=Path)
    all_of_it.add_argument(
        "--python-zip", type=Path, metavar="ARCHIVE", help="makes the MSI, of python.org's package"
    )
    all_of_it.set_defaults(run=lambda given: build_all(given.folder, given.python_zip))
    signing = commands.add_parser("sign", help="sign the digests with a key (Ed25519, PEM)")
    signing.add_argument("folder", type=Path)
    signing.add_argument("key", type=Path)
    signing.set_defaults(run=lambda given: sign(given.folder, given.key))
    verifying = commands.add_parser("verify", help="check digests and signature")
    verifying.add_argument("folder", type=Path)
    verifying.add_argument("key", type=Path, help="the public one, PEM")
    verifying.set_defaults(run=lambda given: verify(given.folder, given.key))
    listing = commands.add_parser("licences", help="write the list of what is used")
    listing.set_defaults(run=lambda given: LICENCES.write_text(licences()) and None)
    given = parser.parse_args(argv)
    try:
        given.run(given)
    except (ValueError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def build(folder: Path, project: Path = ROOT) -> None:
    """Wheel, sources and their bills, with digests, into an empty folder."""
    made_at = sources.made_at(project)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty")
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder.resolve())],
        cwd=project,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(made_at)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = folder.glob("*.whl")
    version = wheel.name.split("-")[1]
    for program in dependencies.PROGRAMS:
        name = f"quitus-{program}-{version}.cdx.json"
        (folder / name).write_text(materials.bill(program, version, made_at), encoding="utf-8")
    (folder / DIGESTS).write_text(_digests(folder))


def build_all(folder: Path, python_zip: Path | None) -> None:
    """Everything that a release consists of, into a folder of its own; what lacks is named.

    The folder is there once all of it is whole.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        whole = Path(work, folder.name)
        build(whole)
        deliverables.make(whole, sources.version(), sources.made_at(), python_zip)
        finish(whole, sources.version(), sources.made_at())
        whole.replace(folder)
    if not python_zip:
        print("release: without the MSI, which needs PYTHON_ZIP=…", file=sys.stderr)


def finish(folder: Path, version: str, made_at: int) -> None:
    """Gives each deliverable its bill of materials, and all files their digests."""
    for file in sorted(folder.iterdir()):
        is_one = not file.name.endswith(deliverables.BILL) and file.name not in (DIGESTS, SIGNATURE)
        if is_one and not deliverables.is_python_release(file):
            made = materials.bill_of(file, deliverables.program_of(file), version, made_at)
            file.with_name(file.name + deliverables.BILL).write_text(made, encoding="utf-8")
    (folder / DIGESTS).write_text(_digests(folder))


def sign(folder: Path, key: Path) -> None:
    """Signs the digests, which stand for all files."""
    private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{key} is no Ed25519 key")
    (folder / SIGNATURE).write_bytes(private.sign((folder / DIGESTS).read_bytes()))


def verify(folder: Path, key: Path) -> None:
    """Raises ValueError naming what is not as it was released."""
    public = serialization.load_pem_public_key(key.read_bytes())
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError(f"{key} is no Ed25519 key")
    said = (folder / DIGESTS).read_bytes()
    try:
        public.verify((folder / SIGNATURE).read_bytes(), said)
    except InvalidSignature as error:
        raise ValueError(f"{folder / DIGESTS} is not signed with this key") from error
    named = dict(reversed(line.split("  ", 1)) for line in said.decode().splitlines())
    found = {each.name for each in folder.iterdir()} - {DIGESTS, SIGNATURE}
    for name in sorted(found | named.keys()):
        file = folder / name
        if name not in found:
            raise ValueError(f"{file} is missing")
        if hashlib.sha256(file.read_bytes()).hexdigest() != named.get(name):
            raise ValueError(f"{file} is not what was released")


def licences() -> str:
    """The list of everything that is used, in the words of its own metadata."""
    agent, collector = map(dependencies.components, dependencies.PROGRAMS)
    tools: dict[str, str] = {}
    for file in sorted((ROOT / "constraints").glob("*.txt")):
        tools |= dependencies.pinned(file.read_text())
    text = [PREFACE]
    for heading, names in (
        ("Of the agent", agent.keys()),
        ("Of the collector, beyond those", collector.keys() - agent.keys()),
        (
            "Tools of building and testing, which are not part of what is installed",
            tools.keys() - agent.keys() - collector.keys(),
        ),
    ):
        text += ["", f"## {heading}", "", "| package | licence |", "| --- | --- |"]
        found = dependencies.licences(sorted(names))
        text += [f"| {name} | {licence} |" for name, licence in found.items()]
    return "\n".join(text) + "\n"


def _digests(folder: Path) -> str:
    files = sorted(each for each in folder.iterdir() if each.name not in (DIGESTS, SIGNATURE))
    return "".join(
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in files
    )


if __name__ == "__main__":
    sys.exit(main())
