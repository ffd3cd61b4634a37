"""When an event was, and how large its pictures are."""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import PortalError
from zmhook.frames.header import read_header
from zmhook.regular import reading
from zmhook.untrusted import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.portal import Portal

log = logging.getLogger(__name__)

# What the capture daemon writes, and not what we and others put beside it.
_RECORDED = re.compile(r"\d+-capture\.jpg|snapshot\.jpg|alarm\.jpg|.*\.mp4")
_JUST_NOW = 5.0
_HEADER = 64 * 1024
_QUARTER = 900
_NEAR_QUARTER = 120


class Window(NamedTuple):
    """`begin` and `end` are seconds since the epoch; `end` is None while the event goes on.

    The event's pictures are `width` x `height` pixels, 0 when nobody told.
    """

    begin: float
    end: float | None = None
    width: int = 0
    height: int = 0


def window_of(event: Event, portal: Portal | None, deadline: Deadline) -> Window:
    """Ask ZoneMinder's API, else the event's folder; else the event began when we were asked.

    ZoneMinder tells local time, that of its database, without the zone; it is taken for this
    machine's, unless the times of the event's files say otherwise.
    """
    row = _row(event, portal, deadline)
    found = _of_folder(event.path or row.get("FileSystemPath") or "")
    now = time.time()
    begin = _seconds(row.get("StartDateTime") or row.get("StartTime"), now)
    if begin is None:
        return found or Window(event.asked)
    end = _seconds(row.get("EndDateTime") or row.get("EndTime"), now)
    shift = _shift(begin, end, found)
    begin = begin + shift
    width, height = _number(row.get("Width")), _number(row.get("Height"))
    return Window(
        begin if begin <= now else event.asked,
        None if end is None else end + shift,
        *((width, height) if width and height else (found[2:] if found else (0, 0))),
    )


def _row(event: Event, portal: Portal | None, deadline: Deadline) -> dict[str, Any]:
    if portal is None or event.id is None:
        return {}
    try:
        return portal.event(event.id, deadline)
    except PortalError as error:
        log.warning("%s: its times are not known: %s", event, error)
        return {}


def _seconds(text: object, now: float) -> float | None:
    """Read `2026-07-29 17:05:03`; of an hour that there is twice the last that can have been."""
    try:
        told = datetime.fromisoformat(str(text))
        times = [told.replace(fold=fold).timestamp() for fold in (0, 1)]
    except (ValueError, OverflowError, OSError):
        return None
    return max((one for one in times if one <= now), default=min(times))


def _shift(begin: float, end: float | None, found: Window | None) -> float:
    """Return the seconds by which the database's zone differs from ours.

    Zones differ by quarters of an hour. The last file is written when the event ends; how long
    after its beginning the first one is depends on what is kept.
    """
    if found is None:
        return 0.0
    differ = found.begin - begin if end is None else (found.end or time.time()) - end
    quarters = float(round(differ / _QUARTER) * _QUARTER)
    return quarters if abs(differ - quarters) <= _NEAR_QUARTER else 0.0


def _of_folder(path: str) -> Window | None:
    """Return what the files of an event's folder tell, None when it has none (or is not here)."""
    files = dict(_recorded(path))
    if not files:
        return None
    last = max(files.values())
    sizes = (_size(file) for file in sorted(files) if file.suffix == ".jpg")
    width, height = next((size for size in sizes if all(size)), (0, 0))
    is_over = time.time() - last > _JUST_NOW
    return Window(min(files.values()), last if is_over else None, width, height)


def _recorded(path: str) -> Iterator[tuple[Path, float]]:
    """Give the files and when each was last written."""
    if not path:
        return
    with suppress(OSError, ValueError):  # ValueError: a NUL in the name
        for file in Path(path).iterdir():
            if _RECORDED.fullmatch(file.name):
                with suppress(OSError):
                    yield file, file.stat().st_mtime


def _size(file: Path) -> tuple[int, int]:
    with suppress(OSError), reading(file, follow=True) as opened:
        header = read_header(opened.read(_HEADER))
        return (header.width, header.height) if header else (0, 0)
    return 0, 0


def _number(value: object) -> int:
    return whole(value)
