r"""Office installed by Click-to-Run: which products it licensed, not which languages it shows.

HKLM\SOFTWARE\Microsoft\Office\ClickToRun\Configuration, ProductReleaseIds: a comma-separated
list of product ids (Microsoft, "Product IDs that are supported by the Office Deployment Tool").
"""

from collections.abc import Iterator
from pathlib import Path

from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, captured, text
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "click-to-run"
# Office 2013 had a key of its own; 32-bit Office on early builds wrote below Wow6432Node.
CONFIGURATIONS = (
    r"Microsoft\Office\ClickToRun\Configuration",
    r"Microsoft\Office\15.0\ClickToRun\Configuration",
    r"Wow6432Node\Microsoft\Office\ClickToRun\Configuration",
    r"Wow6432Node\Microsoft\Office\15.0\ClickToRun\Configuration",
)
# Before its first service pack Office 2013 kept the list here; it may be left over.
PROPERTY_BAGS = (
    r"Microsoft\Office\15.0\ClickToRun\propertyBag",
    r"Wow6432Node\Microsoft\Office\15.0\ClickToRun\propertyBag",
)
# Update channels by the last part of their address.
CHANNELS = {
    "492350f6-3a01-4f97-b9c0-c7c6ddf67d60": "current",
    "64256afe-f5d9-4f86-8936-8840a6a4f5be": "current-preview",
    "55336b82-a18d-4dd6-b5f6-9e5095c314a6": "monthly-enterprise",
    "7ffbc6bf-bc32-4f92-8982-f9dd17fd3114": "semi-annual",
    "b8f9b850-328d-4355-9145-c59439a0c4cf": "semi-annual-preview",
    "5440fd1f-7ecb-4221-8110-145efaa6372f": "beta",
    "f2e724c1-748f-4b47-8fb8-8e0d210e9208": "perpetual-2019",
    "5030841d-c919-4594-8d2d-84ae4f96e58e": "perpetual-2021",
    "7983bac0-e531-40cf-be00-fd24fe66619c": "perpetual-2024",
}


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive."""
    return parse(captured.software(path))


def parse(software: Key) -> Iterator[Install]:
    """One record for each product id, with what decides how it is licensed."""
    seen = set()
    for path in CONFIGURATIONS:
        configuration = software.subkey(path)
        for product in _products(configuration) if configuration else ():
            # Both views of the registry may show one installation.
            if (key := product[:4]) not in seen:
                seen.add(key)
                yield product
    named = {name for name, *_ in seen}
    for path in PROPERTY_BAGS:
        bag = software.subkey(path)
        for product in _products(bag) if bag else ():
            if product.name not in named:
                named.add(product.name)
                yield product


def _products(configuration: Key) -> Iterator[Install]:
    identifiers = {
        name: value
        for name, value in (
            ("channel", _channel(configuration)),
            ("shared_computer_licensing", text(configuration, "SharedComputerLicensing")),
            ("languages", text(configuration, "InstalledLanguages") or _cultures(configuration)),
        )
        if value
    }
    listed_ids = text(configuration, "ProductReleaseIds") or text(configuration, "ProductReleaseId")
    for listed in listed_ids.split(","):
        if release_id := listed.strip():
            yield Install(
                name=release_id,
                version=text(configuration, "VersionToReport")
                or text(configuration, "ClientVersionToReport"),
                publisher="Microsoft Corporation",
                architecture=text(configuration, "Platform"),
                source=NAME,
                identifiers={"release_id": release_id, **identifiers},
                location=text(configuration, "InstallationPath"),
            )


def _channel(configuration: Key) -> str:
    for name in ("AudienceId", "UpdateChannel", "CDNBaseUrl"):
        address = text(configuration, name).rstrip("/").lower()
        if channel := CHANNELS.get(address.rpartition("/")[2]):
            return channel
    return ""


def _cultures(configuration: Key) -> str:
    return text(configuration, "ClientCulture")


SOURCE = Source(NAME, is_windows, scan, read)
