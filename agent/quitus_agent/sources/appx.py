"""Store applications (AppX, MSIX): provisioned for everyone, or registered by a user.

HKLM keeps the packages of all users, each user's classes hive its own. A package's full name is
Name_Version_Architecture_ResourceId_PublisherId (Microsoft, "An overview of package identity").
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import SourceError
from quitus_agent.inventory import MACHINE, USER, Install, Source
from quitus_agent.registry import Key, captured, text
from quitus_agent.registry.machine import WindowsRegistry, is_person, is_windows, open_registry

NAME = "appx"
ALL_USERS = r"Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore"
REPOSITORY = (
    r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages"
)
# Languages and scales of an application are packages of their own, named after what they bring.
RESOURCES = "split."
# The hash of the signing certificate's subject, for the signers that matter by number.
PUBLISHERS = {
    "8wekyb3d8bbwe": "Microsoft Corporation",
    "cw5n1h2txyewy": "Microsoft Windows",
}


class PackageName(NamedTuple):
    """The parts of a package's full name."""

    name: str
    version: str
    architecture: str
    resource_id: str
    publisher_id: str

    @property
    def family(self) -> str:
        """What stays the same through versions."""
        return f"{self.name}_{self.publisher_id}"


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`; a profile that cannot be read makes the source fail."""
    registry = open_registry(root)
    if registry.unread:
        raise SourceError("; ".join(registry.unread))
    return parse(registry)


def read(path: Path) -> Iterator[Install]:
    """Reads a SOFTWARE hive, a user's UsrClass.dat, or an export of either."""
    return parse(captured.registry(path))


def parse(registry: WindowsRegistry) -> Iterator[Install]:
    """One record a package, provisioned ones first; a user's own only where they are not."""
    seen = set()
    store = registry.software.subkey(ALL_USERS)
    places = [(store.subkey("Applications"), MACHINE)] if store else []
    # Beside it the store has a key for each person, which is there when their hive is not.
    places += [(key, USER) for key in store.subkeys() if is_person(key.name)] if store else []
    places += [(classes.subkey(REPOSITORY), USER) for classes in registry.classes]
    for packages, scope in places:
        for key in packages.subkeys() if packages else ():
            package = split(key.name)
            if package and package not in seen:
                seen.add(package)
                yield _install(key, package, scope)


def split(full_name: str) -> PackageName | None:
    """The parts of a full name; None for a key that is none."""
    parts = full_name.split("_")
    return PackageName(*parts) if len(parts) == 5 and all((parts[0], parts[1], parts[4])) else None


def _install(key: Key, package: PackageName, scope: str) -> Install:
    display = text(key, "DisplayName")
    identifiers = {"package_family_name": package.family, "package_full_name": key.name}
    if display and not display.startswith("@{") and not display.startswith("ms-resource:"):
        identifiers["display_name"] = display
    return Install(
        name=package.name,
        version=package.version,
        publisher=PUBLISHERS.get(package.publisher_id, ""),
        architecture=package.architecture,
        source=NAME,
        scope=scope,
        identifiers=identifiers,
        hidden=package.resource_id.startswith(RESOURCES),
    )


SOURCE = Source(NAME, is_windows, scan, read)
