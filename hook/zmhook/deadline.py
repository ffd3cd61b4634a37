"""How much time an event has left."""

from __future__ import annotations

import time

from zmhook.errors import DeadlineExceeded


class Deadline:
    """A point in (monotonic) time, `seconds` from when it is made."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, never less than 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self, doing: str) -> None:
        """Raise `DeadlineExceeded` when no time is left."""
        if self.left() <= 0:
            raise DeadlineExceeded(
                f"gave up after {self.seconds:g} s while {doing} ([general] event_deadline)"
            )

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        time.sleep(min(seconds, self.left()))
