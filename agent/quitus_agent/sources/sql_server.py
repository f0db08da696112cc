r"""SQL Server instances: the edition that each one runs, from its own Setup key.

The Uninstall key names no edition. Below HKLM\SOFTWARE\Microsoft\Microsoft SQL Server each instance
has a folder named after its kind and itself: MSSQL15.NAME, MSAS15.NAME, MSRS15.NAME.
"""

from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, number, text
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "sql-server"
ROOTS = (r"Microsoft\Microsoft SQL Server", r"Wow6432Node\Microsoft\Microsoft SQL Server")
KINDS = {
    "SQL": ("database engine", "Microsoft SQL Server"),
    "OLAP": ("analysis services", "Microsoft SQL Server Analysis Services"),
    "RS": ("reporting services", "Microsoft SQL Server Reporting Services"),
}
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


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive."""
    return parse(captures.registry(path).software)


def parse(software: Key) -> Iterator[Install]:
    """One record for each instance of each kind, with its edition where it is known."""
    for path in ROOTS:
        root = software.subkey(path)
        if root is None:
            continue
        for instance in _instances(root):
            yield from _install(root, *instance)


def _instances(root: Key) -> Iterator[tuple[str, str]]:
    """Kind and instance id (`MSSQL15.SQLEXPRESS`), from the folders that instances have."""
    prefixes = {"MSSQL": "SQL", "MSAS": "OLAP", "MSRS": "RS"}
    for key in root.subkeys():
        prefix, dot, _ = key.name.partition(".")
        kind = prefixes.get(prefix.rstrip("0123456789_").upper())
        if kind and dot and key.subkey("Setup"):
            yield kind, key.name


def _install(root: Key, kind: str, instance_id: str) -> Iterator[Install]:
    setup = root.subkey(f"{instance_id}\\Setup")
    if setup is None:
        return
    version = text(setup, "PatchLevel") or text(setup, "Version")
    what, product = KINDS[kind]
    name = " ".join(filter(None, (product, release(version), text(setup, "Edition"))))
    cluster = root.subkey(f"{instance_id}\\Cluster")
    identifiers = {
        "instance": instance_id.partition(".")[2],
        "component": what,
        "edition": text(setup, "Edition"),
        "edition_type": text(setup, "EditionType"),
        "product_code": text(setup, "ProductCode").upper(),
        "cluster": text(cluster, "ClusterName") if cluster else "",
        "clustered": "yes" if cluster or number(setup, "SqlCluster") == 1 else "",
    }
    yield Install(
        name=name,
        version=version,
        publisher="Microsoft Corporation",
        architecture="x86" if root.name.startswith("Wow6432Node") else "",
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        location=text(setup, "SQLPath"),
    )


def release(version: str) -> str:
    """The year under which an engine version is sold: 10.53.6000.34 is 2008 R2 (its third pack).

    The second number of 10.5x counts service packs; empty where the version is not known.
    """
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if major == "10" and minor.startswith("5"):
        minor = "50"
    elif major.isdecimal() and int(major) != 10:
        minor = "0"
    return RELEASES.get(f"{major}.{minor.lstrip('0') or '0'}", "")


SOURCE = Source(NAME, is_windows, scan, read)
