"""When the hook was called: an event's time counts from there, not from when Python had started."""

from __future__ import annotations

import os
import time
from pathlib import Path

VARIABLE = "ZMHOOK_BEGAN"
"""Where zm_event_start.sh writes the first figure of /proc/uptime."""
UPTIME = Path("/proc/uptime")


def called() -> float:
    """Return the time (of `time.monotonic`) at which zm_event_start.sh was called, else now.

    The variable is taken out: it speaks of this event, and not of what we start.
    """
    now = time.monotonic()
    try:
        began = float(os.environ.pop(VARIABLE, ""))
        passed = float(UPTIME.read_text("ascii").split()[0]) - began
    except (ValueError, OSError, IndexError):
        return now
    return now - passed if passed >= 0 else now
