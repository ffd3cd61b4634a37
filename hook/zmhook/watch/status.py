"""The state of `zmhook watch`, a small file: where it goes on after a restart, and how it fares."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct, json

from zmhook.storage import atomic
from zmhook.storage.lock import is_locked
from zmhook.storage.regular import read as read_file
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.watch.position import Position
from zmhook.zoneminder.event_row import LATEST

if TYPE_CHECKING:
    from os import PathLike

NAME, LOCK = "watch.json", "watch.lock"
LARGEST = 1_000_000


class EventCounts(Struct, frozen=True):
    """Events since the start, by what came of them; together all that began.

    `failed` are those for which the hook could not be run, or was ended.
    """

    alarm: int = 0
    nothing: int = 0
    undecided: int = 0
    failed: int = 0
    old: int = 0
    too_many: int = 0


Moment = Annotated[float, Meta(ge=0.0, le=LATEST)]
"""Seconds since the epoch. A damaged file may hold one that no calendar has."""


class WatchStatus(Struct, frozen=True, kw_only=True):
    """The state at `at`, seconds since the epoch as `since` is (of the process's start).

    `problem` says why ZoneMinder does not answer, empty when it does. `waiting` and `in_progress`
    are numbers of events; `last_event` is the one that was handed over last, 0 for none. `ended`
    says that it was stopped, and did not end by itself.
    """

    position: Position
    pid: int
    at: Moment
    since: Moment
    problem: str = ""
    waiting: int = 0
    in_progress: int = 0
    last_event: int = 0
    last_time: Moment = 0.0
    counts: EventCounts = EventCounts()
    ended: bool = False


def folder_of(base_data_path: str) -> Path:
    """Return the folder of the file."""
    return Path(base_data_path, "state")


def write(folder: str | PathLike[str], status: WatchStatus) -> None:
    """Write the file. Raises `OSError`."""
    atomic.write(Path(folder, NAME), json.encode(status), 0o640)


def read(folder: str | PathLike[str]) -> WatchStatus | None:
    """Return what was written last; None when there is nothing that can be read."""
    with contextlib.suppress(OSError, Unreadable):
        return decoded(read_file(Path(folder, NAME), LARGEST), WatchStatus)
    return None


def is_running(folder: str | PathLike[str]) -> bool:
    """Say whether a process watches."""
    with contextlib.suppress(OSError):
        return is_locked(Path(folder, LOCK))
    return False
