"""Prometheus metrics of one server, in a registry of its own: several servers in a process do not mix."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from serving.observe import REASONS
from serving.records import CallRecord

# The version of each model that answers whoever asks for none, by the name of the model.
Versions = Callable[[], Mapping[str, int | None]]
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Metrics:
    """Counts calls, batches and refusals: a `serving.records.Watcher` and a `serving.observe.Observer`.

    Args:
        versions: Tells the version of each model that serves, None while there is none. A version is the time of its
            push in seconds, so that its age is that of the model.
        clock: Tells seconds since 1970.
    """

    def __init__(self, versions: Versions, clock: Callable[[], float] = time.time) -> None:
        self.registry = registry = CollectorRegistry()
        self._calls = Counter(
            "pnfrec_calls",
            "Calls that were answered or refused.",
            ["face", "method", "signature", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "pnfrec_call_seconds",
            "Time from reading a call to its answer.",
            ["face", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._rows = Counter("pnfrec_rows", "Users that lists were answered for.", registry=registry)
        self._fallback = Counter(
            "pnfrec_rows_fallback", "Users answered by popularity: no known item.", registry=registry
        )
        self._empty = Counter("pnfrec_rows_empty", "Users answered with an empty list.", registry=registry)
        self._unknown = Counter(
            "pnfrec_unknown_ids", "Ids of histories that the model does not know.", registry=registry
        )
        self._unknown_allowed = Counter(
            "pnfrec_unknown_allowed_ids", "Allowed ids that the model does not know.", registry=registry
        )
        self._batch_rows = Histogram(
            "pnfrec_batch_rows", "Rows of one run of the model.", buckets=_ROWS, registry=registry
        )
        self._batch_calls = Histogram(
            "pnfrec_batch_calls", "Calls in one run of the model.", buckets=_ROWS[:8], registry=registry
        )
        self._batch_seconds = Histogram(
            "pnfrec_batch_seconds", "Time of one run of the model.", buckets=_SECONDS, registry=registry
        )
        self._queue = Gauge("pnfrec_queue_rows", "Rows that wait for the model.", registry=registry)
        refused = Counter(
            "pnfrec_refused", "Calls that got no answer of the model, by why.", ["reason"], registry=registry
        )
        self._refused = {reason: refused.labels(reason) for reason in REASONS}
        # A look-up by labels takes longer than to count.
        self._of_calls = functools.cache(self._calls.labels)
        self._of_seconds = functools.cache(self._seconds.labels)
        registry.register(_VersionCollector(versions, clock))

    def on_call(self, record: CallRecord) -> None:
        self._of_calls(record.face, record.method, record.signature, record.code).inc()
        self._of_seconds(record.face, record.method).observe(record.seconds)
        if (ranked := record.ranked) is not None:
            for counter, count in (
                (self._rows, ranked.rows),
                (self._fallback, ranked.fallback),
                (self._empty, ranked.empty),
                (self._unknown, ranked.unknown),
                (self._unknown_allowed, ranked.unknown_allowed),
            ):
                if count:
                    counter.inc(count)

    def on_batch(self, rows: int, calls: int, seconds: float) -> None:
        self._batch_rows.observe(rows)
        self._batch_calls.observe(calls)
        self._batch_seconds.observe(seconds)

    def on_refused(self, reason: str) -> None:
        self._refused[reason].inc()

    def queue_depth(self, rows: int) -> None:
        self._queue.set(rows)

    def exposition(self) -> tuple[bytes, str]:
        """What a scrape gets, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


class _VersionCollector:
    """The version that serves and its age, told at the time of a scrape."""

    def __init__(self, versions: Versions, clock: Callable[[], float]) -> None:
        self._versions = versions
        self._clock = clock

    def collect(self) -> Iterator[Any]:
        found = self._versions()
        ready = bool(found) and all(version is not None for version in found.values())
        yield GaugeMetricFamily("pnfrec_ready", "1 while a version of each model answers.", value=float(ready))
        number = GaugeMetricFamily("pnfrec_model_version", "The version that answers.", labels=["model"])
        age = GaugeMetricFamily(
            "pnfrec_model_age_seconds", "Time since the version that answers was pushed.", labels=["model"]
        )
        for name, version in found.items():
            if version is not None:
                number.add_metric([name], float(version))
                age.add_metric([name], self._clock() - version)
        yield number
        yield age
