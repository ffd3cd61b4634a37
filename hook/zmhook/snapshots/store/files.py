"""Write pictures: whole or not at all, durably, and never over another file."""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.snapshots.store.layout import temporary_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

AT_ONCE = 64
"""Files that are open at a time, on their way to the disk."""

_START_WRITING = 2
"""SYNC_FILE_RANGE_WRITE of sync_file_range(2): begin to write, do not wait."""
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class NewFile(NamedTuple):
    """A picture and where it goes, below the store's folder."""

    number: int
    file: str
    data: bytes


class PictureWriter:
    """Pictures on their way into the store's folder. Whoever gives up calls `undo`."""

    def __init__(self, folder: Path, new: Sequence[NewFile]) -> None:
        self._folder = folder
        self._new = new
        self._temporary = [folder / temporary_file(file.number) for file in new]
        self._shown: list[Path] = []

    def fill(self) -> None:
        """Put the pictures under their temporary names, safe against a power cut.

        Writing starts for many before the first is waited for: a file system's journal is then
        written once for all. syncfs(2) would do the same in one call, but wait for everything
        that others write there, which beside ZoneMinder is a lot of video.
        """
        for name in self._folders():
            make_folder(self._folder / name)
        for begin in range(0, len(self._new), AT_ONCE):
            _fill(
                [file.data for file in self._new[begin : begin + AT_ONCE]],
                self._temporary[begin : begin + AT_ONCE],
            )

    def show(self) -> None:
        """Give the pictures their names, for good.

        Raises `FileExistsError` when somebody else's file has one of them.
        """
        for file, temporary in zip(self._new, self._temporary, strict=True):
            final = self._folder / file.file
            rename(temporary, final)
            self._shown.append(final)
        sync_folders(self._folder / name for name in self._folders())

    def undo(self) -> None:
        """Remove what was written, as far as that is possible."""
        for path in (*self._temporary, *self._shown):
            with suppress(OSError):
                path.unlink()

    def _folders(self) -> list[str]:
        return list(dict.fromkeys(file.file.partition("/")[0] for file in self._new))


def rename(temporary: Path, final: Path) -> None:
    """Give a file another name, but never replace a file, as the system call would."""
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links (vfat, some shares): only we write here, so a check is safe.
        if final.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from None
        temporary.rename(final)
    else:
        temporary.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder of pictures, for good, unless it is there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    sync_folders([folder.parent])


def sync_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _fill(pictures: Sequence[bytes], paths: Sequence[Path]) -> None:
    descriptors: list[int] = []
    try:
        for data, path in zip(pictures, paths, strict=True):
            path.unlink(missing_ok=True)  # of an attempt that was cut short
            descriptors.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
            _write(descriptors[-1], data)
            _start_writing()(descriptors[-1])
        for descriptor in descriptors:
            os.fdatasync(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@cache
def _start_writing() -> Callable[[int], object]:
    """Return the call that starts writing a file to the disk; it is optional, only faster."""
    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is None:
        return lambda descriptor: None  # noqa: ARG005 - nothing to do
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return lambda descriptor: call(descriptor, 0, 0, _START_WRITING)
