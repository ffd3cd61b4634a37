"""Reserve room on the disk for messages, to release when there is no other.

Files in the spool's folder, several because a disk may run out of files before it runs out of room.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from zmhook.storage.disk import free
from zmhook.storage.regular import discard, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = 8
BYTES = 512 << 10
"""Of each file: all together hold a picture and what belongs to it."""
TIMES = 4
"""It is made where so many times as much is free."""


def keep(folder: Path) -> None:
    """Make what is missing of it, where there is room. Raises nothing."""
    missing = [path for path in _paths(folder) if not os.path.lexists(path)]
    if not missing:
        return
    with suppress(OSError):
        room, files = free(folder)
        if room < TIMES * FILES * BYTES or (files is not None and files < TIMES * FILES):
            return
        for path in missing:
            _make(path)


def give_up(folder: Path) -> bool:
    """Remove it; say whether there was any. Raises nothing."""
    removed = False
    for path in _paths(folder):
        if os.path.lexists(path):
            with suppress(OSError):
                discard(path)
                removed = True
    return removed


def _make(path: Path) -> None:
    """Make one file that really has its room. Raises `OSError`, and leaves nothing then."""
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        os.posix_fallocate(descriptor, 0, BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _paths(folder: Path) -> Iterator[Path]:
    return (folder / f"reserve-{number}" for number in range(FILES))
