"""Frames out of an event's video, for events of which ZoneMinder keeps no JPEGs."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import FrameError, FrameUnavailable, PictureError
from zmhook.frames.base import ONCE, FrameSource, Pending, Waiter
from zmhook.frames.event_folder import NAMED, Video, video_of
from zmhook.image.decode import checked
from zmhook.storage.regular import name_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.base import Patience
    from zmhook.frames.event_folder import EventFolder
    from zmhook.frames.portal import EventRows
    from zmhook.zoneminder.event_row import EventRow

QUALITY = 95
"""Of the JPEG that a frame becomes on its way to the models."""

NEAR = 150
"""Up to here frames are read one after the other: seeking may miss by some."""

POSITIONS = {"alarm": 0.25, "snapshot": 0.5}
"""Where in a video these are, as a share of it, when their numbers are unknown."""


def length(video: Path) -> int:
    """Return how many frames the video has; 0 while that is unknown (it is being written)."""
    with closing(_OpenVideo(video)) as opened:
        return opened.length


class VideoFrames(FrameSource):
    """Decodes single frames of the video in an event's folder, whatever it is called by now.

    They have numbers, from 1 as ZoneMinder counts. `alarm` and `snapshot` are those that the
    event's row names, else those at `POSITIONS`.
    """

    def __init__(
        self,
        folder: str | Path,
        max_pixels: int,
        patience: Patience = ONCE,
        *,
        event_id: int | None = None,
        rows: EventRows | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.max_pixels = max_pixels
        self.event_id = event_id
        self._rows = rows
        self._waiter = Waiter(patience)

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        return self._waiter.attempt(frame_id, lambda: self._once(frame_id, deadline), deadline)

    def may_have(self, frame_id: str, *, growing: bool) -> bool:
        """Return whether there is a video to ask; for a picture with a name it has to be alone.

        One that is still `growing` counts for frames by number in any case.
        """
        if frame_id not in NAMED:
            return frame_id.isdecimal() and video_of(self.folder, self.event_id) is not None
        if any((self.folder / f"{name}.jpg").exists() for name in NAMED):
            return False
        video = video_of(self.folder, self.event_id)
        return video is not None and (growing or not video.grows)

    def _once(self, frame_id: str, deadline: Deadline) -> Picture:
        if not (frame_id.isdecimal() or frame_id in NAMED):
            raise FrameUnavailable(f"{self.folder}: a video has frames by number, not {frame_id}")
        row = self._rows.any(deadline) if self._rows else None
        video = video_of(self.folder, self.event_id, row.default_video if row else "")
        if video is None:
            raise FrameUnavailable(f"{self.folder}: there is no video of the event", retry=True)
        deadline.check(f"reading {frame_id} of {video.path}")
        number, data = self._frame(video, frame_id, row, deadline)
        return checked(data, frame_id, f"{video.path}: frame {number}", self.max_pixels)

    @staticmethod
    def _frame(
        video: Video, frame_id: str, row: EventRow | None, deadline: Deadline
    ) -> tuple[int, bytes]:
        with closing(_OpenVideo(video.path, grows=bool(video.grows))) as opened:
            opened.check()
            number = int(frame_id) if frame_id.isdecimal() else _number(frame_id, row, opened)
            return number, opened.frame(number, deadline)


class FolderOrVideo(FrameSource):
    """An event's pictures, and the frames of its video where those are not there.

    What a picture is called matters as long as there are such pictures: `alarm` and `snapshot` are
    taken out of the video only where it is alone, and of one that grows only when the folder has
    been waited for.
    """

    def __init__(self, folder: EventFolder, video: VideoFrames) -> None:
        self.folder = folder
        self.video = video

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        is_last_place = not self.folder.missing_is_final
        try:
            outcome = self.folder.attempt(frame_id, deadline)
        except FrameError:
            if not self.video.may_have(frame_id, growing=is_last_place):
                raise
            return self.video.attempt(frame_id, deadline)
        is_there = not isinstance(outcome, Pending) or isinstance(outcome.error, PictureError)
        if is_there or not self.video.may_have(frame_id, growing=False):
            return outcome
        with suppress(FrameError):
            instead = self.video.attempt(frame_id, deadline)
            return outcome if isinstance(instead, Pending) else instead
        return outcome

    def close(self) -> None:
        self.folder.close()
        self.video.close()


def _number(frame_id: str, row: EventRow | None, opened: _OpenVideo) -> int:
    """Return the number of the frame that is called so."""
    frames = opened.length or opened.counted()
    named = {"alarm": row.alarm_frame, "snapshot": row.best_frame} if row else {}
    number = named.get(frame_id, 0)
    return number if 1 <= number <= frames else max(1, round(frames * POSITIONS[frame_id]))


class _OpenVideo:
    """An open video.

    One that `grows` may be readable before its length is known (`length` is 0 then).
    """

    def __init__(self, video: Path, *, grows: bool = False) -> None:
        import cv2

        self.video = video
        self.grows = grows
        # What is still being recorded is no error of which people must read on stderr.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._capture: Any = self._open()
        self.length = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def close(self) -> None:
        self._capture.release()

    def check(self) -> None:
        """Raise `FrameUnavailable` when nothing can be read of it (yet)."""
        if not self._capture.isOpened():
            raise FrameUnavailable(
                f"{self.video}: cannot be read: still being recorded, or damaged", retry=True
            )

    def counted(self) -> int:
        """Return how many frames of the first `NEAR` can be read; begins anew."""
        frames = sum(1 for _ in range(NEAR) if self._capture.grab())
        self._capture.release()
        self._capture = self._open()
        return frames

    def frame(self, number: int, deadline: Deadline) -> bytes:
        import cv2

        self.check()
        knows_length = self.length > 0 and not self.grows
        if knows_length and number > self.length:
            raise FrameUnavailable(f"{self.video}: has no frame {number}, only {self.length}")
        is_near = number <= NEAR or not knows_length
        if not is_near:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
        is_there = all(self._grabbed(number - 1 if is_near else 0, deadline))
        image = self._capture.read()[1] if is_there else None
        if image is None:
            raise FrameUnavailable(
                f"{self.video}: frame {number} cannot be decoded"
                + (" (yet)" if not knows_length else ""),
                retry=not knows_length,
            )
        return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])

    def _open(self) -> Any:
        import cv2

        try:
            with name_of_file(self.video) as name:
                return cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        except OSError as error:
            raise FrameUnavailable(f"{self.video}: cannot be read ({error.strerror})") from None

    def _grabbed(self, count: int, deadline: Deadline) -> Iterator[bool]:
        for _ in range(count):
            deadline.check(f"reading {self.video}")
            yield bool(self._capture.grab())
