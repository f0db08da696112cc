"""The rules in use: which version, updates by signed bundles, the company's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from quitus_collector.adapters.catalogue import bundle as catalogue_bundle
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_
from quitus_collector.wiring.collector import OWN_RULES, UPDATED_RULES, Collector


class OwnFile(NamedTuple):
    """A file of the company's own rules."""

    name: str
    text: str


def update(collector: Collector, bundle: Path) -> str:
    """Takes a bundle in that the configured key has signed; returns its version.

    Raises UsageError where no key is configured, CatalogueError for a bundle that will not do.
    """
    key = collector.config.console.catalogue_key
    if key is None:
        raise UsageError(N_("no key is configured: name it in collector.toml, catalogue_key"))
    version = catalogue_bundle.unpack(bundle, key, collector.config.home / UPDATED_RULES)
    with collector.store.writing() as work:
        now = collector.clock.now()
        work.audit.add(Event(now, Kind.CATALOGUE_UPDATED, collector.actor, f"version {version}"))
    return version


def own(collector: Collector) -> Sequence[OwnFile]:
    """The company's own rules, file by file, by name."""
    files = sorted((collector.config.home / OWN_RULES).glob("*.toml"))
    return [OwnFile(each.name, each.read_text("utf-8", "replace")) for each in files]
