"""Run many callers at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def rate(callers: Sequence[Callable[[], object]], seconds: float) -> float:
    """Return the calls per second: each caller has a thread and repeats its call until the end."""
    started = time.perf_counter()
    end = started + seconds

    def again_and_again(call: Callable[[], object]) -> int:
        count = 0
        while time.perf_counter() < end:
            call()
            count += 1
        return count

    with ThreadPoolExecutor(len(callers)) as threads:
        count = sum(threads.map(again_and_again, callers))
    return count / (time.perf_counter() - started)
