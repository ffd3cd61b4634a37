"""How much time an event has left."""

from __future__ import annotations

import time

from zmhook.errors import DeadlineExceeded

RESERVE = 1 / 15
MOST_RESERVE = 2.0


def reserve(event_deadline: float) -> float:
    """Return the seconds of an event's time that are left for the answer's way out.

    All in all no event takes longer than `event_deadline`, however late it is found out.
    """
    return min(MOST_RESERVE, event_deadline * RESERVE)


def usable(event_deadline: float) -> float:
    """Return the seconds of an event's time in which it is to be decided."""
    return event_deadline - reserve(event_deadline)


def waited(event_deadline: float) -> float:
    """Return the seconds of an event's time that a hook waits for a service's answer.

    What is left must do for a process that starts and answers as `on_failure` says.
    """
    return event_deadline - max(reserve(event_deadline) * 3 / 4, min(1.0, event_deadline / 4))


def answered(event_deadline: float) -> float:
    """Return the seconds of an event's time in which a service answers: before hooks give up."""
    return min(usable(event_deadline), waited(event_deadline) - reserve(event_deadline) / 4)


class Deadline:
    """A point in (monotonic) time, `seconds` from when it is made, or from `since`."""

    def __init__(self, seconds: float, since: float | None = None) -> None:
        self.seconds = seconds
        self._end = (time.monotonic() if since is None else since) + seconds

    def left(self) -> float:
        """Return the seconds that are left, never less than 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self, doing: str) -> None:
        """Raise `DeadlineExceeded` when no time is left."""
        if self.left() <= 0:
            raise DeadlineExceeded(
                f"gave up after {self.seconds:.3g} s while {doing} ([general] event_deadline)"
            )

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        time.sleep(min(seconds, self.left()))
