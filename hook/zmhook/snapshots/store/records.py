"""The store's records as text: `snapshots.jsonl`, and a log for people.

`snapshots.jsonl` beside a folder's pictures has a JSON line for each picture and each change. The
last line of a number counts. The index is made from it again when that is lost, so a line is on
the disk before its picture has its name. A line without a picture is of an attempt that failed, or
of a picture that was deleted.

`YYYY-MM-DD.log` in the store's folder, as the earlier script wrote it, has a line for each
snapshot: the local time, the camera, the class with its score, the file, and a handler's
description. Nothing is rebuilt from it, so nobody waits for the disk.
"""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING

from msgspec import DecodeError, ValidationError, json

from zmhook.printable import printable
from zmhook.snapshots.snapshot import Attribute, StoredSnapshot
from zmhook.snapshots.store import layout
from zmhook.storage import atomic
from zmhook.storage.regular import UNUSABLE, open_regular
from zmhook.text.local_time import local_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "snapshots.jsonl"
LONGEST_FILE = 8_000_000
"""Bytes above which only the last line of each number is kept; 1,024 lines take one megabyte."""

LONGEST_LINE = 1000

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)\.log", re.ASCII)
_DECODER = json.Decoder(StoredSnapshot)


class JsonLines:
    """Writes the JSON lines of a store; the methods raise `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ceilings: dict[Path, int] = {}

    def append(self, rows: Iterable[StoredSnapshot], *, durable: bool = False) -> None:
        """Add a line for each row to its folder's file."""
        lines: dict[str, list[bytes]] = {}
        for row in rows:
            lines.setdefault(layout.folder_name(row.number), []).append(json.encode(row))
        for name, new in lines.items():
            path = self._folder / name / NAME
            size = _append(path, b"\n".join(new) + b"\n", durable=durable)
            if size > self._ceilings.get(path, LONGEST_FILE):
                # Twice what is left: however long the lines are, this happens rarely.
                self._ceilings[path] = max(LONGEST_FILE, 2 * _shorten(path))


def read(path: Path) -> dict[int, StoredSnapshot]:
    """Return the last row of each number in a `snapshots.jsonl`; none when there is no file.

    A broken line (a power cut, an editor) is skipped. Raises `OSError`.
    """
    rows: dict[int, StoredSnapshot] = {}
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        return rows
    except OSError as error:
        if error.errno not in UNUSABLE:
            raise
        log.warning("%s: cannot be read: %s", path, error.strerror)
        return rows
    with os.fdopen(descriptor, "rb") as file:
        for line in file:
            try:
                row = _DECODER.decode(line)
            except (DecodeError, ValidationError, UnicodeDecodeError):
                continue
            rows[row.number] = row
    return rows


def highest(folder: Path) -> int:
    """Return the highest number in any line, -1 for none: a deleted picture's counts as well."""
    highest = (max(read(folder / name / NAME), default=-1) for name in layout.folders(folder))
    return max(highest, default=-1)


def _append(path: Path, data: bytes, *, durable: bool) -> int:
    """Return the size of the file afterwards."""
    path.parent.mkdir(exist_ok=True)  # somebody may delete pictures and their folder
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # a line that was cut off spoils none after it
        _write_or_cut(descriptor, data, size)
        if durable:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    return size + len(data)


def _write_or_cut(descriptor: int, data: bytes, size: int) -> None:
    """Write all of it, or (a full disk) leave the file as it was."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _shorten(path: Path) -> int:
    """Keep the last line of each number; return the size that is left."""
    rows = read(path)
    data = b"".join(json.encode(rows[number]) + b"\n" for number in sorted(rows))
    atomic.write(path, data, durable=True)
    return len(data)


class Journal:
    """Writes the dated logs of a store; the methods raise `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stored(self, rows: Iterable[StoredSnapshot], now: float) -> None:
        self._append([_line(row, now) for row in rows], now)

    def described(self, row: StoredSnapshot, now: float) -> None:
        self._append([f"{_line(row, now)}: {_sentence(row.description or {})}"], now)

    def forget(self, before: float) -> None:
        """Delete the logs of the days before that of `before`, seconds since the epoch."""
        first = _day(before)
        for path in self._folder.iterdir():
            match = _DATED.fullmatch(path.name)
            if match and match[1] < first:
                path.unlink(missing_ok=True)

    def _append(self, lines: list[str], now: float) -> None:
        if not lines:
            return
        with (self._folder / f"{_day(now)}.log").open("a", encoding="utf-8") as log:
            log.write("".join(f"{printable(line[:LONGEST_LINE])}\n" for line in lines))


def _line(row: StoredSnapshot, now: float) -> str:
    time_of_day = local_time(now)
    score = "" if row.score is None else f" {row.score:.0%}"
    return f"{time_of_day} {row.camera or '-'} {row.label or 'unknown'}{score} {row.file}"


def _sentence(description: dict[str, Attribute]) -> str:
    return ", ".join(f"{name} {value}" for name, value in description.items())


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
