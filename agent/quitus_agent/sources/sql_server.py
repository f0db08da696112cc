r"""SQL Server instances: the edition that each one runs, from its own Setup key.

The Uninstall key names no edition. Below HKLM\SOFTWARE\Microsoft\Microsoft SQL Server each instance
has a folder named after its kind and itself: MSSQL15.NAME, MSAS15.NAME, MSRS15.NAME; of SQL Server
2005 after a number, and before that after itself alone. Since 2017 Reporting Services come by
themselves, in one named SSRS or PBIRS, whose registry tells no edition. Integration Services have
no instances, but a key for each version, 150\DTS.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, captured, number, text
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "sql-server"
# Microsoft's keys of either view, and what an instance below them was built for, where that tells.
VIEWS = (("Microsoft", ""), (r"Wow6432Node\Microsoft", "x86"))
KINDS = {
    "SQL": ("database engine", "Microsoft SQL Server"),
    "OLAP": ("analysis services", "Microsoft SQL Server Analysis Services"),
    "RS": ("reporting services", "Microsoft SQL Server Reporting Services"),
    "IS": ("integration services", "Microsoft SQL Server Integration Services"),
}
# Reporting Services that are a product of their own, without a year, by their instance's name.
REPORT_SERVERS = {"PBIRS": ("report server", "Microsoft Power BI Report Server")}
# What tells the service from the libraries that tools for developers bring along.
SERVICE_OF_INTEGRATION = "SQL_DTS_Full=3"
# The version that is sold, by the engine's own (Microsoft, "Latest updates for SQL Server").
RELEASES = {
    "8.0": "2000",
    "9.0": "2005",
    "10.0": "2008",
    "10.50": "2008 R2",
    "11.0": "2012",
    "12.0": "2014",
    "13.0": "2016",
    "14.0": "2017",
    "15.0": "2019",
    "16.0": "2022",
    "17.0": "2025",
}


class Instance(NamedTuple):
    """`kind` is one of KINDS; `folder` is the instance's key below the root, `MSSQL15.NAME`."""

    kind: str
    name: str
    folder: str


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive."""
    return parse(captured.software(path))


def parse(software: Key) -> Iterator[Install]:
    """One record for each instance of each kind, with its edition where it is known."""
    for vendor, architecture in VIEWS:
        root = software.subkey(rf"{vendor}\Microsoft SQL Server")
        if root is None:
            continue
        listed = list(_listed(root))
        unlisted = _unlisted(root, {each.folder.lower() for each in listed})
        for instance in (*listed, *unlisted, *_integration(root)):
            if folder := root.subkey(instance.folder):
                yield from _install(instance, folder, architecture)
        engines = {each.name.upper() for each in listed if each.kind == "SQL"}
        yield from _of_2000(software, vendor, root, engines, architecture)


def _listed(root: Key) -> Iterator[Instance]:
    """What `Instance Names` lists: the only place that says what MSSQL.2 of 2005 is."""
    for kind in KINDS:
        names = root.subkey(rf"Instance Names\{kind}")
        for name in names.value_names() if names else ():
            if names and (folder := text(names, name)):
                yield Instance(kind, name, folder)


def _unlisted(root: Key, known: Collection[str]) -> Iterator[Instance]:
    """Folders of instances that no list names, as where single keys were exported."""
    prefixes = {"MSSQL": "SQL", "MSAS": "OLAP", "MSRS": "RS"}
    for key in root.subkeys():
        prefix, dot, name = key.name.partition(".")
        kind = prefixes.get(prefix.rstrip("0123456789_").upper())
        if kind and dot and key.name.lower() not in known:
            yield Instance(kind, name, key.name)


def _integration(root: Key) -> Iterator[Instance]:
    for key in root.subkeys():
        setup = key.subkey(r"DTS\Setup") if key.name.isdecimal() else None
        if setup and SERVICE_OF_INTEGRATION in text(setup, "FeatureList"):
            yield Instance("IS", "", rf"{key.name}\DTS")


def _of_2000(
    software: Key, vendor: str, root: Key, known: Collection[str], architecture: str
) -> Iterator[Install]:
    """SQL Server 2000, whose registry tells no edition: engines installed and not listed."""
    installed = root.value("InstalledInstances")
    for name in installed if isinstance(installed, list) else ():
        if name.upper() in known:
            continue
        is_default = name.upper() == "MSSQLSERVER"
        place = rf"{vendor}\MSSQLServer" if is_default else rf"{vendor}\Microsoft SQL Server\{name}"
        current = software.subkey(rf"{place}\MSSQLServer\CurrentVersion")
        if current is None or not (first := text(current, "CurrentVersion")):
            continue
        version = text(current, "CSDVersion") or first
        yield Install(
            name=" ".join(filter(None, (KINDS["SQL"][1], release(version)))),
            version=version,
            publisher="Microsoft Corporation",
            architecture=architecture,
            source=NAME,
            identifiers={"instance": name, "component": KINDS["SQL"][0]},
        )


def _install(instance: Instance, folder: Key, architecture: str) -> Iterator[Install]:
    setup, cluster = folder.subkey("Setup"), folder.subkey("Cluster")
    current = folder.subkey(r"MSSQLServer\CurrentVersion")
    if setup is None:
        return
    version = text(setup, "PatchLevel") or text(setup, "Version")
    if not version and current:
        version = text(current, "ProductVersion") or text(current, "CurrentVersion")
    component, product = KINDS[instance.kind]
    year = release(version)
    if instance.name.upper() in REPORT_SERVERS:
        (component, product), year = REPORT_SERVERS[instance.name.upper()], ""
    identifiers = {
        "instance": instance.name,
        "component": component,
        "edition": text(setup, "Edition"),
        "edition_type": text(setup, "EditionType"),
        "product_code": text(setup, "ProductCode").upper(),
        "cluster": text(cluster, "ClusterName") if cluster else "",
        "clustered": "yes" if cluster or number(setup, "SqlCluster") == 1 else "",
    }
    yield Install(
        name=" ".join(filter(None, (product, year, text(setup, "Edition")))),
        version=version,
        publisher="Microsoft Corporation",
        architecture=architecture,
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        location=text(setup, "SQLPath") or text(setup, "InstallRootDirectory"),
    )


def release(version: str) -> str:
    """The year under which an engine version is sold: 10.53.6000.34 is 2008 R2 (its third pack).

    The second number of 10.5x counts service packs; empty where the version is not known.
    """
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if major == "10" and minor.startswith("5"):
        minor = "50"
    elif major != "10":
        minor = "0"
    return RELEASES.get(f"{major}.{minor.lstrip('0') or '0'}", "")


SOURCE = Source(NAME, is_windows, scan, read)
