"""Delete what is too old or too much, the oldest first, a few at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from zmhook.snapshots.store import jsonl
from zmhook.snapshots.store.layout import PER_FOLDER

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from zmhook.settings import Snapshots

DAY = 86400.0
MEGABYTE = 1_000_000

STEP = 200
"""Pictures that are deleted at a time: whoever stores waits for no more."""

_OLDEST = "SELECT number, file, size, received FROM snapshots ORDER BY received, number LIMIT ?"
_LEFT = "SELECT 1 FROM snapshots WHERE number >= ? AND number < ? LIMIT 1"


class StoreLimits(NamedTuple):
    """What the store may take; 0 is no limit.

    `max_age` is in seconds since a snapshot was received; `max_bytes` counts the pictures;
    `reserve` is the bytes of the disk that are left free.
    """

    max_age: float = 0.0
    max_count: int = 0
    max_bytes: int = 0
    reserve: int = 0

    @classmethod
    def of(cls, settings: Snapshots) -> StoreLimits:
        return cls(
            settings.snapshot_max_age * DAY,
            settings.snapshot_max_count,
            round(settings.snapshot_max_size * MEGABYTE),
            round(settings.snapshot_disk_reserve * MEGABYTE),
        )


class StoreUsage(NamedTuple):
    """How many pictures there are, and their bytes."""

    pictures: int
    size: int


class Victim(NamedTuple):
    """A picture that goes."""

    number: int
    file: str
    size: int


def usage(connection: sqlite3.Connection) -> StoreUsage:
    return StoreUsage(*connection.execute("SELECT count(*), total(size) FROM snapshots").fetchone())


def victims(
    connection: sqlite3.Connection, limits: StoreLimits, now: float, used: StoreUsage
) -> list[Victim]:
    """Return the next to go, `STEP` at the most."""
    victims: list[Victim] = []
    count, size = used
    for number, file, its_size, received in connection.execute(_OLDEST, [STEP]):
        old = limits.max_age and received < now - limits.max_age
        many = limits.max_count and count > limits.max_count
        large = limits.max_bytes and size > limits.max_bytes
        if not (old or many or large):
            break
        victims.append(Victim(number, file, its_size))
        count, size = count - 1, size - its_size
    return victims


def oldest(connection: sqlite3.Connection) -> float | None:
    """Return when the oldest was received, seconds since the epoch."""
    row = connection.execute(_OLDEST, [1]).fetchone()
    return row[3] if row else None


def remove_folder(folder: Path, connection: sqlite3.Connection, name: str) -> None:
    """Remove a folder that has no rows, unless it holds something that is not ours."""
    first = int(name) * PER_FOLDER
    if connection.execute(_LEFT, [first, first + PER_FOLDER]).fetchone():
        return
    (folder / name / jsonl.NAME).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / name).rmdir()
