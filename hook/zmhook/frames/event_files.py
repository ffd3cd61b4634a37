"""The files that ZoneMinder's capture daemon writes into an event's folder, by their names.

No other module knows them, of any version. The video is `<eid>-video.mp4` up to 1.36,
while it is recorded too; since 1.37 it is `<eid>-video.<codec>.<container>` when it is whole, and
`incomplete.<container>` (since 1.38.4 `incomplete.<codec>.<container>`) until then.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = ("alarm", "snapshot")
"""Pictures that are files of their own, called so."""

_CONTAINER = r"(?:mp4|mkv|webm)"
_CODEC = r"[A-Za-z0-9_-]{1,32}"
_FRAME = re.compile(r"0*([1-9][0-9]{0,8})-capture\.jpg")
_WHOLE = re.compile(rf"([0-9]{{1,20}})-video\.(?:({_CODEC})\.)?{_CONTAINER}")
_UNFINISHED = re.compile(rf"incomplete\.(?:{_CODEC}\.)?{_CONTAINER}")


class Video(NamedTuple):
    """An event's video. One that `grows` is still being recorded; None: unknown."""

    path: Path
    grows: bool | None


def is_recorded(name: str) -> bool:
    """Return whether the daemon writes a file of that name, and not we or others."""
    return frame_number(name) > 0 or name in _PICTURES or _is_video(name)


def frame_number(name: str) -> int:
    """Return the number of the frame in a file called so, 0 when it is no frame's."""
    match = _FRAME.fullmatch(name)
    return int(match[1]) if match else 0


def files(folder: str | Path) -> Iterator[Path]:
    """Give the files that the daemon has written; raises `OSError`."""
    return (file for file in Path(folder).iterdir() if is_recorded(file.name))


def stills(folder: str | Path) -> dict[int, Path]:
    """Return the frames that are files, by their number; raises `OSError`."""
    numbered = ((frame_number(file.name), file) for file in Path(folder).iterdir())
    return {number: file for number, file in numbered if number}


def video_of(folder: str | Path, event_id: int | None = None, default: str = "") -> Video | None:
    """Return the event's video, None when there is none.

    `default` is what the event's row calls it (`DefaultVideo`), which decides between several.
    Otherwise one that is whole goes before one that grows: ZoneMinder makes the second name before
    it takes the first away.
    """
    try:
        videos = [
            file for file in Path(folder).iterdir() if _is_video(file.name) and _is_file(file)
        ]
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    best = max(videos, key=lambda file: _rank(file.name, event_id, default), default=None)
    return None if best is None else Video(best, _grows(best.name))


def _rank(name: str, event_id: int | None, default: str) -> tuple[bool, bool, bool, str]:
    whole = _WHOLE.fullmatch(name)
    is_ours = whole is not None and event_id is not None and int(whole[1]) == event_id
    return whole is not None and name == default, is_ours, whole is not None, name


def _grows(name: str) -> bool | None:
    """Return whether it grows, None if unknown: up to 1.36 both kinds have one name."""
    whole = _WHOLE.fullmatch(name)
    if not whole:
        return True
    return False if whole[2] else None


def _is_video(name: str) -> bool:
    return bool(_WHOLE.fullmatch(name) or _UNFINISHED.fullmatch(name))


def _is_file(file: Path) -> bool:
    """Return whether it is a regular file: a decoder would wait for a FIFO for ever."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


_PICTURES = frozenset(f"{name}.jpg" for name in NAMED)
