"""The file of the known people's encodings, `faces.npz`, and the lock of its folder.

Arrays only, read without pickle. Per picture (`m` of them): `path`, `size`, `mtime_ns`, `sha256`
of the file, `recipe` (how it was looked at) and `reason` (why it cannot be used; empty when it
can), and `encodings` `(n, 128)` of the usable ones in the same order.
"""

from __future__ import annotations

import io
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from zmhook.detectors.face.encoding import SIZE, KnownFaces
from zmhook.detectors.face.pictures import person_of
from zmhook.errors import TrainingError
from zmhook.printable import one_line
from zmhook.storage import atomic
from zmhook.storage.lock import lock_within, open_folder
from zmhook.storage.regular import read as read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

FILE = "faces.npz"
FORMAT = 1
LARGEST = 256 << 20
"""Bytes of the file; a picture takes less than a kilobyte."""
_TEXTS = ("path", "sha256", "recipe", "reason")
_NUMBERS = ("size", "mtime_ns")


class FaceEntry(NamedTuple):
    """What is known of one picture. `encoding` (128 numbers) is None when it cannot be used."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    recipe: str
    reason: str
    encoding: npt.NDArray[np.float32] | None


FaceEntries = dict[str, FaceEntry]


def read(path: Path) -> FaceEntries:
    """Return the entries by path, none when there is no file.

    Raises `TrainingError` when the file is damaged, of another format or cannot be read.
    """
    try:
        with np.load(io.BytesIO(read_file(path, LARGEST)), allow_pickle=False) as file:
            return _entries({name: file[name] for name in file.files})
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - zipfile and numpy raise many things on damage
        raise TrainingError(f"{path} is damaged ({one_line(error)})") from None


def write(path: Path, entries: Iterable[FaceEntry]) -> None:
    """Write the entries so that a reader sees the old file or the new one; raises `OSError`."""
    rows = list(entries)
    arrays: dict[str, Any] = {
        name: np.array([getattr(row, name) for row in rows], dtype=np.str_) for name in _TEXTS
    }
    for name in _NUMBERS:
        arrays[name] = np.array([getattr(row, name) for row in rows], dtype=np.int64)
    used = [row.encoding for row in rows if row.encoding is not None]
    arrays["encodings"] = np.array(used, dtype=np.float32).reshape(-1, SIZE)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, format=np.int64(FORMAT), **arrays)
    atomic.write(path, buffer.getvalue(), durable=True)


def known(entries: Mapping[str, FaceEntry]) -> KnownFaces:
    """Return the usable ones for comparing."""
    used = [entry for entry in entries.values() if entry.encoding is not None]
    encodings = np.array([entry.encoding for entry in used], dtype=np.float32).reshape(-1, SIZE)
    paths = [_text(entry.path) for entry in used]
    return KnownFaces([person_of(path) for path in paths], paths, encodings)


def _entries(arrays: Mapping[str, npt.NDArray[Any]]) -> FaceEntries:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {arrays['format']}, {FORMAT} is understood")
    encodings = arrays["encodings"]
    columns = [arrays[name].tolist() for name in FaceEntry._fields[:-1]]
    usable = columns[FaceEntry._fields.index("reason")].count("")
    if encodings.shape != (usable, SIZE) or not np.isfinite(encodings).all():
        raise ValueError(f"encodings {encodings.shape}, ({usable}, {SIZE}) are expected")
    following = iter(encodings.astype(np.float32))
    taken = [None if reason else next(following) for reason in columns[-1]]
    rows = [FaceEntry(*row) for row in zip(*columns, taken, strict=True)]
    return {row.path: row for row in rows}


def _text(name: str) -> str:
    """Replace bytes of a file name that are not UTF-8, which no JSON could hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


log = logging.getLogger(__name__)


@contextmanager
def folder_lock(folder: Path, wait: float) -> Iterator[bool]:
    """Hold the folder's lock; false when another process still has it after `wait` seconds.

    The folder itself is locked (flock), so there is no lock file to be left behind, or to belong
    to the wrong user. Where that is not possible (NFS), there is no lock: two trainings then
    do the same work twice, and the file stays right because it is replaced as a whole.
    """
    try:
        descriptor = open_folder(folder)
    except OSError as error:
        log.debug("%s cannot be locked: %s", folder, error.strerror)
        yield True
        return
    try:
        yield _locked(descriptor, wait)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, wait: float) -> bool:
    try:
        return lock_within(descriptor, wait)
    except OSError as error:
        log.debug("the folder cannot be locked: %s", error.strerror)
        return True
