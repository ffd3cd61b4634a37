"""Read times as seconds since the epoch, by our clock."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, NamedTuple

from msgspec import ValidationError, convert

from zmhook.snapshots.formats.values import number

AHEAD = 2.0
"""Seconds that a message's times may lie after its arrival before they are corrected."""

LONGEST_TRACK = 7 * 86400.0
"""Seconds; a beginning or an end farther from the picture than this is not believed."""

_EARLIEST = 946_684_800.0  # 2000: before it are clocks that were never set
_LATEST = 253_402_300_800.0  # the year 10000
_MILLISECONDS = 1e11  # as seconds, the year 5138
_LONGEST = 64


class Clock(NamedTuple):
    """The camera's clock: `offset` is the seconds that it is ahead of ours."""

    offset: float = 0.0

    def ours(self, value: Any) -> float | None:
        """Return a time by our clock, None when there is none or it cannot be one."""
        moment = seconds(value)
        return None if moment is None else moment - self.offset


class Times(NamedTuple):
    """When a track was: `ahead` is the seconds that all had to be put back."""

    taken: float
    start: float | None
    end: float | None
    ahead: float = 0.0


def seconds(value: Any) -> float | None:
    """Read ISO 8601 (UTC when it names no zone), or seconds, milli- or microseconds."""
    parsed = _iso(value) if isinstance(value, str) else None
    moment = number(value) if parsed is None else parsed
    if moment is None:
        return None
    while moment >= _MILLISECONDS and parsed is None:
        moment /= 1000
    return moment if _EARLIEST <= moment < _LATEST else None


def _iso(value: str) -> float | None:
    if len(value) > _LONGEST:
        return None
    try:
        moment = convert(value, datetime)
    except ValidationError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def settled(taken: float | None, start: float | None, end: float | None, received: float) -> Times:
    """Correct times: put them in order, and none after the message came.

    Without a time of the picture its track's end stands for it, then the arrival. When a clock is
    ahead, all times are put back by as much, so that how long things took stays right.
    """
    moment = next((known for known in (taken, end) if known is not None), received)
    start, end = _near(start, moment), _near(end, moment)
    ahead = max(moment, end or moment) - received
    back = ahead if ahead > AHEAD else 0.0
    if start is not None and start > max(moment, end or moment):
        start = None
    if end is not None and end < (moment if start is None else start) - AHEAD:
        end = None
    return Times(
        moment - back,
        None if start is None else start - back,
        None if end is None else end - back,
        round(back, 3),
    )


def _near(moment: float | None, to: float) -> float | None:
    return moment if moment is not None and abs(moment - to) <= LONGEST_TRACK else None
