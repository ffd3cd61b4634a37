"""The log for people: `YYYY-MM-DD.log` in the store's folder, a line for each snapshot.

The earlier script wrote such logs. A line has the local time, the camera, the class with its score,
the file, and a handler's description. Nothing is rebuilt from it, so nobody waits for the disk.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from zmhook.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from zmhook.snapshots.snapshot import Attribute, StoredSnapshot

LONGEST_LINE = 1000

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)\.log", re.ASCII)


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
    time_of_day = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    score = "" if row.score is None else f" {row.score:.0%}"
    return f"{time_of_day} {row.camera or '-'} {row.label or 'unknown'}{score} {row.file}"


def _sentence(description: dict[str, Attribute]) -> str:
    return ", ".join(f"{name} {value}" for name, value in description.items())


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
