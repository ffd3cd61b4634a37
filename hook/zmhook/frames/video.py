"""Frames out of an event's video, for events of which ZoneMinder keeps no JPEGs."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import FrameUnavailable
from zmhook.frames.picture import checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.event import Picture

QUALITY = 95
"""Of the JPEG that a frame becomes on its way to the models."""

NEAR = 150
"""Frames that are rather read one after the other than sought: seeking may miss by some."""


def video_of(folder: str | Path) -> Path | None:
    """Return the event's video, `<eid>-video.mp4` as ZoneMinder names it; None: there is none."""
    try:
        return next(iter(sorted(Path(folder).glob("*-video.mp4"))), None)
    except OSError:
        return None


def length(video: Path) -> int:
    """Return how many frames the video has; 0 while it cannot be read (it is being written)."""
    with closing(_Opened(video)) as opened:
        return opened.length


class VideoFrames:
    """Decodes single frames, by their number. ZoneMinder counts from 1, and so does this."""

    def __init__(self, video: Path, max_pixels: int) -> None:
        self.video = video
        self.max_pixels = max_pixels

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        if not frame_id.isdecimal():
            raise FrameUnavailable(f"{self.video}: a video has frames by number, not {frame_id}")
        deadline.check(f"reading frame {frame_id} of {self.video}")
        with closing(_Opened(self.video)) as opened:
            data = opened.frame(int(frame_id), deadline)
        return checked(data, frame_id, f"{self.video}: frame {frame_id}", self.max_pixels)

    def close(self) -> None:
        """Nothing is held open."""


class _Opened:
    """An open video."""

    def __init__(self, video: Path) -> None:
        import cv2

        self.video = video
        # What is still being recorded is no error of which people must read on stderr.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._capture: Any = cv2.VideoCapture(str(video), cv2.CAP_FFMPEG)
        self.length = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def close(self) -> None:
        self._capture.release()

    def frame(self, number: int, deadline: Deadline) -> bytes:
        import cv2

        if not self._capture.isOpened() or not self.length:
            raise FrameUnavailable(
                f"{self.video}: cannot be read: still being recorded, or damaged", retry=True
            )
        if number > self.length:
            raise FrameUnavailable(f"{self.video}: has no frame {number}, only {self.length}")
        if number > NEAR:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
        for _ in self._skipped(number, deadline):
            self._capture.grab()
        done, image = self._capture.read()
        if not done:
            raise FrameUnavailable(f"{self.video}: frame {number} cannot be decoded")
        return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])

    def _skipped(self, number: int, deadline: Deadline) -> Iterator[int]:
        for one in range(number - 1 if number <= NEAR else 0):
            deadline.check(f"reading {self.video}")
            yield one
