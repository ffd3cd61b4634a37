"""What tells from outside that a database in use was tampered with: sizes, times, other files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.storage.corruption import File
from zmhook.storage.sqlite import WAL_BYTES

if TYPE_CHECKING:
    from pathlib import Path

SMALL = 8 << 20
LEAST, UNIT = 512, 512
"""Bytes of the smallest file; and what every page is a multiple of."""


class Vitals(NamedTuple):
    """The sizes of the file and of its log, the file's last change, and which log it is."""

    size: int
    changed: int
    log: File | None
    log_size: int

    @classmethod
    def of(cls, path: Path) -> Vitals:
        """Return how it is now; raises `OSError`."""
        main = path.stat()
        try:
            log = path.with_name(f"{path.name}-wal").stat()
        except FileNotFoundError:
            return cls(main.st_size, main.st_ctime_ns, None, 0)
        return cls(main.st_size, main.st_ctime_ns, (log.st_dev, log.st_ino), log.st_size)

    def flaw(self) -> str:
        """Return what shows that it is no database any more; "" when nothing does."""
        return "it was cut short" if self.size < LEAST or self.size % UNIT else ""

    def is_suspect(self, before: Vitals) -> bool:
        """Say whether another one than the user of `before` has written to the file or its log.

        That may be another process of ours.
        """
        return self.changed != before.changed or bool(self.loss(before))

    @property
    def is_small(self) -> bool:
        """Say whether all of it can be looked at in some milliseconds."""
        return self.size <= SMALL

    def has_shrunk(self, before: Vitals) -> bool:
        """Say whether it is smaller, as it is when old entries are forgotten, too."""
        return self.size < before.size

    def loss(self, before: Vitals) -> str:
        """Return what nobody of ours does to the log of a database in use; "" for nothing."""
        if before.log is not None and self.log != before.log:
            return "its -wal was deleted or replaced"
        if self.log_size < min(before.log_size, WAL_BYTES):
            return "its -wal was cut short"
        return ""
