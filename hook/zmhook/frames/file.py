"""One picture file, looked at in place of an event's pictures; and how any such file is read."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import FrameNotNeeded, FrameUnavailable
from zmhook.frames.base import FrameSource
from zmhook.image.decode import checked
from zmhook.image.header import MAX_BYTES
from zmhook.storage import nofollow, regular

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.frame import Picture


class FileSource(FrameSource):
    """Gives its picture, with the frame id `file`, in the place of whatever is asked for first."""

    def __init__(self, path: str | Path, max_pixels: int) -> None:
        self.path = Path(path)
        self.max_pixels = max_pixels
        self._given = False
        self._read: bytes | FrameUnavailable | None = None

    def read_now(self) -> None:
        """Read it while we may; what is wrong with it is raised when it is asked for."""
        try:
            self._read = read(self.path)
        except FrameUnavailable as error:
            self._read = error

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture:
        """Raise `FrameError` when the file is not a picture that can be read.

        Asked again it raises `FrameNotNeeded`: one look at the same picture is enough.
        """
        deadline.check(f"reading {self.path}")
        if self._given:
            raise FrameNotNeeded(f"{frame_id}: {self.path} has been looked at")
        if isinstance(self._read, FrameUnavailable):
            raise self._read
        data = read(self.path) if self._read is None else self._read
        picture = checked(data, "file", str(self.path), self.max_pixels)
        self._given = True
        return picture


def read(path: Path) -> bytes:
    """Return the file's bytes.

    Raises `FrameUnavailable`; its `retry` is true when the file is not there (yet).
    """
    return _read(path, lambda: regular.read(path, MAX_BYTES, follow=True))


def read_of_event(path: Path) -> bytes:
    """Do as `read` for a file that lies in an event's folder: root follows no link of others."""
    return _read(path, lambda: nofollow.read(path, MAX_BYTES))


def _read(path: Path, read: Callable[[], bytes]) -> bytes:
    try:
        _check(path)
        return read()
    except FileNotFoundError:
        raise FrameUnavailable(f"{path}: there is no such file", retry=True) from None
    except PermissionError:
        raise FrameUnavailable(
            f"{path}: no permission to read it: run as a user who may, such as the web server's"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise FrameUnavailable(f"{str(path)!r}: cannot be read ({reason})") from None


def _check(path: Path) -> None:
    """Refuse what would be read for ever, or eat all memory, before it is opened."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise FrameUnavailable(
            f"{path}: is a folder: name a picture in it, or give it as the event's path"
        )
    if not stat.S_ISREG(found.st_mode):
        raise FrameUnavailable(f"{path}: is not a regular file")
    if found.st_size > MAX_BYTES:
        raise FrameUnavailable(f"{path}: has {found.st_size} bytes; at most {MAX_BYTES} are read")
