"""The tree that a package unpacks on a system, below a folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.packages import payload
from deploy.packages.program import SYSTEMD, Program

LICENCES = """\
Libraries in /opt/{name}/lib are their authors', under the licences in its folders *.dist-info:
{libraries}
"""


def build(
    program: Program,
    version: str,
    architecture: str,
    pythons: Sequence[str],
    wheels: Path,
    into: Path,
) -> None:
    """Fills the empty folder `into`; the wheels that it fetches stay in the folder `wheels`."""
    constraints = payload.ROOT / "constraints" / program.constraints
    payload.wheels(constraints, payload.linux(architecture), pythons, wheels)
    below_opt = into / "opt" / program.name
    libraries = below_opt / "lib"
    libraries.mkdir(parents=True)
    payload.libraries(wheels, libraries)
    payload.own_code(program.package, version, libraries)
    for place, source in program.files.items():
        text = (program.folder / source).read_text(encoding="utf-8")
        _write(into / place, program.filled(text, {"PYTHON": pythons[0]}), source.endswith(".sh"))
    _systemd(program, into)
    command = into / "usr/bin" / program.name
    command.parent.mkdir(parents=True)
    command.symlink_to(f"../../opt/{program.name}/bin/{program.name}")
    names = sorted(each.name.removesuffix(".dist-info") for each in libraries.glob("*.dist-info"))
    said = LICENCES.format(name=program.name, libraries="\n".join(f"  {each}" for each in names))
    _write(into / "usr/share/doc" / program.name / "copyright", _licence() + said)
    payload.usual_modes(into)


def _systemd(program: Program, into: Path) -> None:
    units = into / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for unit in program.units:
        shutil.copyfile(SYSTEMD / unit, units / unit)
    for kind in ("sysusers", "tmpfiles"):
        folder = into / "usr/lib" / f"{kind}.d"
        folder.mkdir(parents=True)
        shutil.copyfile(SYSTEMD / f"{program.name}.{kind}.conf", folder / f"{program.name}.conf")


def _licence() -> str:
    """Our own licence, where the sources come with it."""
    file = payload.ROOT / "LICENSE"
    return file.read_text(encoding="utf-8") + "\n" if file.exists() else ""


def _write(file: Path, text: str, is_program: bool = False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.chmod(file, 0o755 if is_program else 0o644)
