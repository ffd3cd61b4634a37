"""How long to wait before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait, twice as many after each failure, up to `most`; and a fifth more or less.

    The fifth keeps many who wait for the same thing from coming at once.
    """

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    def next(self) -> float:
        seconds = self._next
        self._next = min(self._next * 2, self._most)
        return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - nobody guesses at this
