"""Messages → snapshots: what a camera said, in whichever of the known formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import PayloadError
from zmhook.snapshots.formats import json_picture, raw
from zmhook.snapshots.formats.arrival import Arrival
from zmhook.snapshots.formats.axis_frame import AxisFrame
from zmhook.snapshots.formats.axis_scene import AxisScene
from zmhook.snapshots.formats.axis_snapshot import AxisSnapshot
from zmhook.snapshots.formats.axis_track import AxisTrack
from zmhook.snapshots.formats.frigate import Frigate
from zmhook.snapshots.formats.payload import NO_PICTURE, NO_PICTURE_IN_LIST, parse, unwrapped
from zmhook.snapshots.formats.tracks import Tracks
from zmhook.snapshots.formats.values import text
from zmhook.snapshots.snapshot import BestSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.settings import Settings
    from zmhook.snapshots.formats.arrival import Format
    from zmhook.snapshots.formats.values import Json
    from zmhook.snapshots.snapshot import Amendment
    from zmhook.snapshots.topics import Topics

MEGABYTE = 1_000_000
_MOST_KEYS = 5
_BLANK = b"\xef\xbb\xbf \t\r\n"


class Limits(NamedTuple):
    """What a message may be: bytes in all, and pixels of a picture in it."""

    message_bytes: int = 16 * MEGABYTE
    picture_pixels: int = 50_000_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            round(settings.mqtt.mqtt_max_message * MEGABYTE), settings.general.max_picture_pixels
        )


class Interpreter:
    """Reads messages of every known format, which it tells by their shape; for one thread.

    It remembers what ties messages to each other: of 4,096 tracks and as many pictures, and what
    Frigate tracks, at most about 10 MB in all. `part_failed` is told of a part of a message (one of
    several tracks in it) that cannot be read while others can.
    """

    def __init__(
        self,
        topics: Topics,
        limits: Limits | None = None,
        part_failed: Callable[[PayloadError], None] | None = None,
    ) -> None:
        self._topics = topics
        self._limits = limits or Limits()
        self._part_failed = part_failed or _ignore
        tracks = Tracks()
        self._frigate = Frigate(topics.filters())
        self._formats: tuple[Format, ...] = (
            self._frigate,
            AxisSnapshot(tracks),
            AxisFrame(tracks),
            AxisTrack(tracks),
            AxisScene(tracks),
        )

    def read(
        self, topic: str, payload: bytes, *, retained: bool = False, received: float
    ) -> list[BestSnapshot | Amendment]:
        """Return what a message says; nothing, for one that is understood and brings no news.

        `received` is seconds since the epoch, `retained` whether the broker had kept the message
        for whoever comes. Raises `PayloadError` for a message that is not understood, and nothing
        else, whatever the bytes.
        """
        arrival = Arrival(
            topic,
            payload,
            retained,
            received,
            self._topics,
            self._limits.picture_pixels,
            self._part_failed,
        )
        if len(payload) > self._limits.message_bytes:
            raise PayloadError(
                "too large",
                f"{arrival.name}: {len(payload)} bytes are more than [mqtt] mqtt_max_message allows"
                f" ({self._limits.message_bytes})",
            )
        # A message without content deletes what the broker keeps (MQTT 3.1.1, 3.3.1.3).
        return self._read(arrival) if payload else []

    def _read(self, arrival: Arrival) -> list[BestSnapshot | Amendment]:
        picture = raw.picture_in(arrival)
        if picture is not None:
            where = self._frigate.where(arrival.topic)
            read = self._frigate.picture(arrival, where, picture) if where else None
            return raw.read(arrival, picture) if read is None else read
        try:
            whole = parse(arrival.payload, arrival.name)
        except PayloadError:
            if self._frigate.is_state(arrival.topic, arrival.payload):
                return []
            raise
        try:
            return arrival.each(whole, lambda part: self._content(arrival, part))
        except PayloadError as error:
            if error.kind == NO_PICTURE and arrival.payload.lstrip(_BLANK).startswith(b"["):
                raise PayloadError(NO_PICTURE_IN_LIST, str(error)) from None
            raise

    def _content(self, arrival: Arrival, whole: Json) -> list[BestSnapshot | Amendment]:
        """Read JSON in the format that it has; in one that is not known, the picture in it."""
        content = unwrapped(whole)
        reader = next((one for one in self._formats if one.fits(content)), None)
        news = reader.read(arrival, content) if reader else []
        if reader is self._frigate or any(isinstance(one, BestSnapshot) for one in news):
            return news
        found = json_picture.pictures(whole)
        if found:
            return [*json_picture.read(arrival, found[0]), *news]
        if reader is None and not self._frigate.is_state(arrival.topic, arrival.payload):
            raise PayloadError(NO_PICTURE, f"{arrival.name}: {_unknown(content)}")
        return news


def _unknown(content: Json) -> str:
    names = ", ".join(text(name, 40) for name in list(content)[:_MOST_KEYS])
    known = "JSON without a picture, of no format that is known"
    return f"{known}, with the keys {names}" if names else "empty JSON"


def _ignore(error: PayloadError) -> None:
    """Leave a part that cannot be read out; the others of its message tell enough."""
