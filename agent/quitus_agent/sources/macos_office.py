"""How Office for Mac is licensed: by volume for the machine, or by people's subscriptions.

Microsoft, "How to remove Office license files on a Mac": a file stands for each kind. Only that
they are there is read, and of people's files only how many there are.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import plists
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, homes, matching, nameless

NAME = "macos-office"
# Any of them is there in every suite, and all carry the suite's version.
PROGRAMS = ("Word", "Excel", "PowerPoint", "Outlook", "OneNote")
# Until 2011 the suite had a folder of its own.
FOLDERS = ("Applications", "Applications/Microsoft Office 20*")
MICROSOFT = "com.microsoft."
VOLUME = "Library/Preferences/com.microsoft.office.licensingV2.plist"
GROUP = "Library/Group Containers/UBF8T346G9.Office"
SUBSCRIPTION = ("com.microsoft.Office365.plist", "com.microsoft.Office365V2.plist")
RETAIL = re.compile(r"com\.microsoft\.e0E2OUQxNUY1LTAxOUQtNDQwNS04QkJELTAxQTI5M0JBOTk4O?\.plist")
# Numbering of Office for Mac: one release line since 2016 tells its year by the minor version. It
# began as 15, whose first ten numbers were previews.
LINES = {
    "16": ((85, "2024"), (53, "2021"), (17, "2019"), (0, "2016")),
    "15": ((11, "2016"),),
    "14": ((0, "2011"),),
    "12": ((0, "2008"),),
}


def available(root: Path) -> bool:
    """Whether Office is installed."""
    return _program(root) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    if program := _program(root):
        yield from read(program, kinds(root))


def _program(root: Path) -> Path | None:
    places = (
        f"{folder}/Microsoft {name}.app/Contents/Info.plist"
        for folder in FOLDERS
        for name in PROGRAMS
    )
    return next((found.path for found in matching(root, *places)), None)


def kinds(root: Path) -> dict[str, int]:
    """Licence files by kind: `volume` at most once, `subscription` and `retail` by people."""
    found = {"volume": int(existing(root, VOLUME) is not None), "subscription": 0, "retail": 0}
    for home in homes(root, "Users"):
        with nameless(home.whose, root, home.place):
            names = {found.place.name for found in matching(root, f"{home.place}/{GROUP}/*")}
        found["subscription"] += bool(names.intersection(SUBSCRIPTION))
        found["retail"] += any(RETAIL.fullmatch(name) for name in names)
    return {kind: count for kind, count in found.items() if count}


def read(path: Path, licences: dict[str, int] | None = None) -> Iterator[Install]:
    """Reads a program's Info.plist, whose version is the suite's."""
    info = plists.read_dict(path)
    if not plists.text(info.get("CFBundleIdentifier")).lower().startswith(MICROSOFT):
        raise SourceError(f"{path}: is no program of Office")
    version = plists.text(info.get("CFBundleShortVersionString"))
    yield Install(
        name=f"Microsoft Office {line(version)} for Mac".replace("  ", " "),
        version=version,
        publisher="Microsoft Corporation",
        source=NAME,
        identifiers={f"licence_{kind}": str(count) for kind, count in (licences or {}).items()},
        hidden=True,
    )


def line(version: str) -> str:
    """The perpetual release that a version could be; empty for one that is not known."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not minor.isdecimal() or len(minor) > 9:
        return ""
    return next((year for first, year in LINES.get(major, ()) if int(minor) >= first), "")


SOURCE = Source(NAME, available, scan, read)
