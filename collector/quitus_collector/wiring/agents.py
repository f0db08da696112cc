"""Which agent the company wants on its devices, as each of them hears with its answers."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from quitus.v1 import inventory_pb2
from quitus_collector.adapters import release_digests
from quitus_collector.adapters.files import write_together
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.entrypoints import agent_release
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.wiring.collector import Collector

Offer: TypeAlias = inventory_pb2.AgentOffer
log = logging.getLogger(__name__)
# Below the collector's folder: an AgentRelease, encoded. It holds no secret.
RELEASE_FILE = "agent-release.binpb"
# How often a process that serves looks whether it was replaced.
LOOK_EVERY_S = 1.0


def offer(
    collector: Collector,
    version: str,
    packages: Sequence[Path],
    location: str,
    released: tuple[Path, Path] | None = None,
) -> Offer:
    """Tells devices from now on that this is the agent they should have.

    With the digests of a release and its public key, packages of anybody else are not signed:
    raises UsageError.
    """
    digests = release_digests.read(*released) if released else None
    authority, now = collector.authority, collector.clock.now()
    content = agent_release.make(
        version, packages, location, lambda signed: authority.vouch(signed, now)
    )
    place = collector.config.home / RELEASE_FILE
    _, offered = agent_release.read(content, place)
    for each in offered.packages:
        if digests is not None and each.sha256.hex() not in digests:
            raise UsageError("{path}: is no file of that release", path=each.name)
    write_together([(place, content)])
    detail = {each.name: each.sha256.hex() for each in offered.packages}
    _note(collector, Kind.AGENT_OFFERED, version, detail)
    return offered


def offered(collector: Collector) -> Offer | None:
    """What devices are told; raises CollectorError where the file is damaged."""
    collector.must_exist()
    place = collector.config.home / RELEASE_FILE
    if not place.exists():
        return None
    _, found = agent_release.read(place.read_bytes(), place)
    return found


def withdraw(collector: Collector) -> None:
    """Devices are told of no agent any more."""
    found = offered(collector)
    if found:
        (collector.config.home / RELEASE_FILE).unlink()
        _note(collector, Kind.AGENT_WITHDRAWN, found.version, {})


def _note(collector: Collector, kind: Kind, version: str, detail: dict[str, str]) -> None:
    now = collector.clock.now()
    with collector.store.writing() as work:
        work.audit.add(Event(now, kind, collector.actor, f"agent {version}", detail))


class LiveRelease:
    """The release as its file says now, for a process that serves."""

    def __init__(self, home: Path) -> None:
        """Reads nothing yet."""
        self._place = home / RELEASE_FILE
        self._looked_at = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._version = ""
        self._release: inventory_pb2.AgentRelease | None = None

    def for_agent(self, version: str) -> inventory_pb2.AgentRelease | None:
        """What to tell an agent of this version; None where it is the one that is wanted."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look()
        return self._release if version != self._version else None

    def _look(self) -> None:
        try:
            found = os.stat(self._place)
            stamp = found.st_mtime_ns, found.st_ino
        except OSError:
            self._stamp, self._version, self._release = None, "", None
            return
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            release, offered = agent_release.read(self._place.read_bytes(), self._place)
        except (OSError, CollectorError) as error:
            log.error("no agent is offered", extra={"reason": str(error)})
            self._version, self._release = "", None
        else:
            self._version, self._release = offered.version, release
