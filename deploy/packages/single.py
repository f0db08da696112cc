"""The agent in one file that any Python from 3.11 on runs, for systems without .deb or .rpm.

Not PyInstaller: its file would carry the C library's demands of the system that it was made on, and
unpack itself at every start; this one unpacks once, and is the same for every Python.
"""

import hashlib
import zipfile
from pathlib import Path

from deploy.packages.payload import MACHINES
from deploy.packages.program import AGENT

SHEBANG = b"#!/usr/bin/env -S python3 -I -S\n"
# Archives have no time zone and begin in 1980; a fixed time makes the same file of the same tree.
MADE_AT = (1980, 1, 1, 0, 0, 0)


def build(version: str, architecture: str, tree: Path, out: Path, level: int) -> Path:
    """Packs the libraries of the agent's `tree`; returns the file."""
    libraries = tree / "opt" / AGENT.name / "lib"
    files = sorted(each for each in libraries.rglob("*") if each.is_file())
    digest = hashlib.sha256()
    for each in files:
        digest.update(f"{each.relative_to(libraries)}\0{each.stat().st_size}\0".encode())
        digest.update(each.read_bytes())
    machine = MACHINES[architecture]
    main = (AGENT.folder / "single.py").read_text(encoding="utf-8")
    main = main.replace("@DIGEST@", digest.hexdigest()).replace("@MACHINE@", machine)
    packing = (zipfile.ZIP_DEFLATED, level) if level else (zipfile.ZIP_STORED, None)
    file = out / f"{AGENT.name}-{version}-linux-{machine}.pyz"
    with file.open("wb") as started:
        started.write(SHEBANG)
        with zipfile.ZipFile(started, "w") as archive:
            for name, content in (
                ("__main__.py", main.encode()),
                *((f"lib/{each.relative_to(libraries)}", each.read_bytes()) for each in files),
            ):
                member = zipfile.ZipInfo(name, MADE_AT)
                member.external_attr = 0o100644 << 16
                archive.writestr(member, content, *packing)
    file.chmod(0o755)
    return file
