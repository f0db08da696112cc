"""Workstations made up from software.toml, the same ones for the same seed."""

import random
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from quitus_agent.device import PHYSICAL, VIRTUAL, DeviceFacts
from quitus_agent.inventory import MACHINE, READ, Install, Inventory, SourceOutcome

SOFTWARE = Path(__file__).with_name("software.toml")
SOURCES = ("windows-uninstall", "click-to-run", "windows-edition", "sql-server")
MAKERS = {"dell": 45, "hp": 30, "lenovo": 25}
EDITIONS = {("11", "pro"): 46, ("10", "pro"): 40, ("10", "enterprise"): 9, ("7", "pro"): 5}
EDITION_NAMES = {"pro": ("Professionnel", "Pro"), "enterprise": ("Entreprise", "Enterprise")}
BUILDS = {"11": "10.0.22631", "10": "10.0.19045", "7": "6.1.7601"}
SITES = ("LYON", "NANTES", "LILLE")


class SampleDevice(NamedTuple):
    """A made-up workstation, and what its agent would read."""

    facts: DeviceFacts
    inventory: Inventory

    @property
    def user(self) -> str:
        """Who uses it most: each has its own person, every tenth shares the one before's."""
        number = int(self.facts.hostname.rpartition("-")[2])
        return f"personne-{number - (number % 10 == 0)}"


def fleet(count: int, seed: int = 1) -> Iterator[SampleDevice]:
    """Yields `count` workstations; the first n of a longer fleet are the fleet of n."""
    recipe = tomllib.loads(SOFTWARE.read_text(encoding="utf-8"))
    for number in range(1, count + 1):
        yield _device(recipe, number, random.Random(f"{seed}/{number}"))


def _device(recipe: Mapping[str, Any], number: int, draw: random.Random) -> SampleDevice:
    profiles = recipe["profile"]
    profile = _pick(draw, {name: each["weight"] for name, each in profiles.items()})
    server = profile == "server"
    language = 0 if server or draw.random() < 0.85 else 1
    release, edition = _pick(draw, EDITIONS)
    bundles = _bundles(recipe, profiles[profile], draw)
    if server:
        system, version = "Microsoft Windows Server 2019 Standard", "10.0.17763"
    else:
        system = f"Microsoft Windows {release} {EDITION_NAMES[edition][language]}"
        version = BUILDS[release]
    installs = [Install(system, version, "Microsoft Corporation", "amd64", "windows-edition")]
    for bundle in bundles:
        installs.extend(_installs(recipe["bundle"][bundle], language, draw))
    installs.extend(_windows_updates(release, language, draw))
    facts = DeviceFacts(
        hostname=f"{'SRV' if server else 'PC'}-{draw.choice(SITES)}-{number:05}",
        system=system,
        system_version=version,
        architecture="AMD64",
        processors=2 if server else 1,
        cores=draw.choice((8, 16)) if server else draw.choice((4, 6, 8, 10)),
        memory_bytes=draw.choice((8, 16, 32)) << 30,
        kind=VIRTUAL if server and draw.random() < 0.5 else PHYSICAL,
        hypervisor="",
    )
    outcomes = [SourceOutcome(name, READ) for name in SOURCES]
    # One record is one row, as in a registry: a second bundle may bring the same one.
    distinct = {(each.name, each.version, each.source): each for each in installs}
    return SampleDevice(facts, Inventory(outcomes, list(distinct.values())))


def _bundles(
    recipe: Mapping[str, Any], profile: Mapping[str, Any], draw: random.Random
) -> list[str]:
    bundles = ["base", _pick(draw, MAKERS)]
    if profile["office"]:
        bundles.append(_pick(draw, profile["office"]))
    for name, share in (*profile["also"].items(), *recipe["everywhere"].items()):
        if draw.random() * 100 < share and name not in bundles:
            bundles.append(name)
    return bundles


def _installs(bundle: Mapping[str, Any], language: int, draw: random.Random) -> Iterator[Install]:
    for row in bundle["rows"]:
        french, english, version, publisher = row[:4]
        name = english if language and english else french
        version = version.format(patch=draw.choice((66, 80, 92)))
        identifiers = row[4] if len(row) > 4 else {}
        yield _uninstall(name, version, publisher, identifiers)
    for release_id in bundle.get("click_to_run", ()):
        version = bundle["rows"][0][2]
        yield Install(
            release_id,
            version,
            "Microsoft Corporation",
            "x64",
            "click-to-run",
            identifiers={"release_id": release_id},
        )
    if "instances" in bundle:
        name, version = bundle["instances"]
        yield Install(name, version, "Microsoft Corporation", "x64", "sql-server")
    if "updates" in bundle:
        product, bits = bundle["updates"]
        for number in draw.sample(range(4_011_000, 4_011_120), draw.randint(20, 45)):
            yield _uninstall(_update_name(language, product, number, bits), "", "Microsoft")


def _windows_updates(release: str, language: int, draw: random.Random) -> Iterator[Install]:
    """What a few years of monthly updates leave in the Uninstall key."""
    for number in draw.sample(range(5_030_000, 5_030_100), draw.randint(15, 40)):
        name = (
            f"Mise à jour de sécurité pour Windows {release} (KB{number})",
            f"Security Update for Windows {release} (KB{number})",
        )[language]
        yield _uninstall(name, "1", "Microsoft Corporation")


def _update_name(language: int, product: str, number: int, bits: str) -> str:
    return (
        f"Mise à jour de sécurité pour {product} (KB{number}) {bits} bits",
        f"Security Update for {product} (KB{number}) {bits}-Bit Edition",
    )[language]


def _uninstall(
    name: str, version: str, publisher: str, identifiers: Mapping[str, str] | None = None
) -> Install:
    return Install(name, version, publisher, "x64", "windows-uninstall", MACHINE, identifiers or {})


def _pick(draw: random.Random, weights: Mapping[Any, float]) -> Any:
    return draw.choices(list(weights), list(weights.values()))[0]
