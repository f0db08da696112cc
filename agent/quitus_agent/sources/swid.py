"""Software identification tags: ISO/IEC 19770-2, the editions of 2009 and 2015.

A tag says what was installed by the publisher's own word. Primary tags are records; patches are
flagged; corpus (installation media) and supplemental tags are not software on this device.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, matching
from quitus_agent.registry.machine import is_windows

if TYPE_CHECKING:
    from quitus_agent.xmltree import Element

NAME = "swid"
# Since Windows Vista the old names are links to the new one, which Windows lets nobody list.
OLD, NEW = "Documents and Settings/All Users/Application Data", "ProgramData"
# Where installers put tags: one folder deep, named after the publisher's regid, or `swidtag`.
# By the folder that a system has or has not, so that the others cost nothing.
PLACES = {
    "usr/share": ("swidtag/**/*.swidtag", "strongswan/swidtag/*.swidtag", "regid.*/*.swidtag"),
    "usr/lib/swidtag": ("**/*.swidtag",),
    "usr/local/share/swidtag": ("**/*.swidtag",),
    "opt": ("*/swidtag/*.swidtag", "*/*/swidtag/*.swidtag"),
    NEW: ("regid.*/*.swidtag", "*/swidtag/*.swidtag"),
    OLD: ("regid.*/*.swidtag",),
    "Program Files": ("*/swidtag/*.swidtag", "*/*/swidtag/*.swidtag"),
    "Program Files (x86)": ("*/swidtag/*.swidtag", "*/*/swidtag/*.swidtag"),
    "Library/Application Support": ("regid.*/*.swidtag",),
    "Applications": (
        "*.app/Contents/Resources/*.swidtag",
        "*.app/Contents/Resources/swidtag/*.swidtag",
        "*/*.app/Contents/Resources/*.swidtag",
        "*.app/Contents/*.swidtag",
    ),
}
TAGS = frozenset({"SoftwareIdentity", "software_identification_tag"})
MAX_TAGS = 20_000
# The parts of a tag's version by numbers, of 2009.
NUMERIC = ("major", "minor", "build", "review")
YES = ("true", "1")


def available(root: Path) -> bool:
    """Whether there is any tag where tags are kept."""
    return next(_tags(root), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the tags below `root`; one that cannot be read makes the source fail."""
    for number, path in enumerate(_tags(root), start=1):
        if number > MAX_TAGS:
            raise SourceError(f"more than {MAX_TAGS} tags")
        yield from read(path)


def read(path: Path) -> Iterator[Install]:
    """Reads a tag, or a document that holds several."""
    try:
        yield from parse(captures.content(path))
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(content: bytes) -> Iterator[Install]:
    """The software that a document's tags state."""
    from quitus_agent.xmltree import walk

    found: list[Install] = []
    entities: list[Element] = []
    meta: dict[str, str] = {}
    old: dict[str, str] = {}

    tags = 0

    def visit(element: "Element") -> None:
        nonlocal tags
        tags += element.name in TAGS
        match element.name:
            case "Entity":
                entities.append(element)
            case "Meta":
                meta.update(element.attributes)
            case "SoftwareIdentity":
                if install := _install_2015(element, entities, meta):
                    found.append(install)
                entities.clear()
                meta.clear()
            case "software_identification_tag":
                if install := _install_2009(old):
                    found.append(install)
                old.clear()
            case _ if text := element.text.strip():
                # Of several creators or licensors, the first.
                old.setdefault("/".join((*element.path[-1:], element.name)), text)

    walk(content, visit)
    if not tags:
        raise SourceError("holds no tag")
    yield from found


def _install_2015(
    tag: "Element", entities: list["Element"], meta: dict[str, str]
) -> Install | None:
    attributes = tag.attributes
    if _says(attributes, "corpus") or _says(attributes, "supplemental"):
        return None
    name = attributes.get("name", "").strip()
    if not name:
        raise SourceError("a tag has no name")
    creators = {
        role: entity.attributes.get("name", "")
        for entity in reversed(entities)
        for role in entity.attributes.get("role", "").split()
    }
    identifiers = {
        "tag_id": attributes.get("tagId", ""),
        "regid": _regid(entities),
        "product": meta.get("product", ""),
        "edition": meta.get("edition", ""),
        "entitlement_required": meta.get("entitlementDataRequired", ""),
        "activation_status": meta.get("activationStatus", ""),
        "channel_type": meta.get("channelType", ""),
        "version_scheme": attributes.get("versionScheme", ""),
    }
    return Install(
        name=name,
        version=attributes.get("version", "").strip(),
        publisher=creators.get("softwareCreator") or creators.get("tagCreator") or "",
        architecture=meta.get("arch", ""),
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        hidden=_says(attributes, "patch"),
    )


def _install_2009(values: dict[str, str]) -> Install | None:
    name = values.get("software_identification_tag/product_title")
    if not name:
        raise SourceError("a tag has no name")
    version, said = _version_2009(values)
    identifiers = {
        "tag_id": values.get("software_id/unique_id", ""),
        "regid": values.get("software_id/tag_creator_regid", ""),
        "entitlement_required": values.get(
            "software_identification_tag/entitlement_required_indicator", ""
        ),
        "activation_status": values.get("license_linkage/activation_status", ""),
        "channel_type": values.get("license_linkage/channel_type", ""),
        "version_name": said if said != version else "",
    }
    return Install(
        name=name,
        version=version,
        publisher=values.get("software_creator/name") or values.get("software_licensor/name", ""),
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
    )


def _version_2009(values: dict[str, str]) -> tuple[str, str]:
    """The version, and how the publisher calls it: a name like "CC 2015" has its numbers beside it.

    Numbers come in four parts, of which the last ones may be noughts that nobody writes.
    """
    said = values.get("product_version/name", "")
    numbers = [values.get(f"numeric/{part}", "") for part in NUMERIC]
    while len(numbers) > 2 and numbers[-1] in ("", "0"):
        numbers.pop()
    counted = ".".join(number or "0" for number in numbers) if any(numbers) else ""
    return (said if said[:1].isdigit() else counted or said), said


def _says(attributes: dict[str, str], kind: str) -> bool:
    return attributes.get(kind, "").strip().lower() in YES


def _regid(entities: list["Element"]) -> str:
    regids = [each.attributes["regid"] for each in entities if each.attributes.get("regid")]
    return regids[0] if regids else ""


def _tags(root: Path) -> Iterator[Path]:
    any_case = is_windows(root)
    for folder, patterns in PLACES.items():
        if folder == OLD and existing(root, NEW, any_case=any_case):
            continue
        if existing(root, folder, any_case=any_case):
            names = (f"{folder}/{pattern}" for pattern in patterns)
            for _, path in matching(root, *names, any_case=any_case):
                if path.is_file():
                    yield path


SOURCE = Source(NAME, available, scan, read)
