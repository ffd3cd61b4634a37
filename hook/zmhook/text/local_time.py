"""A moment as people read it."""

from __future__ import annotations

import time


def local_time(seconds: float) -> str:
    """Return the local time of a moment, in seconds since the epoch: `2026-07-29 17:05:03`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
