"""The pictures in an event's folder on disk, as ZoneMinder's capture daemon writes them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import FrameError, FrameUnavailable, PictureError
from zmhook.frames.base import FrameSource, Pending, Waiter
from zmhook.frames.event_files import files, stills, video_of
from zmhook.frames.file import read_of_event
from zmhook.image.decode import checked

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.base import Patience
    from zmhook.frames.video import VideoFrames

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
