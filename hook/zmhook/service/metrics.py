"""Write the service's status in Prometheus's text format.

Names begin with what is counted (`zmhook_events_…`, `zmhook_jobs_…`); counters end in `_total`,
times are in seconds, and what ends in `_ok` is 0 when something is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = CONTENT_TYPE_LATEST
QUANTILES = {"p50": "0.5", "p95": "0.95"}


class _Collector:
    """Turns one status into metrics."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield from self._service()
        yield from self._jobs()
        if self._status.get("collector"):
            yield from self._snapshots(self._status["collector"])
        if self._status.get("watch"):
            yield from self._watch(self._status["watch"])

    def _service(self) -> Iterator[Metric]:
        status = self._status
        yield _counter("events", status["events"].items(), "outcome")
        yield _counter("events_refused", value=status["refused"])
        yield _counter("events_dropped", value=status["dropped"])
        yield _gauge("events_waiting", value=status["queue"]["waiting"])
        yield _counter("inference_requests", status["inference_requests"].items(), "outcome")
        workers = sum(worker["pid"] is not None for worker in status["workers"])
        yield _gauge("workers", value=workers)
        yield _counter("worker_restarts", value=status["restarts"])
        yield _gauge("uptime_seconds", value=status["uptime_s"])
        yield _gauge("config_ok", value=not status["config_error"])
        damaged = ((file, damage["count"]) for file, damage in status["damaged"].items())
        yield _counter("databases_damaged", damaged, "file")
        stages = (
            (stage, quantile, times[percentile] / 1000)
            for percentile, quantile in QUANTILES.items()
            for stage, times in status["stages_ms"].items()
        )
        yield _gauge("stage_seconds", stages, "stage", "quantile")

    def _jobs(self) -> Iterator[Metric]:
        jobs = self._status["jobs"]
        yield _gauge("jobs_waiting", jobs["by_job"].items(), "job")
        for name in ("retried", "failed", "set_aside"):
            yield _gauge(f"jobs_{name}", value=jobs[name])
        for name in ("oldest", "overdue"):
            yield _gauge(f"jobs_{name}_seconds", value=jobs[f"{name}_s"] or 0.0)
        yield _gauge("jobs_ok", value=not jobs["error"])

    @staticmethod
    def _snapshots(collector: dict[str, Any]) -> Iterator[Metric]:
        """Yield what the collector of best snapshots last wrote of itself."""
        yield _gauge("snapshots_connected", value=collector["connected"])
        yield _gauge("snapshots_waiting", value=collector["waiting"])
        messages = (
            (topic, outcome, counts[outcome])
            for topic, counts in collector["topics"].items()
            for outcome in counts.keys() - {"received"}
        )
        yield _counter("snapshots_messages", messages, "topic", "outcome")
        labels = ("topic", "outcome", "reason")
        unused = ((*(row[label] for label in labels), row["number"]) for row in collector["unused"])
        yield _counter("snapshots_unused", unused, *labels)

    @staticmethod
    def _watch(watch: dict[str, Any]) -> Iterator[Metric]:
        """Yield what `zmhook watch` last wrote of itself."""
        yield _gauge("watch_ok", value=watch["ok"])
        yield _gauge("watch_waiting", value=watch["waiting"])
        yield _counter("watch_events", watch["events"].items(), "outcome")


_HELP = {
    "events": "Decided events.",
    "events_refused": "Events refused because the queue was full.",
    "events_dropped": "Events whose caller disconnected.",
    "events_waiting": "Events in the queue.",
    "inference_requests": "Inference requests of other machines.",
    "workers": "Worker processes.",
    "worker_restarts": "Worker processes that were replaced.",
    "uptime_seconds": "Time since the service started.",
    "config_ok": "0: the last edit of the configuration is invalid.",
    "databases_damaged": "Times that a database was set aside as damaged, or deleted in use.",
    "stage_seconds": "Duration of a stage over the last 1000 events.",
    "jobs_waiting": "Messages, notes, tags and animations that wait.",
    "jobs_retried": "Waiting jobs that were tried before.",
    "jobs_failed": "Jobs that were given up within a day.",
    "jobs_set_aside": "Unreadable jobs that were set aside within a week.",
    "jobs_oldest_seconds": "Age of the answer to which the oldest job belongs.",
    "jobs_overdue_seconds": "Time for which the job that waits longest has been due.",
    "jobs_ok": "0: the folder of jobs cannot be read.",
    "snapshots_connected": "1: the collector of best snapshots runs and is connected.",
    "snapshots_waiting": "Messages that the collector has not stored yet.",
    "snapshots_messages": "Messages by topic and outcome; together all that were received.",
    "snapshots_unused": "Messages that were not stored, by topic and reason.",
    "watch_ok": "1: zmhook watch runs, and ZoneMinder answers it.",
    "watch_waiting": "Events that zmhook watch has not handed over yet.",
    "watch_events": "Events that zmhook watch has handed over or left out, by outcome.",
}


def _counter(
    name: str, rows: Iterable[tuple[Any, ...]] = (), *labels: str, value: float | None = None
) -> Metric:
    family = CounterMetricFamily(f"zmhook_{name}", _HELP[name], value=value, labels=labels or None)
    return _filled(family, rows)


def _gauge(
    name: str, rows: Iterable[tuple[Any, ...]] = (), *labels: str, value: float | None = None
) -> Metric:
    family = GaugeMetricFamily(f"zmhook_{name}", _HELP[name], value=value, labels=labels or None)
    return _filled(family, rows)


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[tuple[Any, ...]]
) -> Metric:
    """Add rows, each the values of the labels and then the number."""
    for *labels, number in rows:
        family.add_metric(labels, number)
    return family


def exposition(status: dict[str, Any]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    text: bytes = generate_latest(registry)
    return text
