"""Versions in use and how long their publishers support them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.product import line_of, version_of

# Sooner than that a replacement has to be planned.
SOON = timedelta(days=365)


class Support(StrEnum):
    """NOT_PUBLIC where no date is known."""

    ENDED = "ended"
    ENDING = "ending"
    SUPPORTED = "supported"
    NOT_PUBLIC = "not-public"


@dataclass(frozen=True, slots=True)
class VersionInUse:
    """A product, its version included, on how many devices, and when its support ends."""

    product: str
    label: str
    devices: int
    released: date | None
    supported_until: date | None
    source: str

    def support(self, today: date) -> Support:
        """How it stands on a day."""
        if self.supported_until is None:
            return Support.NOT_PUBLIC
        if self.supported_until < today:
            return Support.ENDED
        return Support.ENDING if self.supported_until - today < SOON else Support.SUPPORTED


def versions(counts: Mapping[str, int], catalogue: Catalogue) -> tuple[VersionInUse, ...]:
    """The products with what is known of them, those on most devices first."""
    found = []
    for product, devices in counts.items():
        known = catalogue.products.get(line_of(product))
        version = version_of(product)
        release = known.release(version, "") if known and version else None
        found.append(
            VersionInUse(
                product,
                catalogue.label(product) if known else product,
                devices,
                release.released if release else None,
                release.supported_until if release else None,
                release.source if release else "",
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.devices, each.label)))
