"""What a release hands out beside wheel and sources, all that can be made on one Linux machine."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from packaging.version import Version

from deploy.packages import __main__ as packing
from deploy.release.sources import ROOT
from deploy.windows import __main__ as windows

CHART = ROOT / "deploy" / "helm" / "quitus"
COLLECTION = ROOT / "deploy" / "ansible" / "ansible_collections" / "quitus" / "deploy"
BILL = ".cdx.json"


def make(folder: Path, version: str, made_at: int, python_zip: Path | None) -> None:
    """Packages of both programs, what a Mac needs, chart and collection; an MSI of a given Python.

    Raises ValueError where something cannot be made: half a release is none.
    """
    macos = folder / f"quitus-agent-{version}-macos-arm64"
    with_version = ("--version", version, "--out", str(folder))
    for words in (
        ("--form", packing.MACOS, "--architecture", "arm64"),
        ("--program", "agent", "--program", "collector"),
    ):
        _must(packing.main([*words, *with_version]), "deploy.packages")
    archive(macos, folder / f"{macos.name}.tar.gz", macos.name, made_at)
    shutil.rmtree(macos)
    chart(folder, version, made_at)
    collection(folder, version, made_at)
    if python_zip:
        words = ("--python", str(python_zip), "--version", version, "--out", str(folder))
        _must(windows.main(words), "deploy.windows")


def chart(folder: Path, version: str, made_at: int) -> Path:
    """The Helm chart as it is pushed and installed, of this version."""
    with tempfile.TemporaryDirectory() as work:
        copy = shutil.copytree(CHART, Path(work, "quitus"))
        about = copy / "Chart.yaml"
        lines = [
            f"{key}: {semantic(version)}" if key in ("version", "appVersion") else line
            for line in about.read_text().splitlines()
            for key in (line.partition(":")[0],)
        ]
        about.write_text("\n".join(lines) + "\n")
        made = folder / f"quitus-{semantic(version)}.tgz"
        archive(copy, made, "quitus", made_at)
    return made


def collection(folder: Path, version: str, made_at: int) -> Path:
    """The Ansible collection as ansible-galaxy builds it, of this version."""
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    if not galaxy.exists():
        raise ValueError("ansible-galaxy is missing: make .venv/.ansible")
    with tempfile.TemporaryDirectory() as work:
        copy = shutil.copytree(COLLECTION, Path(work, "deploy"))
        about = copy / "galaxy.yml"
        about.write_text(
            about.read_text().replace("\nversion: 0.1.0\n", f"\nversion: {semantic(version)}\n")
        )
        subprocess.run(  # noqa: S603 - of this very environment
            [galaxy, "collection", "build", copy, "--output-path", work],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"ANSIBLE_HOME": work},
        )
        (built,) = Path(work).glob("*.tar.gz")
        unpacked = Path(work, "unpacked")
        with tarfile.open(built) as opened:
            opened.extractall(unpacked, filter="data")
        made = folder / built.name
        archive(unpacked, made, "", made_at)
    return made


def semantic(version: str) -> str:
    """A version of Python's as Helm and Ansible compare them: 1.0.0rc1 is 1.0.0-rc.1."""
    read = Version(version)
    text = ".".join(map(str, (*read.release, 0, 0)[:3]))
    before = [*map(str, read.pre or ())]
    before += [f"dev.{read.dev}"] if read.dev is not None else []
    return f"{text}-{'.'.join(before)}" if before else text


def archive(folder: Path, out: Path, inside: str, made_at: int) -> None:
    """A folder as a .tar.gz below `inside`, the same bytes for the same contents."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = made_at
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with (
        out.open("wb") as opened,
        gzip.GzipFile("", "wb", fileobj=opened, mtime=made_at) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for place in sorted(folder.rglob("*")):
            name = Path(inside, place.relative_to(folder)).as_posix()
            tar.add(place, name, recursive=False, filter=plain)


def program_of(file: Path) -> str | None:
    """Whose libraries a deliverable holds; None where it holds none, as a chart."""
    for name in ("agent", "collector"):
        if file.name.startswith(f"quitus-{name}"):
            return name
    return None


def is_python_release(file: Path) -> bool:
    """Wheel or sources, which both programs' bills describe."""
    return file.suffix == ".whl" or (
        file.name.endswith(".tar.gz") and file.name.removeprefix("quitus-")[:1].isdigit()
    )


def _must(status: int, what: str) -> None:
    if status:
        raise ValueError(f"{what} ended with {status}: there is no release without it")
