"""Limit repeated log lines: each subject once an hour, and a bounded number of lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.storage.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

HOUR = 3600.0
MOST_SUBJECTS = 500
"""Subjects that are remembered; a forgotten one may be logged again."""
MOST_LINES = 100
"""Lines in an hour: subjects come from the network, where anybody may invent many."""


class HourlyLog:
    """Decides what is due; for one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: LruCache[Hashable, float] = LruCache(MOST_SUBJECTS)
        self._since = clock()
        self._lines = 0

    def is_due(self, subject: Hashable) -> bool:
        """Whether it was not logged within an hour, and there is room for a line."""
        now = self._clock()
        if now - self._since >= HOUR:
            self._since, self._lines = now, 0
        before = self._logged.get(subject)
        if (before is not None and now - before < HOUR) or self._lines >= MOST_LINES:
            return False
        self._logged.put(subject, now)
        self._lines += 1
        return True
