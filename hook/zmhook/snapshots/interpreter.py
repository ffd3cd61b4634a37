"""Read messages of every known format into best snapshots.

A message may be anything that the network brings. Its cost is bounded before it is read: its size,
the number of its values, and (by msgspec) how deep they are nested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import PayloadError
from zmhook.image.sniff import quoted
from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.axis_object import AxisFrame, AxisScene, AxisSnapshot
from zmhook.snapshots.formats.axis_track import AxisTrack
from zmhook.snapshots.formats.frigate import Frigate
from zmhook.snapshots.formats.incoming import MOST_PARTS, IncomingMessage, MessageFormat
from zmhook.snapshots.formats.json_picture import pictures
from zmhook.snapshots.formats.tracks import Tracks
from zmhook.snapshots.formats.values import (
    BASE64,
    Json,
    Times,
    decoded,
    is_base64_picture,
    is_picture,
    picture_name,
    sound,
    text,
)
from zmhook.snapshots.snapshot import Amendment, BestSnapshot
from zmhook.text.bounded_json import Cut, Unreadable, lenient, salvaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.settings import Settings
    from zmhook.snapshots.topics import Topics

MEGABYTE = 1_000_000
RAW = "raw"
"""The format of a message that is a picture, of which nothing else is known."""
MOST_VALUES = 1_000_000
"""Values in one message; a track of four hours with ten boxes a second has fewer."""

NOT_JSON = "neither a picture nor a JSON object"
NO_PICTURE = "JSON without a picture"
NO_PICTURE_IN_LIST = "a JSON list without a picture"
"""Kinds of `PayloadError`, by which messages that fail alike are counted."""

_COUNTED_FROM = 1_000_000  # bytes: what is smaller cannot have too many
_WRAPPERS = ("data", "message", "frame", "object")
_MOST_WRAPPERS = 4
_MOST_KEYS = 5
_BLANK = b"\xef\xbb\xbf \t\r\n"


class MessageLimits(NamedTuple):
    """Bytes of a message, and pixels of a picture in it."""

    message_bytes: int = 16 * MEGABYTE
    picture_pixels: int = 50_000_000

    @classmethod
    def of(cls, settings: Settings) -> MessageLimits:
        return cls(
            round(settings.mqtt.mqtt_max_message * MEGABYTE), settings.general.max_picture_pixels
        )


class Interpreter:
    """Reads messages of every known format, recognised by their shape; for one thread.

    It remembers what ties messages to each other: of 4,096 tracks and as many pictures, and what
    Frigate tracks, at most about 10 MB in all. `part_failed` is called with the error of a part of
    a message (one of several tracks) that cannot be read while others can.
    """

    def __init__(
        self,
        topics: Topics,
        limits: MessageLimits | None = None,
        part_failed: Callable[[PayloadError], None] | None = None,
    ) -> None:
        self._topics = topics
        self._limits = limits or MessageLimits()
        self._part_failed = part_failed or _ignore
        tracks = Tracks()
        self._frigate = Frigate(topics.filters())
        self._formats: tuple[MessageFormat, ...] = (
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
        message = IncomingMessage(
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
                f"{message.name}: {len(payload)} bytes are more than [mqtt] mqtt_max_message allows"
                f" ({self._limits.message_bytes})",
            )
        # A message without content deletes what the broker keeps (MQTT 3.1.1, 3.3.1.3).
        return self._read(message) if payload else []

    def _read(self, message: IncomingMessage) -> list[BestSnapshot | Amendment]:
        picture = _raw_picture(message)
        if picture is not None:
            label = self._frigate.camera_label(message.topic)
            if label is None:
                return _raw_snapshot(message, picture)
            return self._frigate.picture(message, label, picture)
        try:
            whole = parse(message.payload, message.name)
        except PayloadError:
            if self._frigate.is_state(message.topic, message.payload):
                return []
            raise
        try:
            return message.each(whole, lambda part: self._content(message, part))
        except PayloadError as error:
            if error.kind == NO_PICTURE and message.payload.lstrip(_BLANK).startswith(b"["):
                raise PayloadError(NO_PICTURE_IN_LIST, str(error)) from None
            raise

    def _content(self, message: IncomingMessage, whole: Json) -> list[BestSnapshot | Amendment]:
        """Read JSON in the format that it has; in one that is not known, the picture in it."""
        content = unwrapped(whole)
        reader = next((known for known in self._formats if known.fits(content)), None)
        news = reader.read(message, content) if reader else []
        if reader is self._frigate or any(isinstance(item, BestSnapshot) for item in news):
            return news
        pictures = json_picture.pictures(whole)
        if pictures:
            return [*json_picture.read(message, pictures[0]), *news]
        if reader is None and not self._frigate.is_state(message.topic, message.payload):
            raise PayloadError(NO_PICTURE, f"{message.name}: {_unknown(content)}")
        return news


def _raw_picture(message: IncomingMessage) -> bytes | None:
    """Return the picture that a message is, in bytes or in base64; None when it is none."""
    payload = message.payload
    if is_picture(payload):
        return sound(payload, message.name, message.max_pixels)
    if payload.startswith(BASE64):
        text = payload.decode("ascii", "replace")
        return sound(decoded(text, message.name), message.name, message.max_pixels)
    return None


def _raw_snapshot(message: IncomingMessage, picture: bytes) -> list[BestSnapshot | Amendment]:
    """Return the snapshot of a message that is a picture, a track of its own, taken when it came.

    Home Assistant's MQTT cameras and many small ones send such. There is none of a picture that the
    broker kept, which may be of any age.
    """
    if message.retained:
        return []
    snapshot = message.snapshot(
        message.origin({}),
        Times(message.received, None, None),
        format=RAW,
        track_id=picture_name(picture),
        ended=True,
        picture=picture,
    )
    return [snapshot]


def _unknown(content: Json) -> str:
    names = ", ".join(text(name, 40) for name in list(content)[:_MOST_KEYS])
    known = "JSON without a picture, of no format that is known"
    return f"{known}, with the keys {names}" if names else "empty JSON"


def _ignore(error: PayloadError) -> None:
    """Leave out a part that cannot be read."""


# -- JSON ------------------------------------------------------------------------------------------


def parse(payload: bytes, origin: str) -> list[Json]:
    """Return the JSON object, or those in a list, at most `MOST_PARTS` of them.

    A text that begins as a picture does stands for an object with that picture. What is odd in the
    JSON is left out, and so is what stands after it; brackets that are missing at its end do not
    matter when a picture stands before. Raises `PayloadError`, whose line begins with `origin`.
    """
    if len(payload) > _COUNTED_FROM:
        _count(payload, origin)
    content = _read(payload, origin)
    parts = content if isinstance(content, list) else [content]
    objects = [content for content in map(_object, parts[:MOST_PARTS]) if content is not None]
    if objects:
        return objects
    kind = NO_PICTURE_IN_LIST if isinstance(content, list) else NOT_JSON
    raise PayloadError(kind, f"{origin}: expected a JSON object, got '{quoted(payload)}'")


def _read(payload: bytes, origin: str) -> Any:
    try:
        return lenient(payload)
    except Unreadable as error:
        if str(error).startswith("it is nested"):
            raise PayloadError(
                "JSON nested too deep", f"{origin}: JSON that is nested too deep"
            ) from None
        flaw = error
    try:
        content, is_cut = salvaged(payload)
    except Cut:
        content, is_cut = None, True
    except Unreadable:
        kind = "damaged JSON" if payload.lstrip()[:1] in (b"{", b"[") else NOT_JSON
        raise PayloadError(
            kind, f"{origin}: neither a picture nor JSON ({flaw}): '{quoted(payload)}'"
        ) from None
    if is_cut and not pictures({"": content}):
        raise PayloadError(
            "JSON cut short",
            f"{origin}: JSON that is cut short, without a whole picture: '{quoted(payload)}'",
        )
    return content


def _object(part: Any) -> Json | None:
    """Return a part of a list as an object; a list, or a text, only when a picture is in it."""
    if isinstance(part, dict):
        return part
    is_of_use = isinstance(part, list) or is_base64_picture(part)
    return {"image": part} if is_of_use and pictures({"image": part}) else None


def _count(payload: bytes, origin: str) -> None:
    if sum(map(payload.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadError(
            "JSON of too many values", f"{origin}: JSON of more than {MOST_VALUES} values"
        )


def unwrapped(content: Json) -> Json:
    """Take the content out of the objects that older firmware and recorders wrap around it."""
    for _ in range(_MOST_WRAPPERS):
        inner = next((v for v in map(content.get, _WRAPPERS) if isinstance(v, dict)), None)
        if inner is None:
            break
        outer = {"channel_id": content["channel_id"]} if "channel_id" in content else {}
        content = outer | inner
    return content
