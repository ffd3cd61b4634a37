"""Count events and measure stages, for `status` and Prometheus."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Decision
    from zmhook.service.wire import InferResult

KEPT_ERRORS = 200
KEPT_TIMES = 1000
"""The percentiles are those of this many events."""


class Stats:
    """Filled by the supervisor as things happen; one event loop, so no locks."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.outcomes: Counter[str] = Counter()
        self.inference_requests: Counter[str] = Counter()
        """Of other machines: `answered`, `refused` for their pictures, `failed`."""
        self.refused = 0
        self.dropped = 0
        self.restarts = 0
        self.last_errors: dict[str, dict[str, Any]] = {}
        self._stages: dict[str, deque[float]] = {}

    def uptime(self) -> float:
        """Return the seconds since the start, whatever the wall clock does."""
        return time.monotonic() - self._started

    def decided(self, decision: Decision, seconds: float) -> None:
        """Count a decision that took so long, the waiting included."""
        self.outcomes[decision.outcome] += 1
        self._took("whole", seconds * 1000)
        for stage, milliseconds in decision.timings.items():
            self._took(stage, milliseconds)
        if decision.errors:
            self.failed(decision.event.monitor_id, decision.errors[0])

    def inferred(self, result: InferResult, seconds: float) -> None:
        """Count an inference request of another machine that took so long, the waiting included."""
        self.inference_requests["refused" if result.refused else "answered"] += 1
        self._took("infer", seconds * 1000)

    def failed(self, monitor_id: int | None, error: str) -> None:
        self.last_errors.pop(str(monitor_id), None)
        self.last_errors[str(monitor_id)] = {"at": time.time(), "error": error}
        if len(self.last_errors) > KEPT_ERRORS:
            del self.last_errors[next(iter(self.last_errors))]

    def stages(self) -> dict[str, dict[str, float]]:
        """Return per stage how many events are counted and the percentiles, in ms."""
        return {
            stage: {"events": len(times), "p50": _share(times, 0.5), "p95": _share(times, 0.95)}
            for stage, times in self._stages.items()
        }

    def _took(self, stage: str, milliseconds: float) -> None:
        self._stages.setdefault(stage, deque(maxlen=KEPT_TIMES)).append(milliseconds)


def _share(times: Iterable[float], share: float) -> float:
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
