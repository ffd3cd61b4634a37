"""An event and what its caller said about it."""

from __future__ import annotations

import time

from msgspec import Struct, field

from zmhook.text.names import on_disk


class Event(Struct, frozen=True, kw_only=True):
    """One event, as the caller named it.

    `id` is None when a picture is looked at without an event (`--file`); `path` is the event's
    folder when the caller gave it; `asked` is when we were asked, seconds since the epoch.
    """

    id: int | None = None
    monitor_id: int | None = None
    monitor_name: str = ""
    cause: str = ""
    path: str = ""
    asked: float = field(default_factory=time.time)

    @property
    def folder(self) -> str:
        """The event's folder as the disk names it; `path` is the same as text, for JSON."""
        return on_disk(self.path)

    def __str__(self) -> str:
        name = f"event {self.id}" if self.id is not None else "picture"
        return f"{name} of monitor {self.monitor_id}" if self.monitor_id is not None else name

    def named(self, problem: str) -> str:
        """Return a problem after the event's name; one of a picture file names that itself."""
        return problem if self.id is None else f"{self}: {problem}"
