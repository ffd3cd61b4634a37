"""Ends a process that is past its deadline, even one that is stuck in native code."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 0.5
"""Seconds after the deadline: the ordinary way out, which says more, comes first."""
HARD_GRACE = 3.0
"""Seconds after the deadline when the kernel ends the process (a thread that never lets go)."""


class Watchdog:
    """Calls `expired` in a thread of its own when `seconds` are over, unless stopped before."""

    def __init__(
        self,
        seconds: float,
        expired: Callable[[], None],
        grace: float | None = None,
        hard_grace: float | None = None,
    ) -> None:
        grace = GRACE if grace is None else grace
        hard_grace = HARD_GRACE if hard_grace is None else hard_grace
        self._timer = threading.Timer(seconds + grace, expired)
        self._timer.daemon = True
        self._timer.start()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + hard_grace)

    def stop(self) -> None:
        self._timer.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
