"""Devices that report day after day: made-up inventories, real keys, real mutual TLS.

A workstation of `sample.py` gets the rows that a real one has beside what matters here: a core that
most of the fleet shares, and a long tail that few have. From one day to the next two rows change.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import grpc

from quitus.v1 import inventory_pb2, inventory_pb2_grpc
from quitus_agent import enrolment, keys, pseudonyms, statement, wire
from quitus_agent.identity import Identity
from quitus_agent.inventory import Install
from quitus_agent.join_token import JoinToken
from quitus_agent.spool import Accepted
from quitus_agent.transport import AGAIN
from quitus_collector.adapters.sql.store import SQLStore
from tests.fleet.sample import SampleDevice, fleet

ROWS = 200
# Names of the core, and how many of them a device has; names that make up the tail of a fleet.
CORE, SHARE_OF_CORE, TAIL = 110, 0.8, 50_000
CHANGED_A_DAY = 2
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
TIMEOUT_S = 30.0
AGAIN_S = 0.2


def workstations(count: int, rows: int = ROWS, seed: int = 1) -> Iterator[SampleDevice]:
    """Yields `count` workstations of so many rows; the first n of a longer fleet are those of n."""
    for number, device in enumerate(fleet(count, seed)):
        draw = random.Random(f"{seed}/{number}/rows")
        installs = device.inventory.installs[:rows]
        core = [_part("Composant", each) for each in range(CORE) if draw.random() < SHARE_OF_CORE]
        installs += core[: rows - len(installs)]
        # The first names of the tail are on many devices, the last ones on one or none.
        tail: dict[int, Install] = {}
        while len(installs) + len(tail) < rows:
            each = int(TAIL * draw.random() ** 4)
            tail[each] = _part("Outil", each)
        installs += tail.values()
        yield device._replace(inventory=device.inventory._replace(installs=installs))


def _part(kind: str, number: int, version: int = 0) -> Install:
    publisher = f"Éditeur {number % 97}"
    return Install(
        f"{kind} {number}", f"{number % 7}.{version}", publisher, "x64", "windows-uninstall"
    )


class Device:
    """One device of a fleet: who it is, what it says, and what it was last answered."""

    def __init__(self, sample: SampleDevice, known: Identity) -> None:
        self.known = known
        self.accepted = Accepted()
        user = pseudonyms.of_user(sample.user, known.pseudonym_key)
        self.said = statement.make(sample.facts, sample.inventory, datetime.now(UTC), user)
        self._day = 0

    def day_passes(self) -> None:
        """Two rows are other ones than the day before."""
        self._day += 1
        draw = random.Random(f"{self.known.device_id}/{self._day}")
        installs = list(self.said.installs)
        for place in draw.sample(range(len(installs)), min(CHANGED_A_DAY, len(installs))):
            installs[place] = _part("Outil", draw.randrange(TAIL), self._day)
        distinct = {(each.name, each.version, each.source): each for each in installs}
        self.said = self.said._replace(
            installs=tuple(distinct.values()), taken_at=datetime.now(UTC)
        )

    def request(self) -> inventory_pb2.ReportRequest:
        """What it says now, in the smallest form."""
        return wire.report_request(self.said, self.accepted)

    def channel(self, port: int | None = None) -> grpc.aio.Channel:
        """A fresh connection to the collector, or to this port of the collector's host."""
        target = f"{self.known.collector_host}:{port or self.known.inventory_port}"
        credentials = grpc.ssl_channel_credentials(
            self.known.trust_roots, self.known.private_key, self.known.certificate_chain
        )
        return grpc.aio.secure_channel(target, credentials, options=OPTIONS)

    async def report(self, channel: grpc.aio.Channel) -> None:
        """Says it and keeps the answer; raises grpc.aio.AioRpcError where there is none."""
        request = self.request()
        stub = inventory_pb2_grpc.InventoryServiceStub(channel)
        answer = await stub.Report(request, timeout=TIMEOUT_S, compression=grpc.Compression.Gzip)
        if answer.full_wanted:
            request = wire.full_request(self.said, self.accepted)
            answer = await stub.Report(request, timeout=TIMEOUT_S)
        rows = {digest: each.source for digest, each in self.said.rows.items()}
        self.accepted = Accepted(request.digest, answer.receipt, rows)


def enrolled(
    samples: Iterator[SampleDevice], host: str, port: int, token: JoinToken
) -> Sequence[Device]:
    """The devices, each with its own key and certificate."""

    def join(sample: SampleDevice) -> Device:
        hostname = sample.facts.hostname
        return Device(sample, enrolment.enrol(host, port, token, keys.new_key(), hostname))

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(join, samples))


class Days(Thread):
    """A fleet that lives day after day as fast as it can, each report on a fresh connection.

    Who is not answered asks again, as agents do. `acknowledged` counts the answers.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        super().__init__(daemon=True)
        self.devices = devices
        self.acknowledged = 0
        self.unanswered = 0
        self.refusals: list[str] = []
        self._stopping = False

    def __enter__(self) -> "Days":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Every device has its last answer when this returns."""
        self._stopping = True
        self.join(TIMEOUT_S)
        assert not self.is_alive(), "a device waits for its answer"

    def run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        await asyncio.gather(*map(self._days, self.devices))

    async def _days(self, device: Device) -> None:
        while not self._stopping:
            device.day_passes()
            while not await self._told(device):
                await asyncio.sleep(AGAIN_S)

    async def _told(self, device: Device) -> bool:
        async with _closing(device.channel()) as channel:
            try:
                await device.report(channel)
            except grpc.aio.AioRpcError as error:
                if error.code() not in AGAIN:
                    self.refusals.append(f"{error.code()}: {error.details()}")
                    self._stopping = True
                    return True
                self.unanswered += 1
                return False
        self.acknowledged += 1
        return True


@asynccontextmanager
async def _closing(channel: grpc.aio.Channel) -> Any:
    try:
        yield channel
    finally:
        await channel.close()


def lost(database_url: str, devices: Sequence[Device]) -> list[str]:
    """The devices of which the database does not hold what was last acknowledged, and why."""
    store = SQLStore(database_url)
    found = []
    with store.reading() as work:
        for device in devices:
            kept = work.devices.get(device.known.device_id)
            rows = {each.row() for each in work.inventories.list(kept.id)}
            if kept.digest != device.accepted.digest.hex():
                found.append(f"{kept.name}: holds another inventory than was acknowledged")
            elif rows != set(device.accepted.rows) or kept.installs != len(rows):
                found.append(f"{kept.name}: {len(rows)} rows of {len(device.accepted.rows)}")
    store.close()
    return found
