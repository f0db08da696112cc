"""Debian packages, by dpkg-deb."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.packages.program import Program

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kibibytes}
Depends: {depends}
{suggests}Section: admin
Priority: optional
Description: {summary}
{description}
"""
SCRIPTS = ("postinst", "prerm", "postrm")
# Where Python itself lies: dpkg tells our postinst when one of them comes or goes.
PYTHONS = tuple(f"/usr/bin/python{each}" for each in ("3.11", "3.12", "3.13", "3.14"))


def build(
    program: Program,
    version: str,
    architecture: str,
    values: Mapping[str, str],
    tree: Path,
    out: Path,
    level: int,
) -> Path:
    """Packs `tree`, which gets a folder DEBIAN for it; returns the package's file."""
    about = tree / "DEBIAN"
    about.mkdir(mode=0o755)
    kibibytes = sum(each.lstat().st_size for each in tree.rglob("*")) // 1024
    (about / "control").write_text(
        CONTROL.format(
            name=program.name,
            version=version,
            architecture=architecture,
            maintainer=values["MAINTAINER"],
            kibibytes=kibibytes,
            depends=program.filled(program.deb_depends, values),
            suggests=f"Suggests: {program.deb_suggests}\n" if program.deb_suggests else "",
            summary=program.summary,
            description="\n".join(f" {line}" for line in program.description.splitlines()),
        )
    )
    (about / "conffiles").write_text("".join(f"{each}\n" for each in program.conffiles))
    (about / "triggers").write_text("".join(f"interest-noawait {each}\n" for each in PYTHONS))
    for name in SCRIPTS:
        script = about / name
        script.write_text(program.script(f"deb-{name}"))
        script.chmod(0o755)
    file = out / f"{program.name}_{version}_{architecture}.deb"
    # Where time counts more than size: for trying.
    packing = ["-Zxz", f"-z{level}"] if level else ["-Zzstd", "-z1"]
    try:
        subprocess.run(  # noqa: S603 - Debian's own
            ["dpkg-deb", "--root-owner-group", *packing, "--build", tree, file],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ,
        )
    finally:
        shutil.rmtree(about)
    return file
