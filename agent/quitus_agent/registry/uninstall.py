"""The Uninstall keys of a hive: what Windows lists under installed programs, and what it hides."""

import re
from collections.abc import Iterator

from quitus_agent.inventory import MACHINE, Install
from quitus_agent.registry import Key, number, text

NATIVE = r"Microsoft\Windows\CurrentVersion\Uninstall"
WOW64 = r"Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
# Release types that Windows lists apart, under installed updates.
PATCHES = frozenset(
    {
        *("hotfix", "update", "security update", "critical update", "update rollup"),
        *("service pack", "software update"),
    }
)
# The article that describes a patch; programs are not named after one.
_ARTICLE = re.compile(r"\b(?:KB|Q)\d{6,7}(?:v\d+)?\b", re.IGNORECASE)
# Who an entry is part of by their key, or where that is not said by their name; what it is to them.
RELATIONS = (
    ("parent", "ParentKeyName"),
    ("parent", "ParentDisplayName"),
    ("release_type", "ReleaseType"),
)
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_DATE = re.compile(r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)")


def is_there(software: Key) -> bool:
    """Whether there is any Uninstall key, which every Windows has."""
    return any(software.subkey(path) for path in (NATIVE, WOW64))


def installs(software: Key, source: str, scope: str = MACHINE) -> Iterator[Install]:
    """The named entries of both views, in the order of the registry.

    An entry without a DisplayName is no program. One that Windows hides, as part of another or as
    a patch, is kept and flagged: its parent and its release type are among the identifiers.
    A person's entries are all in one view, which says nothing of what they were built for.
    """
    has_views = scope == MACHINE and software.subkey("Wow6432Node")
    views = (
        (NATIVE, "x64" if has_views else ""),
        (WOW64, "x86"),
    )
    for path, architecture in views:
        uninstall = software.subkey(path)
        for key in uninstall.subkeys() if uninstall else ():
            if name := text(key, "DisplayName"):
                yield _install(key, name, architecture, source, scope)


def _install(key: Key, name: str, architecture: str, source: str, scope: str) -> Install:
    identifiers = {"registry_key": key.name}
    if _GUID.fullmatch(key.name):
        identifiers["product_code"] = key.name.upper()
    for identifier, value in RELATIONS:
        if (found := text(key, value).strip()) and identifier not in identifiers:
            identifiers[identifier] = found
    return Install(
        name=name,
        version=text(key, "DisplayVersion").strip(),
        publisher=text(key, "Publisher"),
        architecture=architecture,
        source=source,
        scope=scope,
        identifiers=identifiers,
        hidden=(
            number(key, "SystemComponent") == 1
            or "parent" in identifiers
            or is_patch(name, key.name, identifiers.get("release_type", ""))
        ),
        installed_on=iso_date(text(key, "InstallDate")),
        location=text(key, "InstallLocation"),
    )


def is_patch(name: str, key: str, release_type: str) -> bool:
    """Whether an entry is an update of something else: it says so, or is named after an article."""
    known = release_type.lower() in PATCHES
    return known or any(_ARTICLE.search(each) for each in (name, key))


def iso_date(value: str) -> str:
    """`20190501` or `2019-05-01` as an ISO date; empty for anything else, local forms included."""
    found = _DATE.fullmatch(value)
    if not found or not 1 <= int(found["month"]) <= 12 or not 1 <= int(found["day"]) <= 31:
        return ""
    return f"{found['year']}-{found['month']}-{found['day']}"
