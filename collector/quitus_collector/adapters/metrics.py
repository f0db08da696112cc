"""Figures for a Prometheus: of the collector's own work, never of a device or a person.

Processes that serve together keep theirs in files of one folder, which whoever is asked adds up.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from quitus_collector.errors import CollectorError
from quitus_collector.services.reporting import Accepted, Incoming

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
Accept = Callable[[Sequence[Incoming]], Sequence[Accepted | CollectorError]]

_OWN = CollectorRegistry()
_CALLS = Histogram(
    "quitus_call_seconds",
    "Calls of devices, by method and by the status of their answer",
    ("method", "status"),
    buckets=SECONDS,
    registry=_OWN,
)
_REPORTS = Counter(
    "quitus_reports",
    "Reports, by what they held and what they were answered",
    ("content", "answer"),
    registry=_OWN,
)
_TRANSACTIONS = Histogram(
    "quitus_transaction_seconds",
    "Keeping the reports that came together",
    buckets=SECONDS,
    registry=_OWN,
)
_HANDSHAKES = Counter(
    "quitus_failed_handshakes", "Connections that did not get in", ("reason",), registry=_OWN
)


def answered(method: str, status: str, seconds: float) -> None:
    """Counts one call."""
    _CALLS.labels(method, status).observe(seconds)


def handshake_failed(reason: str) -> None:
    """Counts one handshake."""
    _HANDSHAKES.labels(reason).inc()


def counted(accept: Accept) -> Accept:
    """The use case, its reports and transactions counted."""

    def accept_and_count(reports: Sequence[Incoming]) -> Sequence[Accepted | CollectorError]:
        began = time.perf_counter()
        answers = accept(reports)
        _TRANSACTIONS.observe(time.perf_counter() - began)
        for (_, report), answer in zip(reports, answers, strict=True):
            _REPORTS.labels(type(report.content).__name__, type(answer).__name__).inc()
        return answers

    return accept_and_count


class Gauge(NamedTuple):
    """Something that is read when it is asked for; `label` is a name and a value, or empty."""

    name: str
    value: float
    label: tuple[str, ...] = ()


def memory(pid: int, worker: str) -> Iterator[Gauge]:
    """The memory of a process, where the system tells it."""
    with suppress(OSError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGESIZE")
        yield Gauge("quitus_resident_memory_bytes", resident, ("worker", worker))


def exposition(folder: Path | None, gauges: Iterable[Gauge], restarts: int) -> bytes:
    """Everything in Prometheus' text format; `folder` is that of processes that serve together."""
    registry = _OWN
    if folder:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    now = CollectorRegistry()
    now.register(_Now(gauges, restarts))
    return generate_latest(registry) + generate_latest(now)


class _Now(Collector):
    def __init__(self, gauges: Iterable[Gauge], restarts: int) -> None:
        self._gauges = gauges
        self._restarts = restarts

    def collect(self) -> Iterable[Metric]:
        """The gauges, and how often workers were started again."""
        families: dict[str, GaugeMetricFamily] = {}
        for name, value, label in self._gauges:
            if name not in families:
                families[name] = GaugeMetricFamily(name, HELP[name], labels=label[:1])
            families[name].add_metric(label[1:], value)
        yield from families.values()
        yield CounterMetricFamily(
            "quitus_worker_restarts", "Workers that ended and were started again", self._restarts
        )


HELP = {
    "quitus_ready": "1 if devices can be served",
    "quitus_workers": "Processes that serve",
    "quitus_resident_memory_bytes": "Memory of a process that serves",
    "quitus_certificate_ends_seconds": "When a certificate of the authority ends, Unix time",
}
