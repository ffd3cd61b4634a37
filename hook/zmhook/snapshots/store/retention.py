"""What is too old or too much goes, the oldest first, a few at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from zmhook.snapshots.store import lines
from zmhook.snapshots.store.layout import PER_FOLDER

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from zmhook.snapshots.store.limits import Limits

STEP = 200
"""Pictures that are deleted at a time: what is stored waits for no more."""

_OLDEST = "SELECT number, file, size, received FROM snapshots ORDER BY received, number LIMIT ?"
_LEFT = "SELECT 1 FROM snapshots WHERE number >= ? AND number < ? LIMIT 1"


class Held(NamedTuple):
    """How many pictures there are, and their bytes."""

    pictures: int
    size: int


class Victim(NamedTuple):
    """A picture that goes."""

    number: int
    file: str
    size: int


def held(connection: sqlite3.Connection) -> Held:
    return Held(*connection.execute("SELECT count(*), total(size) FROM snapshots").fetchone())


def victims(
    connection: sqlite3.Connection, limits: Limits, now: float, holding: Held
) -> list[Victim]:
    """Return the next to go, `STEP` at the most."""
    found: list[Victim] = []
    count, size = holding.pictures, holding.size
    for number, file, its_size, received in connection.execute(_OLDEST, [STEP]):
        old = limits.max_age and received < now - limits.max_age
        many = limits.max_count and count > limits.max_count
        large = limits.max_bytes and size > limits.max_bytes
        if not (old or many or large):
            break
        found.append(Victim(number, file, its_size))
        count, size = count - 1, size - its_size
    return found


def oldest(connection: sqlite3.Connection) -> float | None:
    """Return when the oldest was received, seconds since the epoch."""
    found = connection.execute(_OLDEST, [1]).fetchone()
    return found[3] if found else None


def remove_folder(folder: Path, connection: sqlite3.Connection, name: str) -> None:
    """Remove a folder that has no rows, unless there is something in it that is not ours."""
    first = int(name) * PER_FOLDER
    if connection.execute(_LEFT, [first, first + PER_FOLDER]).fetchone():
        return
    (folder / name / lines.NAME).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / name).rmdir()
