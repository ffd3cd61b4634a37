"""An event's folder on disk, and the files that ZoneMinder's capture daemon writes into it.

No other module knows their names, of any version. The video is `<eid>-video.mp4` up to 1.36, while
it is recorded too; since 1.37 it is `<eid>-video.<codec>.<container>` when it is whole, and
`incomplete.<container>` (since 1.38.4 `incomplete.<codec>.<container>`) until then.
"""

from __future__ import annotations

import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable
from zmhook.frames.base import FrameSource, Pending, Waiter
from zmhook.frames.file import read_of_event
from zmhook.image.decode import checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.base import Patience

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


# ZoneMinder's option EVENT_IMAGE_DIGITS; 5 unless somebody changed it.
USUAL_DIGITS = 5

QUIET = 30.0
"""Seconds without a new file after which an event counts as over; clocks may differ by some."""


class EventFolder(FrameSource):
    """Reads `snapshot.jpg`, `alarm.jpg` and `00042-capture.jpg`.

    snapshot.jpg is rewritten in place while the event goes on, so a reader may get it empty or
    cut short. `patience` says how long to wait for the rest of it, and, unless `missing_is_final`
    or the event is over, for a picture that is not there.
    """

    def __init__(
        self,
        path: str | Path,
        max_pixels: int,
        patience: Patience,
        *,
        missing_is_final: bool = False,
    ) -> None:
        self.path = Path(path)
        self.max_pixels = max_pixels
        self._waiter = Waiter(patience)
        self.missing_is_final = missing_is_final

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        outcome = self._waiter.attempt(frame_id, lambda: self._once(frame_id, deadline), deadline)
        return outcome._replace(is_cheap=True) if isinstance(outcome, Pending) else outcome

    def _once(self, frame_id: str, deadline: Deadline) -> Picture:
        deadline.check(f"reading the {frame_id} picture in {self.path}")
        try:
            file = self._file(frame_id)
            data = read_of_event(file)
        except FrameUnavailable as error:
            error.retry = error.retry and not self.missing_is_final and not is_over(self.path)
            raise
        return checked(data, frame_id, str(file), self.max_pixels)

    def _file(self, frame_id: str) -> Path:
        if not frame_id.isdecimal():
            return self.path / f"{frame_id}.jpg"
        usual = self.path / f"{int(frame_id):0{USUAL_DIGITS}}-capture.jpg"
        return usual if usual.exists() else self._padded(int(frame_id)) or usual

    def _padded(self, number: int) -> Path | None:
        """Find the number written with any count of leading zeros."""
        try:
            return stills(self.path).get(number)
        except FileNotFoundError:
            raise FrameUnavailable(f"{self.path}: there is no such folder", retry=True) from None
        except OSError as error:
            raise FrameUnavailable(f"{self.path}: cannot be read ({error.strerror})") from None


def is_over(folder: Path) -> bool:
    """Return whether an event's files show that it is over."""
    video = video_of(folder)
    if video and video.grows is False:
        return True
    try:
        written = [file.stat().st_mtime for file in files(folder)]
    except (OSError, ValueError):
        return False
    return bool(written) and time.time() - max(written) > QUIET
