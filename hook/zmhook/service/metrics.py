"""The service's status in Prometheus's text format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Collector:
    """Turns one status into metrics."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status
        events = CounterMetricFamily("zmhook_events", "Decided events.", labels=["outcome"])
        for outcome, count in status["events"].items():
            events.add_metric([outcome], count)
        yield events
        requests = CounterMetricFamily(
            "zmhook_inference_requests", _HELP["inference"], labels=["outcome"]
        )
        for outcome, count in status["inference_requests"].items():
            requests.add_metric([outcome], count)
        yield requests
        for name in ("refused", "dropped", "restarts"):
            yield CounterMetricFamily(f"zmhook_{name}", _HELP[name], value=status[name])
        yield GaugeMetricFamily(
            "zmhook_queue_waiting", "Events that wait.", value=status["queue"]["waiting"]
        )
        alive = sum(worker["pid"] is not None for worker in status["workers"])
        yield GaugeMetricFamily("zmhook_workers", "Worker processes.", value=alive)
        yield GaugeMetricFamily("zmhook_uptime_seconds", "Age.", value=status["uptime_s"])
        yield GaugeMetricFamily(
            "zmhook_config_ok",
            "0: the last edit of the configuration is broken.",
            value=not status["config_error"],
        )
        yield from self._jobs()
        yield self._damaged()
        yield from self._stages()
        if self._status.get("collector"):
            yield from self._snapshots(self._status["collector"])

    def _snapshots(self, collector: dict[str, Any]) -> Iterator[Metric]:
        """Give what the collector of snapshots last wrote of itself."""
        connected = GaugeMetricFamily(
            "zmhook_snapshots_connected", _HELP["connected"], value=collector["connected"]
        )
        yield connected
        yield GaugeMetricFamily(
            "zmhook_snapshots_waiting", _HELP["messages"], value=collector["waiting"]
        )
        messages = CounterMetricFamily(
            "zmhook_snapshots_messages", _HELP["outcomes"], labels=["topic", "outcome"]
        )
        for topic, own in collector["topics"].items():
            for outcome in own.keys() - {"received"}:
                messages.add_metric([topic, outcome], own[outcome])
        yield messages
        unused = CounterMetricFamily(
            "zmhook_snapshots_unused", _HELP["unused"], labels=["topic", "outcome", "reason"]
        )
        for one in collector["unused"]:
            unused.add_metric([one["topic"], one["outcome"], one["reason"]], one["number"])
        yield unused

    def _jobs(self) -> Iterator[Metric]:
        jobs = self._status["jobs"]
        waiting = GaugeMetricFamily("zmhook_jobs_waiting", _HELP["waiting"], labels=["job"])
        for job, count in jobs["by_job"].items():
            waiting.add_metric([job], count)
        yield waiting
        for name in ("retried", "failed", "set_aside"):
            yield GaugeMetricFamily(f"zmhook_jobs_{name}", _HELP[name], value=jobs[name])
        for name in ("oldest", "overdue"):
            value = jobs[f"{name}_s"] or 0.0
            yield GaugeMetricFamily(f"zmhook_jobs_{name}_seconds", _HELP[name], value=value)
        yield GaugeMetricFamily("zmhook_jobs_ok", _HELP["ok"], value=not jobs["error"])

    def _damaged(self) -> Metric:
        family = CounterMetricFamily("zmhook_damaged", _HELP["damaged"], labels=["file"])
        for file, found in self._status["damaged"].items():
            family.add_metric([file], found["count"])
        return family

    def _stages(self) -> Iterator[Metric]:
        for share in ("p50", "p95"):
            family = GaugeMetricFamily(
                f"zmhook_stage_{share}_milliseconds",
                f"{share} of a stage over the last 1000 events.",
                labels=["stage"],
            )
            for stage, times in self._status["stages_ms"].items():
                family.add_metric([stage], times[share])
            yield family


_HELP = {
    "inference": "Inference requests of other machines.",
    "damaged": "Times that a database was set aside as damaged, or deleted while it was in use.",
    "connected": "1: the collector of snapshots runs and is connected to the broker.",
    "messages": "Messages that the collector has not stored yet.",
    "outcomes": "Messages by topic and what became of them; together all that were received.",
    "unused": "Messages that were not stored, by topic and reason.",
    "refused": "Events refused because the queue was full.",
    "dropped": "Events whose caller went away.",
    "restarts": "Worker processes that were replaced.",
    "waiting": "Messages, notes, tags and films that are still to be done.",
    "retried": "Those of them that were tried before.",
    "failed": "Those that were given up within a day.",
    "set_aside": "Those that cannot be read, within a week.",
    "oldest": "Time since the answer to which the oldest one belongs.",
    "overdue": "Time for which the one that waits longest could have been done.",
    "ok": "0: the folder of jobs cannot be read.",
}


def exposition(status: dict[str, Any]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    text: bytes = generate_latest(registry)
    return text
