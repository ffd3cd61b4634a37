"""How much is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zmhook.settings import Snapshots

DAY = 86400.0
MEGABYTE = 1_000_000


class Limits(NamedTuple):
    """What the store may take; 0 is no limit.

    `max_age` is in seconds since a snapshot was received; `max_bytes` counts the pictures;
    `reserve` is the bytes of the disk that are left free.
    """

    max_age: float = 0.0
    max_count: int = 0
    max_bytes: int = 0
    reserve: int = 0

    @classmethod
    def of(cls, settings: Snapshots) -> Limits:
        return cls(
            settings.snapshot_max_age * DAY,
            settings.snapshot_max_count,
            round(settings.snapshot_max_size * MEGABYTE),
            round(settings.snapshot_disk_reserve * MEGABYTE),
        )
