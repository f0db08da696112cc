"""Letters with their scans, and the answers to them as files."""

import tempfile
from dataclasses import replace
from pathlib import Path

from quitus_collector.adapters import letters
from quitus_collector.adapters.document_folder import DocumentFolder
from quitus_collector.adapters.files import write_together
from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.campaign import Answer, Campaign
from quitus_collector.services import campaigns
from quitus_collector.services.declaring import check_publisher
from quitus_collector.wiring.collector import Collector

# Below the collector's folder: scans by their digest, and texts that replace the shipped ones.
SCANS, LETTERS = "scans", "letters"


def register(collector: Collector, campaign: Campaign, scan: Path | None) -> Campaign:
    """Keeps a letter, its scan under its own digest; raises UsageError."""
    check_publisher(collector.catalogue, campaign.publisher)
    label = collector.catalogue.publishers[campaign.publisher]
    campaign = replace(campaign, publisher_label=label)
    if scan:
        digest, _ = _scans(collector).keep(scan)
        campaign = replace(campaign, scan_sha256=digest, scan_name=scan.name)
    campaigns.register(collector.store, collector.clock, campaign, actor=collector.actor)
    return campaign


def attach(collector: Collector, campaign_id: str, scan: Path) -> Campaign:
    """Keeps the scan of a letter that has none yet; raises FilingRefused where it has another."""
    digest, _ = _scans(collector).keep(scan)
    return campaigns.attach(
        collector.store, collector.clock, campaign_id, digest, scan.name, actor=collector.actor
    )


def scan_state(collector: Collector, campaign: Campaign) -> str:
    """Whether the scan is there and as it was: "whole", "missing", "changed", empty for none."""
    if not campaign.scan_sha256:
        return ""
    scans = _scans(collector)
    if scans.is_whole(campaign.scan_sha256):
        return "whole"
    return "changed" if campaign.scan_sha256 in scans.all() else "missing"


def scan(collector: Collector, campaign: Campaign) -> bytes:
    """The scan as it was kept; raises UsageError where it is not whole."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "scan"
        _scans(collector).export(campaign.scan_sha256, copy)
        return copy.read_bytes()


def letter(
    collector: Collector,
    campaign_id: str,
    answer: Answer,
    folder: Path,
    *,
    entity: str,
    reasons: str,
    language: str,
) -> tuple[Path, ...]:
    """Writes the answer as letter.pdf and letter.txt, and notes.pdf; returns their paths."""
    with collector.store.reading() as work:
        campaign = work.campaigns.get(campaign_id)
    config = collector.config
    made = letters.Letter(
        letters.texts(language, config.home / LETTERS),
        campaign,
        answer,
        config.company,
        Messages(language, config.time_zone),
        collector.clock,
        entity=entity,
        reasons=reasons,
    )
    files = {
        folder / "letter.pdf": made.pdf(),
        folder / "letter.txt": made.text().encode(),
        folder / "notes.pdf": made.notes(),
    }
    write_together(files.items())
    return tuple(files)


def _scans(collector: Collector) -> DocumentFolder:
    return DocumentFolder(collector.config.home / SCANS)
