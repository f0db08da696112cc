"""macOS applications: the bundles' own Info.plist, or what system_profiler said of them."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from quitus_agent import captures, plists
from quitus_agent.errors import SourceError
from quitus_agent.inventory import MACHINE, USER, Install, Source
from quitus_agent.places import (
    existing,
    homes,
    is_live,
    is_plain_folder,
    matching,
    nameless,
    names,
)
from quitus_agent.system import is_macos

NAME = "macos-applications"
# Xcode kept its programs at the second place until macOS 10.7; Safari lies at the last.
FOLDERS = (
    "Applications",
    "Developer/Applications",
    "System/Applications",
    "System/Cryptexes/App/System/Applications",
)
PEOPLES_FOLDER = "Applications"
BUNDLE = ".app"
# Folders that people see as one thing: what lies in them belongs to it.
PACKAGES = (BUNDLE, ".framework", ".bundle", ".plugin", ".component", ".vst", ".vst3", ".xpc")
# No installer goes deeper.
MAX_DEPTH = 8
# The second is that of an iPad application, which its wrapper links to; the link may be lost.
INFOS = ("Contents/Info.plist", "WrappedBundle/Info.plist", "Wrapper/*.app/Info.plist")
STORE = "Wrapper/iTunesMetadata.plist"
_WRAPPED = re.compile(r"(?<=\.app)/Wrapper/[^/]+\.app/?$")
# Where a running Mac has folders of its other volumes, beside the place that people know.
_VOLUME = re.compile(
    r"/System/(?:Volumes/Data|(?:Volumes/Preboot/)?Cryptexes/[^/]+)(?=/(?:Applications|System|Users)/)"
)
SYSTEM_PROFILER = Path("/usr/sbin/system_profiler")
DATA_TYPE = "SPApplicationsDataType"
TIMEOUT_S = 60
FIELDS = (
    *("Version", "Obtained from", "Last Modified", "Kind", "Signed by", "Location"),
    *("Get Info String", "64-Bit (Intel)"),
)
# Processors have no names of their own in other languages.
KINDS = frozenset({"Intel", "PowerPC", "Universal", "Apple Silicon"})
COLONS, COLON = (":", "\uff1a"), "[:\uff1a]"
_TIME = re.compile(r"\d:\d\d|\d[./-]\d+[./-]\d+\D+\d+\.\d\d")
_SIGNER = re.compile(r"(?:Developer ID|Apple Mac OS|3rd Party Mac Developer) Application: (.+)")
_TEAM = re.compile(r"\s*\([A-Z0-9]{10}\)$")
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)[\s\d,©–-]*(?:\(c\))?[\s\d,–-]*(?P<who>[^,.©\d][^,.©]*)", re.IGNORECASE
)
# Parallels shows the programs of a Windows guest as applications; they are the guest's installs.
_GUEST = re.compile(r"/\{[0-9a-f-]{36}\} Applications", re.IGNORECASE)
_VARIABLE = re.compile(r"\$[({]\w+[)}:]|^@@?\w+@@?$")
# The patterns above try much before they give up, and no notice is longer.
MAX_NOTICE = 1024
APPLE = "Apple"

# What a report has under a name: its fields by their keys, in their order.
Entry = tuple[str, dict[str, str]]


def scan(root: Path) -> Iterator[Install]:
    """Reads the bundles below `root`; on a running Mac, what system_profiler adds to them."""
    bundles = _bundles(root)
    if sys.platform != "darwin" or not is_live(root):
        return bundles
    return joined(list(bundles), list(_asked()))


def joined(bundles: Sequence[Install], profiled: Sequence[Install]) -> Iterator[Install]:
    """The bundles, with who signed them, then applications that lie elsewhere."""
    by_place = {each.location: each for each in profiled if each.location}
    for bundle in bundles:
        if said := by_place.pop(bundle.location, None):
            bundle = bundle._replace(
                publisher=said.publisher or bundle.publisher,
                architecture=said.architecture,
                identifiers={**bundle.identifiers, **said.identifiers},
            )
        yield bundle
    own = {(each.name, each.version) for each in bundles if not each.location}
    for each in profiled:
        if each.location in by_place or (not each.location and each[:2] not in own):
            yield each


def _bundles(root: Path) -> Iterator[Install]:
    for folder in FOLDERS:
        for bundle in _bundles_in(root, Path(folder), MACHINE):
            yield bundle._replace(location=_place(bundle.location))
    for home in homes(root, "Users"):
        with nameless(home.whose, root, home.place):
            for bundle in _bundles_in(root, home.place / PEOPLES_FOLDER, USER):
                yield bundle._replace(location="")


def _bundles_in(root: Path, folder: Path, scope: str) -> Iterator[Install]:
    """The bundles in a folder and in those below it, as far as they are no parts of others.

    What lies inside a bundle is installed, updated and licensed with it.
    """
    todo = [folder]
    while todo:
        at = todo.pop()
        below: list[Path] = []
        for name in names(root, at):
            place = at / name
            if name.lower().endswith(BUNDLE):
                if (info := _info(root, place)) is not None:
                    found = parse_info(info, place.stem, scope)
                    yield found._replace(location=f"/{place.as_posix()}")
            elif not name.lower().endswith(PACKAGES):
                below.append(place)
        if len(at.parts) - len(folder.parts) < MAX_DEPTH:
            todo += (place for place in reversed(below) if is_plain_folder(root, place))


def _asked() -> Iterator[Install]:
    """What system_profiler lists; nothing where it fails: the bundles are the places that count."""
    import subprocess

    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command by its full path
            [SYSTEM_PROFILER, "-xml", "SPApplicationsDataType"],
            check=True,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        yield from parse_xml(plists.parse(answer.stdout))
    except (OSError, subprocess.SubprocessError, SourceError):
        return


def read(path: Path) -> Iterator[Install]:
    """Reads an Info.plist, or system_profiler's SPApplicationsDataType as text, XML or JSON."""
    start = captures.opening(path)
    if start.startswith(("<", "bplist")):
        document = plists.read(path)
        if not isinstance(document, dict):
            found = parse_xml(document)
        elif any(key.startswith("CFBundle") for key in document if isinstance(key, str)):
            bundle = path.parents[1] if path.parent.name == "Contents" else Path()
            found = map(partial(parse_info, file_name=bundle.stem, scope=MACHINE), [document])
        else:
            raise SourceError(f"{path}: is no Info.plist, nor a report of system_profiler")
    elif start.startswith("{"):
        try:
            # As they are written: 15.10 is no number.
            document = json.loads(captures.text(path), parse_float=str, parse_int=str)
            found = iter(list(parse_json(document)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SourceError(f"{path}: is not system_profiler's JSON") from error
    else:
        found = parse_text(captures.text(path))
    return captures.installs_of(path, found, "lists no application")


def _info(root: Path, bundle: Path) -> Mapping[str, Any] | None:
    """What a bundle says of itself, None where it is none.

    One that is damaged is still there, under its folder's name.
    """
    found = next(matching(root, *(f"{bundle}/{info}" for info in INFOS)), None)
    if found is None:
        return None
    try:
        info = plists.read_dict(found.path)
    except SourceError:
        return {}
    # Such an application names no holder of rights; the store, which signed it, does.
    if store := existing(root, bundle / STORE):
        with suppress(SourceError):
            return info | {"artistName": plists.read_dict(store).get("artistName")}
    return info


def parse_info(info: Mapping[str, Any], file_name: str, scope: str) -> Install:
    """The record of one bundle; one without a name is called by its folder, else by its program.

    Raises SourceError where it has nothing of these, nor an id.
    """
    given = (_text(info, "CFBundleDisplayName"), _text(info, "CFBundleName"), file_name)
    called = (_text(info, "CFBundleExecutable"), _text(info, "CFBundleIdentifier"))
    name = next(filter(None, (*given, *called)), "")
    if not name:
        raise SourceError("has no name")
    copyright_ = _text(info, "NSHumanReadableCopyright") or _text(info, "CFBundleGetInfoString")
    bundle_id = _text(info, "CFBundleIdentifier")
    return Install(
        name=name,
        version=_text(info, "CFBundleShortVersionString") or _text(info, "CFBundleVersion"),
        publisher=(
            APPLE
            if bundle_id.startswith("com.apple.")
            else holder(copyright_) or _text(info, "artistName")
        ),
        source=NAME,
        scope=scope,
        identifiers={"bundle_id": bundle_id} if bundle_id else {},
    )


def parse_xml(document: Any) -> Iterator[Install]:
    """Reads the applications among what system_profiler reported, each data type a part."""
    for part in document if isinstance(document, list) else ():
        if isinstance(part, dict) and part.get("_dataType", DATA_TYPE) == DATA_TYPE:
            yield from parse_items(_list(part.get("_items")))


def parse_json(document: Any) -> Iterator[Install]:
    """Reads system_profiler's JSON; raises TypeError or KeyError for another document."""
    items = document[DATA_TYPE]
    if not isinstance(items, list):
        raise TypeError(DATA_TYPE)
    return parse_items(items)


def parse_items(items: Iterable[object]) -> Iterator[Install]:
    """Reads the items of system_profiler's XML or JSON; what is no application is left out."""
    for item in items:
        if not isinstance(item, dict) or _GUEST.search(_text(item, "path")):
            continue
        modified = item.get("lastModified")
        signers = [plists.text(signer) for signer in _list(item.get("signed_by"))]
        day = modified.date().isoformat() if isinstance(modified, datetime) else modified
        yield _profiled(
            _text(item, "_name"),
            _text(item, "version"),
            _text(item, "path"),
            signer=signers[0] if signers else "",
            info=_text(item, "info"),
            architecture=_text(item, "arch_kind").removeprefix("arch_"),
            obtained_from=_text(item, "obtained_from"),
            installed_on=plists.text(day)[:10],
        )


def parse_text(text: str) -> Iterator[Install]:
    """Reads the applications of system_profiler's text, in whatever language it speaks.

    Of a report with several parts, the one that has the most `.app` folders.
    """
    entries = max(map(_in_english, _parts(text)), key=_bundles_of, default=[])
    for name, fields in entries if _bundles_of(entries) else ():
        if not _GUEST.search(fields.get("Location", "")):
            yield _profiled_fields(name, fields)


def _parts(text: str) -> Iterator[list[Entry]]:
    """The parts of a report, named at the margin: in each, names at four blanks, fields at six.

    A name may itself begin with a blank.
    """
    entries: list[Entry] = []
    before = ""
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(" "))
        if not before and not depth and line.rstrip().endswith(COLONS):
            yield entries
            entries = []
        elif depth in (4, 5) and line.rstrip().endswith(COLONS):
            entries.append((line.strip()[:-1].strip(), {}))
        elif depth == 6 and entries:
            key, *value = re.split(COLON, line, maxsplit=1)
            if value:
                entries[-1][1].setdefault(key.strip(), value[0].strip())
        before = line.strip()
    yield entries


def _in_english(entries: Sequence[Entry]) -> list[Entry]:
    names = field_names([fields for _, fields in entries])
    return [
        (name, {names[key]: value for key, value in fields.items() if key in names})
        for name, fields in entries
        if fields
    ]


def _bundles_of(entries: Sequence[Entry]) -> int:
    return sum(fields.get("Location", "").endswith(".app") for _, fields in entries)


def field_names(entries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The English name of each key that these entries have, of those that are wanted.

    A language has its own words for them, but not its own order, paths, names of Apple, of
    certificates and of processors.
    """
    held: dict[str, list[str]] = {}
    for fields in entries:
        for key, value in fields.items():
            held.setdefault(key, []).append(value)
    found = {key: key for key in held if key in FIELDS}
    firsts = Counter(next(iter(fields)) for fields in entries if fields)
    for key, values in held.items():
        name = _field_name(values, is_first=firsts[key] == len(values))
        if name and key not in found and name not in found.values():
            found[key] = name
    return found


def _field_name(values: Sequence[str], *, is_first: bool) -> str:
    if all(value.startswith("/") for value in values):
        return "Location"
    if any(value == APPLE for value in values):
        return "Obtained from"
    if any(value.startswith("Software Signing,") or value.endswith("Root CA") for value in values):
        return "Signed by"
    if not KINDS.isdisjoint(values):
        return "Kind"
    # Who has no version begins with where it is from, or with when it was changed.
    if is_first and any(map(str.isdigit, "".join(values))) and not all(map(_TIME.search, values)):
        return "Version"
    return "Get Info String" if any(map(holder, values)) else ""


def _profiled_fields(name: str, fields: Mapping[str, str]) -> Install:
    return _profiled(
        name,
        fields.get("Version", ""),
        fields.get("Location", ""),
        signer=fields.get("Signed by", "").partition(", ")[0],
        info=fields.get("Get Info String", ""),
        architecture=fields.get("Kind", ""),
        obtained_from=fields.get("Obtained from", "").lower(),
    )


def _profiled(
    name: str,
    version: str,
    path: str,
    *,
    signer: str,
    info: str,
    architecture: str,
    obtained_from: str,
    installed_on: str = "",
) -> Install:
    name = name or PurePosixPath(path).stem
    if not name:
        raise SourceError("lists an application without a name and a place")
    path = _place(path)
    # Homes may lie on another disk: /Volumes/Data/Users/…
    is_users = "/Users/" in path
    signed = _SIGNER.match(signer[:MAX_NOTICE])
    publisher = _TEAM.sub("", signed[1]) if signed else ""
    if not publisher and (obtained_from == "apple" or signer == "Software Signing"):
        publisher = APPLE
    return Install(
        name=name,
        # Some bundles write "1 . 2 . 2".
        version=".".join(part.strip() for part in version.split(".")),
        publisher=publisher or holder(info),
        architecture=architecture,
        source=NAME,
        scope=USER if is_users else MACHINE,
        identifiers={"obtained_from": obtained_from} if obtained_from else {},
        # Outside the places for programs, and in other bundles, are helpers and parts of others.
        hidden=(
            f"{BUNDLE}/" in path
            or not (is_users or path.startswith(("/Applications/", "/System/Applications/")))
        ),
        installed_on=installed_on,
        location="" if is_users else path,
    )


def _place(path: str) -> str:
    """Where people find what lies on a volume that macOS joins to others, or in a wrapper."""
    return _WRAPPED.sub("", _VOLUME.sub("", path))


def holder(notice: str) -> str:
    """Who holds the copyright that a notice states; empty where it names nobody."""
    found = _COPYRIGHT.search(notice[:MAX_NOTICE])
    return found["who"].strip() if found else ""


def _text(info: Mapping[str, Any], key: str) -> str:
    """A text; none where the name of a variable of its build was left in it."""
    text = plists.text(info.get(key)).strip()
    return "" if _VARIABLE.search(text) else text


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


SOURCE = Source(NAME, is_macos, scan, read)
