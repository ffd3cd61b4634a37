"""The folder of fitted networks: which sizes a network's file is ready for, and which are needed.

`<base_data_path>/cache/fitted` holds, for each network, a record `<key>.json`; the key stands for
the file as it is (path, size, time of its change), so reading the record costs no checksum. The
fitted files are named after the network's checksum and their size. An empty file
`<key>-640x384.needed` says that a picture came which would fit that size. Only `fitting` writes
records and networks; an event may only note what it needs, and how a file is used.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from zmhook.detectors.yolo.fit import Size, shown, size_in
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.settings import General

VERSION = 1
"""Of the records, and of how networks are fitted: what another one made is made again."""

MOST_BYTES = 1 << 14
_SIZE = re.compile(r"-(\d{1,5}x\d{1,5})\.needed$")


class FittedSize(Struct, frozen=True):
    """One size: the bytes of the fitted file, 0 where the network's own takes it, or a refusal."""

    bytes: int = 0
    refused: str = ""


class Record(Struct, frozen=True):
    """What is known of a network: its checksum, its own input's size, and the sizes tried."""

    version: int
    sha256: str
    width: int
    height: int
    sizes: dict[str, FittedSize]

    @property
    def own(self) -> Size:
        return self.width, self.height


class Fitted(NamedTuple):
    """A file to load for an input of `size`. Another `identity` is another file."""

    path: Path
    size: Size
    identity: tuple[int, int] = (0, 0)


class FittedFiles:
    """What is ready of the network in the file `weights`."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.folder = folder
        self._weights = weights
        self._needed: set[Size] = set()

    @property
    def key(self) -> str:
        """Name the network's file as it is now; raises `OSError`."""
        path = os.path.realpath(self._weights)
        status = os.stat(path)  # noqa: PTH116 - what was resolved, in one call
        text = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    @property
    def record(self) -> Record | None:
        """Return what is known, None when nothing is."""
        try:
            path = self.folder / f"{self.key}.json"
            record = decoded(read(path, MOST_BYTES), Record)
        except (OSError, Unreadable):
            return None
        return record if record.version == VERSION else None

    def fitted(self, record: Record, size: Size) -> Fitted | None:
        """Return what to load for this size; None where it is not ready."""
        return self._ready(record, size)[0]

    def latest(self) -> Fitted | None:
        """Return what was used last: most machines have cameras of one aspect."""
        record = self.record
        if record is None:
            return None
        ready = [self._ready(record, size) for size in map(size_in, record.sizes)]
        return max(ready, key=lambda each: (each[0] is not None, each[1]), default=(None, 0))[0]

    @staticmethod
    def used(fitted: Fitted) -> None:
        """Note that a file is used: those used least are removed first."""
        with suppress(OSError):
            if fitted.identity != (0, 0):
                os.utime(fitted.path)

    def need(self, size: Size) -> None:
        """Note that a picture came that would fit this size; nothing happens where it was tried."""
        if size in self._needed:
            return
        self._needed.add(size)
        record = self.record
        if record and shown(size) in record.sizes:
            return
        with suppress(OSError):
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            self._mark(size).touch(0o664)

    def needed(self) -> list[Size]:
        """Return the sizes that pictures would have fitted."""
        with suppress(OSError):
            names = [path.name for path in self.folder.glob(f"{self.key}-*.needed")]
            return [size_in(match[1]) for match in map(_SIZE.search, sorted(names)) if match]
        return []

    def done(self, size: Size) -> None:
        """Forget that a size is needed."""
        with suppress(OSError):
            self._mark(size).unlink()

    def path_of(self, sha256: str, size: Size) -> Path:
        """Return where the fitted file lies."""
        return self.folder / f"{sha256}-{shown(size)}.onnx"

    def _mark(self, size: Size) -> Path:
        return self.folder / f"{self.key}-{shown(size)}.needed"

    def _ready(self, record: Record, size: Size) -> tuple[Fitted | None, int]:
        """Return what to load, and when it was used last (ns)."""
        entry = record.sizes.get(shown(size))
        if entry is None or entry.refused:
            return None, 0
        if not entry.bytes:
            return Fitted(self._weights, size), 0
        path = self.path_of(record.sha256, size)
        try:
            status = path.lstat()
        except OSError:
            return None, 0
        is_whole = status.st_size == entry.bytes
        identity = (status.st_ino, status.st_size)
        return Fitted(path, size, identity) if is_whole else None, status.st_mtime_ns


def folder_of(general: General) -> Path:
    return Path(general.base_data_path, "cache", "fitted")


def any_needed(general: General) -> frozenset[str]:
    """Return the names of what is needed, of whichever network."""
    with suppress(OSError):
        return frozenset(path.name for path in folder_of(general).glob("*.needed"))
    return frozenset()
