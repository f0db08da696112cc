"""Real Windows and macOS inventories: every record gets a class, and few stay unknown."""

from collections import Counter
from pathlib import Path

import pytest

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.install import Install
from quitus_collector.domain.recognition import SoftwareClass
from tests.builders import shipped_catalogue
from tests.shared.test_captures import captures, found

pytestmark = pytest.mark.needs("shared")
# As our agents and other tools list them.
WINDOWS = ("windows-*/*", "inventories/glpi-2.xml")
MACOS = ("macos/*", "inventories/glpi-3.xml")
# What a licence manager is asked about by hand.
MOST_UNKNOWN_PERCENT = 15


def machines(pattern: str) -> list[Path]:
    return [path for path in captures("packages") if path.match(pattern)]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The catalogue as it is shipped."""
    return shipped_catalogue()


def classes(catalogue: Catalogue, capture: Path) -> Counter[SoftwareClass]:
    return Counter(
        catalogue.recognise(
            Install(
                each.name,
                version=each.version,
                publisher=each.publisher,
                source=each.source,
                identifiers=each.identifiers,
                hidden=each.hidden,
            )
        ).software_class
        for each in found(capture)
    )


@pytest.mark.parametrize("systems", [WINDOWS, MACOS])
def test_at_most_a_few_records_of_real_machines_stay_unknown(
    catalogue: Catalogue, systems: tuple[str, ...]
) -> None:
    counts: Counter[SoftwareClass] = Counter()
    for pattern in systems:
        for capture in machines(pattern):
            counts += classes(catalogue, capture)

    unknown = 100 * counts[SoftwareClass.UNKNOWN] / counts.total()

    assert counts.total() > 500
    assert unknown < MOST_UNKNOWN_PERCENT, dict(counts)
