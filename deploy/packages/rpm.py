"""RPM packages, by rpmbuild."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.packages.program import Program

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: {summary}
License: EUPL-1.2
Packager: {maintainer}
AutoReqProv: no
{requires}

%description
{description}

%pre
{pre}
%post
{post}
%preun
{preun}
%postun
{postun}
%files
%defattr(-,root,root,-)
{files}
"""
# The files come as they are: nothing is stripped, compiled or linked anew.
SETTINGS = {
    "__os_install_post": "%{nil}",
    "debug_package": "%{nil}",
    "_build_id_links": "none",
    "use_source_date_epoch_as_buildtime": "1",
    "clamp_mtime_to_source_date_epoch": "1",
    "_buildhost": "quitus",
}
OWN_SETTINGS = "etc/quitus"
SCRIPTS = ("pre", "post", "preun", "postun")


def build(
    program: Program,
    version: str,
    architecture: str,
    values: Mapping[str, str],
    tree: Path,
    out: Path,
    level: int,
) -> Path:
    """Packs `tree`; returns the package's file."""
    work = out / f".{program.name}-rpm"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    spec = work / f"{program.name}.spec"
    requires = [program.filled(each, values) for each in program.rpm_requires]
    suggests = [f"Suggests: {program.rpm_suggests}"] if program.rpm_suggests else []
    spec.write_text(
        SPEC.format(
            name=program.name,
            version=version,
            summary=program.summary,
            maintainer=values["MAINTAINER"],
            requires="\n".join((*(f"Requires: {each}" for each in requires), *suggests)),
            description=program.description,
            files="\n".join(_files(program, tree)),
            **{name: program.script(f"rpm-{name}") for name in SCRIPTS},
        )
    )
    machine = MACHINES[architecture]
    settings = SETTINGS | {
        "_topdir": str(work),
        "_rpmdir": str(work),
        "_binary_payload": f"w{level}.xzdio" if level else "w.ufdio",
    }
    defined = [word for key, value in settings.items() for word in ("--define", f"{key} {value}")]
    command = ["rpmbuild", "-bb", "--quiet", "--target", machine, *defined]
    try:
        # rpmbuild wants to own what it packs, and empties it at the end.
        shutil.copytree(tree, work / "tree", symlinks=True, copy_function=_linked)
        subprocess.run(  # noqa: S603 - Debian's own
            [*command, "--buildroot", work / "tree", spec], check=True, stdout=subprocess.DEVNULL
        )
        (made,) = work.glob("*/*.rpm")
        file = out / made.name
        made.replace(file)
    finally:
        shutil.rmtree(work)
    return file


def _linked(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _files(program: Program, tree: Path) -> list[str]:
    """What the package owns: its folder below /opt whole, elsewhere file by file."""
    own = [f"/opt/{program.name}"]
    shared = (OWN_SETTINGS, f"usr/share/doc/{program.name}")
    own += [f"%dir /{each}" for each in shared if (tree / each).is_dir()]
    for place in sorted(tree.rglob("*")):
        inside = place.relative_to(tree)
        if inside.parts[0] in ("opt", "DEBIAN") or (place.is_dir() and not place.is_symlink()):
            continue
        kept = "%config(noreplace) " if f"/{inside}" in program.conffiles else ""
        own.append(f"{kept}/{inside}")
    return own
