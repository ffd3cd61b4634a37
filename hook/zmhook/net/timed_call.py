"""Limit the total time of a blocking call.

HTTP libraries limit the time between two packets, not that of a whole response: a server that
sends a byte now and then is never given up by them. So each call runs in a thread that is waited
for. A thread that is left behind ends with its connection and keeps no process from exiting.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_PENDING = 8
"""Calls that may run at once, with those that were given up and have not ended."""


class TooManyPending(Exception):
    """Too many earlier calls were given up and have not ended yet."""


class TimedCalls:
    """Runs calls in threads, each within its time and never too many at once. Thread-safe."""

    def __init__(self, most: int = MOST_PENDING) -> None:
        self._free = threading.BoundedSemaphore(most)

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """Return what `call` returns, or raise what it raises.

        Raises `TimeoutError` after `seconds`, and `TooManyPending` without calling anything.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyPending
        thread = _CallThread(call, self._free.release)
        thread.start()
        thread.join(seconds)
        if thread.error is not None:
            raise thread.error
        if not thread.results:
            raise TimeoutError
        return thread.results[0]


class _CallThread(threading.Thread, Generic[T]):
    """Runs one call; `results` or `error` holds its outcome, neither while it goes on."""

    def __init__(self, call: Callable[[], T], ended: Callable[[], None]) -> None:
        super().__init__(name="timed-call", daemon=True)
        self.results: list[T] = []
        self.error: BaseException | None = None
        self._call = call
        self._ended = ended

    def run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised where the call is waited for
            self.error = error
        finally:
            self._ended()
