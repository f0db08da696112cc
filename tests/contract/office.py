"""A collector whose days pass, for what every store promises of the past."""

from datetime import timedelta

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.install import DeviceFacts, Install
from quitus_collector.domain.position import Position
from quitus_collector.services.licensing import position
from quitus_collector.services.ports import Store
from quitus_collector.services.recognition import Recogniser
from quitus_collector.services.reporting import accept_reports
from tests.builders import (
    a_certificate,
    a_device,
    a_report,
    an_install,
    an_inventory,
)
from tests.contract.rules import a_catalogue
from tests.fakes.clock import FakeClock

DAY = timedelta(days=1)
WORD, DRAW, TOOL = (
    an_install(name, publisher="Acme", source="dpkg") for name in ("Office 1", "Visio 1", "tool")
)


class Office:
    """A collector whose days pass, with devices that report."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.catalogue = a_catalogue()
        # Without one, what devices bring waits to be recognised.
        self.recogniser: Recogniser | None = Recogniser(lambda: self.catalogue)
        with store.writing() as work:
            self.recogniser.refresh(work)

    def enrol(self, device_id: str, **fields: object) -> None:
        with self.store.writing() as work:
            work.devices.add(a_device(device_id, **fields))

    def report(self, device_id: str, *installs: Install, **facts: object) -> None:
        with self.store.reading() as work:
            device = work.devices.get(device_id)
        inventory = an_inventory(
            *installs,
            facts=DeviceFacts(hostname=f"pc-{device_id}", **facts),  # type: ignore[arg-type]
        )
        said = a_report(inventory, receipt=bytes.fromhex(device.receipt))
        (answer,) = accept_reports(
            self.store, self.clock, [(a_certificate(device), said)], self.recogniser
        )
        assert not isinstance(answer, Exception), answer

    def after(self, days: int) -> None:
        self.clock.advance(days * DAY)

    def position(self, days_ago: int = 0) -> Position:
        day = self.clock.today() - days_ago * DAY
        return position(self.store, self.catalogue, HighsSolver(), self.clock, day)

    def installed(self, days_ago: int = 0) -> dict[str, int]:
        return {line.product: line.installed for line in self.position(days_ago).lines}
