"""What is worth a line in the log: each thing once an hour, and not more than so many lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.storage.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

HOUR = 3600.0
MOST_THINGS = 500
"""Things that are remembered; one that was forgotten may be said again."""
MOST_LINES = 100
"""Lines in an hour: things come from the network, where anybody may make up many."""


class Hourly:
    """Says what is due; for one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: LruCache[Hashable, float] = LruCache(MOST_THINGS)
        self._since = clock()
        self._lines = 0

    def is_due(self, thing: Hashable) -> bool:
        """Whether it was not said within an hour, and there is room for a line."""
        now = self._clock()
        if now - self._since >= HOUR:
            self._since, self._lines = now, 0
        before = self._said.get(thing)
        if (before is not None and now - before < HOUR) or self._lines >= MOST_LINES:
            return False
        self._said.put(thing, now)
        self._lines += 1
        return True
