"""What each program is made of, as it is installed here, and under which licences."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROGRAMS = ("agent", "collector")
# As package metadata had them before there were licence expressions.
SPDX = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "lgpl v3": "LGPL-3.0-only",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
# Licences under which software may be part of, or be used by, a work under the EUPL 1.2: permissive
# ones; the LGPL, whose libraries stay files of their own; the MPL 2.0, of the EUPL's own appendix.
COMPATIBLE = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
        *("PSF-2.0", "Zlib", "LGPL-2.1-or-later", "LGPL-3.0-only", "MPL-2.0"),
    }
)


class Component(NamedTuple):
    """One distribution; `licence` is an SPDX expression, `needs` the names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def components(program: str) -> Mapping[str, Component]:
    """What `quitus[program]` brings on this system, by name; without Quitus itself."""
    found: dict[str, Component] = {}
    waiting = list(_needs(distribution("quitus"), {program}))
    while waiting:
        name, extras = waiting.pop()
        if name in found:
            continue
        installed = distribution(name)
        needs = tuple(_needs(installed, extras))
        names = tuple(sorted({each for each, _ in needs}))
        found[name] = Component(name, installed.version, licence(installed), names)
        waiting.extend(needs)
    return dict(sorted(found.items()))


def direct(program: str) -> tuple[str, ...]:
    """What Quitus itself names."""
    return tuple(sorted({name for name, _ in _needs(distribution("quitus"), {program})}))


def pinned(constraints: str) -> dict[str, str]:
    """Names and versions that a file of constraints pins, whatever the system."""
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", constraints, re.MULTILINE))


def licences(names: Iterable[str]) -> Mapping[str, str]:
    """Of those that are installed here: their licences."""
    found = {}
    for name in names:
        try:
            found[name] = licence(distribution(name))
        except PackageNotFoundError:
            continue
    return found


def licence(installed: Distribution) -> str:
    """An SPDX expression; what its metadata says, where that is none."""
    about = installed.metadata
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [
        each.rpartition("::")[2].strip()
        for each in about.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    said = str(about.get("License") or "").strip()
    if said in COMPATIBLE:
        return said
    for each in (said, *classifiers):
        if known := SPDX.get(each.lower()):
            return known
    return said or " ".join(classifiers) or "not told"


def is_compatible(expression: str) -> bool:
    """Whether it lets Quitus use what is under it: of alternatives one, of several all."""
    return any(
        all(part.strip("() ") in COMPATIBLE for part in re.split(r"\bAND\b", choice))
        for choice in re.split(r"\bOR\b", expression)
    )


def _needs(installed: Distribution, extras: Iterable[str]) -> Iterable[tuple[str, frozenset[str]]]:
    wanted = set(extras) or {""}
    for text in installed.requires or ():
        each = Requirement(text)
        if each.marker and not any(each.marker.evaluate({"extra": extra}) for extra in wanted):
            continue
        yield canonicalize_name(each.name), frozenset(each.extras)
