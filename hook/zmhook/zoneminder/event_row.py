"""An event's row as ZoneMinder's API gives it, of any version, as typed values.

Since 1.38.3 `EndTime` is never null: while an event records it is its start and its length so far.
Only `EndDateTime` tells whether it is over. `StartTimeSecs` and `EndTimeSecs` (1.37 and newer) are
seconds since the epoch; `StartDateTime` is local time of a zone that nobody names. The row of an
event whose monitor the user may not see (1.38) is a row all the same: without `Id`, and with the
folder of all events as its own.
"""

from __future__ import annotations

import math
import time
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from zmhook.text.bounded_json import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST = 253_402_300_799.0
"""The last second of the year 9999."""


class EventRow(Struct, frozen=True, kw_only=True):
    """One event.

    `started` and `ended` are seconds since the epoch, None where they are not known; `ended` is
    None while the event records. `is_exact` says that they came as such: otherwise they are local
    time, taken for this machine's. `folder` is the event's folder as ZoneMinder's machine sees it,
    `default_video` the name of its film there; both may be "". `width` and `height` are pixels,
    `length` seconds so far. What is not told is 0.
    """

    id: int
    monitor_id: int = 0
    cause: str = ""
    notes: str = ""
    is_over: bool = False
    started: float | None = None
    ended: float | None = None
    is_exact: bool = False
    folder: str = ""
    default_video: str = ""
    frames: int = 0
    length: float = 0.0
    alarm_frame: int = 0
    best_frame: int = 0
    width: int = 0
    height: int = 0


def is_of(row: Mapping[str, Any], event_id: int) -> bool:
    """Say whether a row is that of an event: it has its number."""
    return whole(row.get("Id")) == event_id


def event_row(row: Mapping[str, Any], now: float | None = None) -> EventRow:
    """Return what a row tells; of a local time that there is twice, the last before `now`."""
    now = time.time() if now is None else now
    is_over = _is_over(row)
    started, ended, is_exact = _times(row, now, is_over=is_over)
    return EventRow(
        id=whole(row.get("Id")),
        monitor_id=whole(row.get("MonitorId")),
        cause=_text(row.get("Cause")),
        notes=_text(row.get("Notes")),
        is_over=is_over,
        started=started,
        ended=ended,
        is_exact=is_exact,
        folder=_folder(row.get("FileSystemPath")),
        default_video=_file_name(row.get("DefaultVideo")),
        frames=whole(row.get("Frames")),
        length=_figure(row.get("Length")) or 0.0,
        alarm_frame=whole(row.get("AlarmFrameId")),
        best_frame=whole(row.get("MaxScoreFrameId")),
        width=whole(row.get("Width")),
        height=whole(row.get("Height")),
    )


def _is_over(row: Mapping[str, Any]) -> bool:
    """Say whether it has an end; `EndTime` counts in versions before 1.35, which have it alone."""
    has_dates = "EndDateTime" in row or "StartDateTime" in row
    return _is_time(row.get("EndDateTime" if has_dates else "EndTime"))


def _is_time(value: object) -> bool:
    """Say whether a moment is told; MySQL has one that is none, too."""
    text = _text(value)
    return bool(text) and not text.startswith("0000-")


def _times(
    row: Mapping[str, Any], now: float, *, is_over: bool
) -> tuple[float | None, float | None, bool]:
    """Return when it began and ended, and whether that is exact."""
    local = _seconds(row.get("StartDateTime") or row.get("StartTime"), now)
    local_end = _seconds(row.get("EndDateTime") or row.get("EndTime"), now) if is_over else None
    started = _figure(row.get("StartTimeSecs"))
    if started is None:
        return local, local_end, False
    if not is_over:
        return started, None, True
    ended = _figure(row.get("EndTimeSecs"))
    if ended is None and local is not None and local_end is not None:
        ended = started + local_end - local
    return started, ended, True


def _seconds(text: object, now: float) -> float | None:
    """Read `2026-07-29 17:05:03`; of an hour that there is twice the last that can have been."""
    try:
        local = datetime.fromisoformat(_text(text))
        times = [local.replace(fold=fold).timestamp() for fold in (0, 1)]
    except (ValueError, OverflowError, OSError):
        return None
    return max((moment for moment in times if moment <= now), default=min(times))


def _figure(value: object) -> float | None:
    """Return a number, or the text of one, which is more than 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except (ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) and 0 < figure <= LATEST else None


def _folder(value: object) -> str:
    """Return the folder; "" for one that holds the events of others, too.

    ZoneMinder puts the event's number or time behind the folder of all events: where it has none
    to put there, the path ends in a slash.
    """
    text = _text(value)
    path = PurePath(text)
    if text.endswith("/") or "\0" in text or ".." in path.parts:
        return ""
    return str(path) if path.is_absolute() else ""


def _file_name(value: object) -> str:
    text = _text(value)
    is_name = PurePath(text).name == text and text != ".." and "\0" not in text
    return text if is_name else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
