"""A message as it came in, and what every format needs of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.pictures import picture
from zmhook.snapshots.formats.times import Clock
from zmhook.snapshots.formats.values import channel, text
from zmhook.snapshots.topics import Place, Topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.snapshots.formats.values import Json
    from zmhook.snapshots.snapshot import Amendment, BestSnapshot

    News = list[BestSnapshot | Amendment]

MOST_PARTS = 1000
"""Tracks, observations or detections that are read of one message."""


class Format(Protocol):
    """Reads one family of messages, which it knows by their shape and not by their topic."""

    def fits(self, content: Json) -> bool: ...

    def read(self, arrival: Arrival, content: Json) -> News:
        """Return what it says. Raises `PayloadError`."""


class Origin(NamedTuple):
    """The camera that a message came from, the channel it names, and the camera's clock."""

    place: Place
    channel: int | None
    clock: Clock

    def key(self, identity: str) -> tuple[str, int | None, str]:
        """Return what is one in the world of an id that is one in the camera's."""
        return self.place.camera, self.channel, identity


class Arrival(NamedTuple):
    """A message as it came in.

    `part_failed` is told of a part that cannot be read when others of the same message can.
    """

    topic: str
    payload: bytes
    retained: bool
    received: float
    topics: Topics
    max_pixels: int
    part_failed: Callable[[PayloadError], None]

    @property
    def name(self) -> str:
        """What begins every line about this message."""
        return text(self.topic) or "a message"

    def origin(self, content: Json) -> Origin:
        number = channel(content.get("channel_id"))
        place = self.topics.find(self.topic, number)
        return Origin(place, number, Clock(place.clock_offset))

    def picture(self, value: Any) -> bytes:
        return picture(value, self.name, self.max_pixels)

    def each(self, parts: Iterable[Json], read: Callable[[Json], News]) -> News:
        """Read the parts of a message; raises the first failure when nothing could be read."""
        news: News = []
        failed: list[PayloadError] = []
        for part in islice(parts, MOST_PARTS):
            try:
                news += read(part)
            except PayloadError as error:
                failed.append(error)
        if failed and not news:
            raise failed[0]
        for failure in failed:
            self.part_failed(failure)
        return news
