"""Read an event's frames from JPEG files, its video, or ZoneMinder's portal."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from zmhook.errors import FrameError
from zmhook.frames.event_folder import Video, stills, video_of
from zmhook.image.decode import decode
from zmhook.image.header import MAX_BYTES
from zmhook.storage.regular import name_of_file, read_event_file
from zmhook.zoneminder.event_row import EventRow, event_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from zmhook.jobs.work import Work

    Picture = npt.NDArray[np.uint8]

ASSUMED_RATE = 5.0
"""Frames in a second, where nothing tells."""
QUIET = 10.0
"""Seconds without a new frame after which an event counts as over."""
MOST_ASKED = 40
ASKING_SECONDS = 90.0


class Footage(Protocol):
    """Frames `first` to `last`, of which `at` is the one that answered, `rate` in a second.

    `grows` says whether more may come.
    """

    first: int
    last: int
    at: int
    rate: float
    grows: bool

    def frames(self, numbers: Sequence[int]) -> Iterator[Picture]:
        """Give these frames (ascending), as BGR `uint8`; those that cannot be had are left out."""


def footage_of(work: Work, folder: Path) -> Footage | None:
    """Return the event's frames, None when there are none yet."""
    files, video = stills(folder), video_of(folder, work.decision.event.id)
    opened = open_video(video, folder, work) if video else None
    # The portal leaves frames there that somebody looked at, of a video too.
    if len(files) > 1 and (opened is None or len(files) >= opened.last // 2):
        return _Stills(files, folder, work)
    return opened if video else _portal(work)


# -- JPEG files ----------------------------------------------------------------------------------


class _Stills:
    """`00042-capture.jpg` and the like. Their times tell how fast they came."""

    def __init__(self, files: dict[int, Path], folder: Path, work: Work) -> None:
        self._files = files
        self._most_pixels = work.settings.general.max_picture_pixels
        self.first, self.last = min(files), max(files)
        begin, end = _time(files[self.first]), _time(files[self.last])
        seconds = end - begin
        self.rate = (self.last - self.first) / seconds if seconds > 0 else ASSUMED_RATE
        self.grows = time.time() - end < QUIET
        at = _number(work)
        self.at = at or round(self.first + (_moment(work, folder) - begin) * self.rate)
        self.at = min(max(self.at, self.first), self.last)

    def frames(self, numbers: Sequence[int]) -> Iterator[Picture]:
        for number in numbers:
            path = self._files.get(number)
            # The newest one may still be being written.
            with suppress(FrameError, OSError):
                if path:
                    yield decode(read_event_file(path, MAX_BYTES), str(path), self._most_pixels)


# -- a video -------------------------------------------------------------------------------------


class _Video:
    """The event's video: whole once the event is over, or as far as it can be read by now."""

    def __init__(self, capture: Any, video: Video, folder: Path, work: Work) -> None:
        self._capture = capture
        self.grows = video.grows is True
        self.first = 1
        self.last = max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rate = capture.get(cv2.CAP_PROP_FPS) or ASSUMED_RATE
        began = _time(video.path) - self.last / self.rate
        at = _number(work) or round((_moment(work, folder) - began) * self.rate)
        self.at = min(max(at, self.first), self.last)

    def frames(self, numbers: Sequence[int]) -> Iterator[Picture]:
        """Seek once, then go on frame by frame: seeking is to the key frame before, and slow."""
        capture, needed = self._capture, set(numbers)
        try:
            capture.set(cv2.CAP_PROP_POS_FRAMES, numbers[0] - 1)
            for number in range(numbers[0], numbers[-1] + 1):
                if not capture.grab():
                    return
                if number in needed:
                    done, image = capture.retrieve()
                    if done:
                        yield np.asarray(image, np.uint8)
        finally:
            capture.release()


def open_video(video: Video, folder: Path, work: Work) -> _Video | None:
    """Open a video; None when it cannot be read yet, as while it is recorded."""
    try:
        with name_of_file(video.path) as name:
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    except OSError:
        return None
    if capture.isOpened() and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
        return _Video(capture, video, folder, work)
    capture.release()
    return None


# -- the portal ----------------------------------------------------------------------------------


class _Portal:
    """Asks ZoneMinder for each frame; it can cut them out of a video."""

    def __init__(self, row: EventRow, work: Work) -> None:
        self._work = work
        self.first, self.last = 1, max(1, row.frames)
        self.rate = self.last / row.length if row.length > 0 else ASSUMED_RATE
        self.grows = not row.is_over
        info = work.decision.frame
        best = row.alarm_frame if info and info.id == "alarm" else row.best_frame
        self.at = min(max(_number(work) or best or 1, self.first), self.last)

    def frames(self, numbers: Sequence[int]) -> Iterator[Picture]:
        from zmhook.zoneminder.api import Portal

        general, event_id = self._work.settings.general, self._work.decision.event.id
        end = time.monotonic() + ASKING_SECONDS
        step = -(-len(numbers) // MOST_ASKED)
        with closing(Portal(general)) as portal:
            for number in numbers[::step]:
                if event_id is None or time.monotonic() > end:
                    return
                with suppress(FrameError):
                    data = portal.image(event_id, str(number))
                    yield decode(data, f"frame {number}", general.max_picture_pixels)


def _portal(work: Work) -> Footage | None:
    event_id = work.decision.event.id
    if event_id is None or not work.settings.general.portal:
        return None
    from zmhook.zoneminder.api import Portal

    with closing(Portal(work.settings.general)) as portal:
        row = event_row(portal.event(event_id))
    return _Portal(row, work) if row.frames > 1 else None


# -- where in the event --------------------------------------------------------------------------


def _number(work: Work) -> int:
    """Return the number of the frame that answered, 0 when it is known by another name."""
    frame = work.decision.frame
    return int(frame.id) if frame and frame.id.isdecimal() else 0


def _moment(work: Work, folder: Path) -> float:
    """Return when the frame that answered was taken, as well as can be told without its number.

    snapshot.jpg may have been written again since then.
    """
    answered = work.unit.born if work.unit else time.time()
    frame = work.decision.frame
    with suppress(OSError):
        if frame and frame.id in ("snapshot", "alarm"):
            return min(_time(folder / f"{frame.id}.jpg"), answered)
    return min(work.decision.event.asked, answered)


def _time(path: Path) -> float:
    return path.stat().st_mtime
