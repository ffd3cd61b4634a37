"""Read picture files, and keep those that were fetched (`delete_after_analyze = no`)."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import FrameNotNeeded, FrameUnavailable
from zmhook.frames.base import FrameSource, is_track
from zmhook.image.decode import checked
from zmhook.image.header import MAX_BYTES
from zmhook.storage import atomic, regular

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Frame, Picture
    from zmhook.settings import General, Settings


class FileSource(FrameSource):
    """Gives one picture file, with the frame id `file`, whatever is asked for first."""

    def __init__(self, path: str | Path, max_pixels: int) -> None:
        self.path = Path(path)
        self.max_pixels = max_pixels
        self._is_used = False
        self._read: bytes | FrameUnavailable | None = None

    def read_now(self) -> None:
        """Read it while we may; `attempt` raises what is wrong with it."""
        try:
            self._read = read(self.path)
        except FrameUnavailable as error:
            self._read = error

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture:
        """Raise `FrameError` when the file is not a picture that can be read.

        Asked again it raises `FrameNotNeeded`: the same picture is not decided twice.
        """
        deadline.check(f"reading {self.path}")
        if self._is_used:
            raise FrameNotNeeded(f"{frame_id}: {self.path} has been looked at")
        if isinstance(self._read, FrameUnavailable):
            raise self._read
        data = read(self.path) if self._read is None else self._read
        picture = checked(data, "file", str(self.path), self.max_pixels)
        self._is_used = True
        return picture


def read(path: Path) -> bytes:
    """Return the file's bytes.

    Raises `FrameUnavailable`; its `retry` is true when the file is not there (yet).
    """
    return _read(path, lambda: regular.read(path, MAX_BYTES, follow=True))


def read_of_event(path: Path) -> bytes:
    """Do as `read` for a file that lies in an event's folder: root follows no link of others."""
    return _read(path, lambda: regular.read_event_file(path, MAX_BYTES))


def _read(path: Path, read: Callable[[], bytes]) -> bytes:
    try:
        _check(path)
        return read()
    except FileNotFoundError:
        raise FrameUnavailable(f"{path}: there is no such file", retry=True) from None
    except PermissionError:
        raise FrameUnavailable(
            f"{path}: no permission to read it: run this with sudo, or as a user who may"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise FrameUnavailable(f"{str(path)!r}: cannot be read ({reason})") from None


def _check(path: Path) -> None:
    """Refuse what would be read for ever, or eat all memory, before it is opened."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise FrameUnavailable(
            f"{path}: is a folder: name a picture in it, or give it as the event's path"
        )
    if not stat.S_ISREG(status.st_mode):
        raise FrameUnavailable(f"{path}: is not a regular file")
    if status.st_size > MAX_BYTES:
        raise FrameUnavailable(f"{path}: has {status.st_size} bytes; at most {MAX_BYTES} are read")


log = logging.getLogger(__name__)


def keep(frame: Frame, event: Event, settings: Settings) -> Path | None:
    """Write the picture file as it came into `image_path`; return where it is.

    Return None when pictures are not to be kept, or when this is not an event's. A failure is one
    logged warning: an event is not lost for it.
    """
    general = settings.general
    if general.delete_after_analyze or event.id is None or not frame.data or frame.id == "file":
        return None
    file = Path(general.image_path) / file_name(event.id, frame.id, general)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, frame.data)
    except OSError as error:
        log.warning(
            "%s: the picture could not be kept (%s): check [general] image_path, or set"
            " delete_after_analyze = yes",
            file,
            error.strerror or error,
        )
        return None
    return file


def file_name(event_id: int, frame_id: str, general: General) -> str:
    """Return the name that users know: with the frame's id unless only one is ever fetched.

    The camera's own pictures always have theirs: `12345-track.jpg`.
    """
    is_only_one = (
        len(general.frame_id) == 1 and general.frame_id != ("bestmatch",) and not is_track(frame_id)
    )
    return f"{event_id}.jpg" if is_only_one else f"{event_id}-{frame_id}.jpg"
