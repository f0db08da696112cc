"""The folder that deploy/macos/build.sh makes a package of, on a Mac, where pkgbuild is."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.packages import payload
from deploy.packages.program import AGENT

FILES = payload.ROOT / "deploy/macos"
# Not Intel's: since its release 49, cryptography has no wheel for them.
MACHINES = {"arm64": "arm64"}
# Wheels of both processors, or of one; the oldest macOS that they are made for first.
RELEASES = ("10_9", "10_13", "11_0", "12_0")


def build(version: str, architecture: str, pythons: Sequence[str], wheels: Path, out: Path) -> Path:
    """Fills a folder with what is installed and the scripts of the installer; returns it.

    Raises PayloadError for a processor whose Macs are not served.
    """
    if architecture not in MACHINES:
        raise payload.PayloadError(
            f"Macs of {architecture} are not served: cryptography has no wheel for them"
        )
    machine = MACHINES[architecture]
    platforms = [f"macosx_{each}_{kind}" for each in RELEASES for kind in ("universal2", machine)]
    constraints = payload.ROOT / "constraints" / AGENT.constraints
    payload.wheels(constraints, platforms, pythons, wheels)
    folder = out / f"{AGENT.name}-{version}-macos-{machine}"
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "root/opt" / AGENT.name
    (home / "lib").mkdir(parents=True)
    payload.libraries(wheels, home / "lib")
    payload.own_code(AGENT.package, version, home / "lib")
    daemons = folder / "root/Library/LaunchDaemons"
    for source, target in (
        (FILES / "launch.sh", home / "bin" / AGENT.name),
        (FILES / "check.sh", home / "bin/check"),
        (FILES / "remove.sh", home / "bin/remove"),
        (AGENT.folder / "start.py", home / "start.py"),
        (AGENT.folder / "agent.toml", home / "agent.toml"),
        (FILES / "fr.quitus.agent.plist", daemons / "fr.quitus.agent.plist"),
        (FILES / "postinstall.sh", folder / "scripts/postinstall"),
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755 if source.suffix == ".sh" else 0o644)
    (folder / "version").write_text(version)
    payload.usual_modes(folder)
    return folder
