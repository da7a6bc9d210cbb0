"""The controller's metrics, in Prometheus form. Series of an object go with the object; values and keys are never labels.

Counters are fed by whoever does the work; gauges are asked for when somebody scrapes, so that none can be stale.
The names are documented in docs/serve/metrics.md, which is generated from FAMILIES.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kubectl_asm.model.backend import Provider

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_MOST_CODES: Final = 100
"""Distinct codes a provider's series may have: services have some dozens, a broken gateway may answer anything."""
_OTHER: Final = "other"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


_CODE: Final = re.compile(r"[A-Za-z0-9._ -]{1,64}")


class Family(NamedTuple):
    """One metric: kind (counter, histogram, gauge), labels, and what it means."""

    kind: str
    labels: tuple[str, ...]
    help: str


FAMILIES: Final[Mapping[str, Family]] = {
    "asm_rounds_total": Family("counter", ("decision",), "Rounds of ExternalSecrets, by what they did with the Secret."),
    "asm_round_duration_seconds": Family("histogram", (), "Duration of rounds of ExternalSecrets."),
    "asm_passes_total": Family("counter", ("kind", "result"), "Passes over stores and ClusterExternalSecrets (ok, error)."),
    "asm_queue_wait_seconds": Family("histogram", ("priority",), "Time between due and begun."),
    "asm_queue_depth": Family("gauge", ("priority",), "Objects that are due and wait for a worker."),
    "asm_objects_planned": Family("gauge", (), "Objects with a planned refresh."),
    "asm_objects_failing": Family("gauge", (), "Objects whose last round failed and is repeated with back-off."),
    "asm_externalsecret_ready": Family(
        "gauge", ("namespace", "name"), "1 when the Secret holds everything that was asked for, as of the last round."
    ),
    "asm_externalsecret_last_success_timestamp_seconds": Family(
        "gauge", ("namespace", "name"), "When a round last confirmed everything, in Unix seconds; 0 for never."
    ),
    "asm_cloud_calls_total": Family("counter", ("provider", "code"), "Calls of KMS and OOS, by the code of the answer."),
    "asm_cloud_call_duration_seconds": Family("histogram", ("provider",), "Duration of calls of KMS and OOS."),
    "asm_cloud_throttled_total": Family("counter", ("provider",), "Calls that the service refused for their rate."),
    "asm_cloud_reads_total": Family("counter", ("provider",), "Values that rounds asked for; calls are fewer."),
    "asm_limiter_wait_seconds_total": Family("counter", ("limiter",), "Time spent waiting for a limiter (round, attempt, api)."),
    "asm_circuits_open": Family("gauge", (), "Stores that are left alone because their credentials fail."),
    "asm_shared_value_bytes": Family("gauge", (), "Memory of values that objects share."),
    "asm_kube_requests_total": Family("counter", ("method", "code"), "Requests to the API server; code 0: no answer."),
    "asm_watch_synced": Family("gauge", (), "1 when every watched kind was listed and is followed."),
    "asm_shards_held": Family("gauge", (), "Shards this replica works on; without shards 1 for the leader."),
    "asm_events_dropped_total": Family("counter", (), "Events that were not sent because too many happened at once."),
}


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where gauges are read when somebody scrapes. Each returns values by label tuple."""

    read: Mapping[str, Callable[[], Mapping[tuple[str, ...], float]]]


class ControllerMetrics(Collector):
    """All metrics of one controller, in a registry of its own. Safe for use by several threads."""

    def __init__(self, gauges: Gauges | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each series, of no use to anybody
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._objects: dict[tuple[str, str], tuple[float, float]] = {}
        self._codes: set[str] = set()
        self._gauges = gauges or Gauges({})
        self._counters = {name: self._counter(name, family) for name, family in FAMILIES.items() if family.kind == "counter"}
        self._histograms = {
            name: Histogram(name, family.help, family.labels, registry=self._registry, buckets=_SECONDS)
            for name, family in FAMILIES.items()
            if family.kind == "histogram"
        }
        self._registry.register(self)

    def connect(self, gauges: Gauges) -> None:
        """Say where gauges are read from."""
        self._gauges = gauges

    # -- what happened

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc(by)

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """Add a duration to a histogram."""
        histogram = self._histograms[name]
        (histogram.labels(*labels) if labels else histogram).observe(seconds)

    def observe(self, provider: Provider, code: str, seconds: float) -> None:
        """Take one finished backend call (a CallObserver of adapters/decorate.py)."""
        self.count("asm_cloud_calls_total", provider, self._bounded(code))
        self.time("asm_cloud_call_duration_seconds", seconds, provider)
        if code == "Throttling" or code.startswith("Throttling.") or code in ("HTTP 429", "Rejected.Throttling"):
            self.count("asm_cloud_throttled_total", provider)

    def _bounded(self, code: str) -> str:
        with self._lock:
            if code not in self._codes and (len(self._codes) >= _MOST_CODES or not _CODE.fullmatch(code)):
                return _OTHER
            self._codes.add(code)
            return code

    def object_done(self, namespace: str, name: str, *, is_ready: bool, at_s: float) -> None:
        """Remember how an ExternalSecret is. at_s: Unix seconds of the round."""
        with self._lock:
            last_s = at_s if is_ready else self._objects.get((namespace, name), (0.0, 0.0))[1]
            self._objects[(namespace, name)] = (float(is_ready), last_s)

    def object_gone(self, namespace: str, name: str) -> None:
        """Drop the series of an object that is gone, or that another replica works on."""
        with self._lock:
            self._objects.pop((namespace, name), None)

    def keep_objects(self, is_kept: Callable[[str, str], bool]) -> None:
        """Drop the series of all objects that are not kept."""
        with self._lock:
            self._objects = {key: value for key, value in self._objects.items() if is_kept(*key)}

    # -- what is scraped

    def exposition(self) -> bytes:
        """Return everything in the text form."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges as they are now."""
        for name, family in FAMILIES.items():
            if family.kind == "gauge":
                yield self._gauge(name, family)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: the registry must not ask the gauges before they are connected."""
        return ()

    def _gauge(self, name: str, family: Family) -> GaugeMetricFamily:
        metric = GaugeMetricFamily(name, family.help, labels=family.labels)
        for labels, value in self._values(name).items():
            metric.add_metric(labels, value)
        return metric

    def _values(self, name: str) -> Mapping[tuple[str, ...], float]:
        position = {"asm_externalsecret_ready": 0, "asm_externalsecret_last_success_timestamp_seconds": 1}.get(name)
        if position is not None:
            with self._lock:
                return {key: value[position] for key, value in self._objects.items()}
        read = self._gauges.read.get(name)
        return read() if read is not None else {}

    def _counter(self, name: str, family: Family) -> Counter:
        # Without labels a counter starts at 0, with labels a series begins at its first event.
        return Counter(name.removesuffix("_total"), family.help, family.labels, registry=self._registry)
