"""What the fleet really tells of people and machines, for who has to inform them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from quitus_collector.domain.audit import Kind
from quitus_collector.domain.install import SourceOutcome, SourceStatus
from quitus_collector.services.ports import Store

LAST_USE = "last-use"
# Why a source that needs the company's word is absent; see SourceOutcome.reason on the wire.
TURNED_OFF = "turned off"


@dataclass(frozen=True, slots=True)
class Practice:
    """What is collected, as the devices' last reports have it.

    `facts` and `sources` count the devices that told a fact, and those of which a source was read.
    `purged_to` is the time before which the last purge forgot what had ended; None: none was made.
    """

    devices: int
    reported: int
    entities: tuple[str, ...]
    facts: Mapping[str, int]
    sources: Mapping[str, int]
    history_begins: datetime | None
    purged_to: datetime | None

    @property
    def last_use(self) -> int:
        """On how many devices the company turned on that days of last use are read."""
        return self.sources.get(LAST_USE, 0)


def practice(store: Store) -> Practice:
    """Looks at every device's last report, and at the audit log for purges."""
    facts: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    with store.reading() as work:
        devices = work.devices.list()
        begins = work.fleet.begins_at()
        purges = [
            entry.event.detail["before"]
            for entry in work.audit.list()
            if entry.event.kind is Kind.PURGED
        ]
    reported = [each for each in devices if each.last_report_at]
    for device in reported:
        facts.update(name for name, value in asdict(device.facts).items() if value)
        sources.update(each.name for each in device.sources if _is_read(each))
    return Practice(
        len(devices),
        len(reported),
        tuple(sorted({each.entity for each in devices if each.entity})),
        facts,
        sources,
        begins,
        max(map(datetime.fromisoformat, purges)) if purges else None,
    )


def _is_read(outcome: SourceOutcome) -> bool:
    """Whether it is read where there is something to read; LAST_USE may be on and find nothing."""
    if outcome.name == LAST_USE:
        return outcome.reason != TURNED_OFF
    return outcome.status is not SourceStatus.ABSENT
