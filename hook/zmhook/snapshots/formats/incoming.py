"""An incoming message, and what every format needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.classes import NOTHING, Classes
from zmhook.snapshots.formats.values import Clock, Json, Times, channel, picture, text
from zmhook.snapshots.snapshot import Amendment, Attribute, BestSnapshot
from zmhook.snapshots.topics import TopicMatch, Topics

if TYPE_CHECKING:
    News = list[BestSnapshot | Amendment]

MOST_PARTS = 1000
"""Tracks, observations or detections that are read of one message."""


class MessageFormat(Protocol):
    """Reads one family of messages, recognised by their shape and not by their topic."""

    def fits(self, content: Json) -> bool: ...

    def read(self, message: IncomingMessage, content: Json) -> News:
        """Return what the content says. Raises `PayloadError`."""


class MessageOrigin(NamedTuple):
    """The camera that a message came from, the channel it names, and the camera's clock."""

    match: TopicMatch
    channel: int | None
    clock: Clock

    def key(self, identity: str) -> tuple[str, int | None, str]:
        """Make an id of the camera's unique among all cameras."""
        return self.match.camera, self.channel, identity

    def amendment(self, track_id: str, **news: object) -> Amendment:
        return Amendment(
            camera=self.match.camera,
            channel=self.channel,
            track_id=track_id,
            **news,  # type: ignore[arg-type]  # each is one of its fields
        )


class IncomingMessage(NamedTuple):
    """A message as it came in.

    `part_failed` is called with the error of each part that cannot be read while others can.
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
        """The topic, or `a message`: the beginning of every line about it."""
        return text(self.topic) or "a message"

    def origin(self, content: Json) -> MessageOrigin:
        number = channel(content.get("channel_id"))
        match = self.topics.find(self.topic, number)
        return MessageOrigin(match, number, Clock(match.clock_offset))

    def picture(self, value: Any) -> bytes:
        return picture(value, self.name, self.max_pixels)

    def snapshot(
        self,
        origin: MessageOrigin,
        times: Times,
        classes: Classes = NOTHING,
        attributes: dict[str, Attribute] | None = None,
        **facts: Any,
    ) -> BestSnapshot:
        """Return a best snapshot of this message; `facts` are its remaining fields.

        `attributes` are those beside the attributes of its class.
        """
        ahead = {"clock_ahead_s": times.ahead} if times.ahead else {}
        return BestSnapshot(
            camera=origin.match.camera,
            monitor_id=origin.match.monitor_id,
            channel=origin.channel,
            topic=self.topic,
            received=self.received,
            taken=times.taken,
            start=times.start,
            end=times.end,
            label=classes.label,
            score=classes.score,
            classes=classes.all,
            colours=classes.colours,
            attributes={**classes.attributes, **(attributes or {}), **ahead},
            **facts,
        )

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
