"""When an event was, and how large its pictures are."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from zmhook.frames.recorded import files
from zmhook.image.header import read_header
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zmhook.event import Event
    from zmhook.zoneminder.event_row import EventRow

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


def window_of(event: Event, row: EventRow | None) -> Window:
    """Return what the event's row tells, else its folder; else it began when we were asked.

    Versions before 1.37 tell local time, that of their database, without the zone; it is taken for
    this machine's, unless the times of the event's files say otherwise.
    """
    found = _of_folder(event.folder or (row.folder if row else ""))
    if row is None or row.started is None:
        return found or Window(event.asked)
    shift = 0.0 if row.is_exact else _shift(row.started, row.ended, found)
    begin = row.started + shift
    size = (row.width, row.height)
    return Window(
        begin if begin <= time.time() else event.asked,
        None if row.ended is None else row.ended + shift,
        *(size if all(size) else (found[2:] if found else (0, 0))),
    )


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
    written = dict(_recorded(path))
    if not written:
        return None
    last = max(written.values())
    sizes = (_size(file) for file in sorted(written) if file.suffix == ".jpg")
    width, height = next((size for size in sizes if all(size)), (0, 0))
    is_over = time.time() - last > _JUST_NOW
    return Window(min(written.values()), last if is_over else None, width, height)


def _recorded(path: str) -> Iterator[tuple[Path, float]]:
    """Give the files and when each was last written."""
    if not path:
        return
    with suppress(OSError, ValueError):  # ValueError: a NUL in the name
        for file in files(path):
            with suppress(OSError):
                yield file, file.stat().st_mtime


def _size(file: Path) -> tuple[int, int]:
    with suppress(OSError), reading(file, follow=True) as opened:
        header = read_header(opened.read(_HEADER))
        return (header.width, header.height) if header else (0, 0)
    return 0, 0
