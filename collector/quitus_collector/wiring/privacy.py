"""Papers on what is collected, from the fleet's reports and the collector's settings."""

from pathlib import Path

from quitus_collector.adapters import privacy_pack
from quitus_collector.adapters.files import write_together
from quitus_collector.adapters.messages import LANGUAGES, Messages
from quitus_collector.services.privacy import practice
from quitus_collector.wiring.collector import Collector

# Below the collector's folder: texts that replace the shipped ones.
TEXTS = "privacy"


def pack(collector: Collector, folder: Path) -> tuple[Path, ...]:
    """Writes the papers, a folder a language; returns their paths."""
    config = collector.config
    found = practice(collector.store)
    files: dict[Path, bytes] = {}
    for language in LANGUAGES:
        made = privacy_pack.Pack(
            privacy_pack.texts(language, config.home / TEXTS),
            found,
            settings(collector),
            config.company,
            Messages(language, config.time_zone),
            collector.clock,
        )
        files |= {folder / language / name: text.encode() for name, text in made.papers()}
    write_together(files.items())
    return tuple(files)


def settings(collector: Collector) -> dict[str, object]:
    """What of the settings people may want to know."""
    config = collector.config
    certificates = config.certificates
    return {
        "device_days": certificates.device,
        "reentry_days": certificates.reentry,
        "database": config.database_url.partition(":")[0].partition("+")[0],
        "health": config.health_address or "–",
        "logs": config.logs,
    }
