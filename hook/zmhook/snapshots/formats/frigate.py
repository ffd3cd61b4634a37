"""Frigate: `PREFIX/events` says what is tracked, `PREFIX/CAMERA/LABEL/snapshot` is a picture.

Source: Frigate documentation, integrations/mqtt. The picture is a JPEG without an event's id or a
time, sent when Frigate has a better one of that label, and once more when the label is gone: which
event it shows is told by camera, label and time alone. It is retained, so a picture may be of any
age when it is the first thing that a broker sends; such a one is not used.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from msgspec import Struct, field

from zmhook.snapshots.formats.classes import MOST_ATTRIBUTES, Classes, names
from zmhook.snapshots.formats.tracks import NEWS_EVERY
from zmhook.snapshots.formats.values import (
    Json,
    Times,
    fraction,
    identity,
    label,
    picture_name,
    settled,
    text,
)
from zmhook.snapshots.snapshot import Attribute, BestSnapshot, Classification
from zmhook.storage.lru import LruCache
from zmhook.text.bounded_json import Unreadable, lenient, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.snapshots.formats.incoming import IncomingMessage, MessageOrigin, News

FORMAT = "frigate"

APART = 10.0
"""Seconds that may lie between a picture and an ended event that belong together."""

REMEMBERED = 512
"""Cameras times labels that are remembered, and pictures: some hundred bytes each."""

MOST_EVENTS = 32
"""Events of one label that one camera may have at a time."""

_PAIRS_OF_OURS = ("sub_label", "recognized_license_plate")

_TYPES = ("new", "update", "end")

# Labels that identify a picture as Frigate's before its first event came; others count when the
# topic's prefix says frigate, or has brought events.
_LABELS = frozenset(
    {"person", "face", "bicycle", "car", "motorcycle", "bus", "truck", "boat", "license_plate"}
    | {"dog", "cat", "bird", "horse", "sheep", "cow", "bear", "deer", "package"}
)


MOST_LEVELS = 16
"""Levels of a topic in which Frigate's prefix is searched."""

# What Frigate publishes for a camera as PREFIX/CAMERA/SWITCH/state, whatever the prefix.
_SWITCHES = frozenset(
    {"enabled", "detect", "audio", "recordings", "snapshots", "motion", "improve_contrast"}
    | {"motion_threshold", "motion_contour_area", "ptz_autotracker", "notifications"}
    | {"review_alerts", "review_detections", "object_descriptions", "review_descriptions"}
    | {"birdseye", "birdseye_mode", "audio_transcription"}
)


# What Frigate publishes on PREFIX/NAME, and on PREFIX/CAMERA/NAME or PREFIX/CAMERA/NAME/….
_GLOBAL_TOPICS = frozenset(
    {"available", "stats", "reviews", "tracked_object_update", "triggers", "camera_activity"}
    | {"onConnect", "restart", "model_state", "job_state", "birdseye_layout", "audio_detections"}
    | {"embeddings_reindex_progress", "notification_test", "profile", "notifications"}
)
_CAMERA_TOPICS = frozenset(
    {"motion", "review_status", "all", "audio", "status", "classification", "ptz"}
    | {"motion_mask", "object_mask", "zone"}
)
_LAST_LEVELS = frozenset({"state", "set", "active", "suspend", "suspended"})
_STATS = frozenset({"detectors", "cameras", "service", "cpu_usages"})
_MOST_DIGITS = 9
_MOST_STATS = 100_000

_SUBSCRIBED = re.compile(r"(?:\$share/[^/]*/)?([^+#]+)/(?:events|\+/[^/#]+/snapshot)")


class CameraLabel(NamedTuple):
    """The camera and label of an event or picture, and the topic that stands for both."""

    prefix: str
    camera: str
    label: str

    @property
    def topic(self) -> str:
        return f"{self.prefix}/{self.camera}/{self.label}/snapshot"


class FrigateEvent(Struct):
    """What the last message says of an event, by our clock; `taken` is its best picture's time.

    `end` is when it ended, or, while it goes on, the time of its last frame; `reported` is the last
    end that was handed on.
    """

    id: str
    received: float
    start: float | None = None
    end: float | None = None
    taken: float | None = None
    ended: bool = False
    score: float | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    pictured: bool = False
    reported: float = 0.0

    def has_news(self) -> bool:
        """Say whether to report it; that it goes on, not each time."""
        goes_on = self.pictured and (self.end or 0.0) - self.reported >= NEWS_EVERY
        return self.ended or goes_on


class FrigatePicture(NamedTuple):
    """A picture that was handed on: the track it was given to, and when it came."""

    track_id: str
    taken: float
    received: float


class Frigate:
    """Pairs pictures with events, whichever comes first."""

    def __init__(self, subscribed: Iterable[str] = ()) -> None:
        """Learn the prefixes in the topics that are subscribed to."""
        self._events: LruCache[CameraLabel, dict[str, FrigateEvent]] = LruCache(REMEMBERED)
        self._pictures: LruCache[tuple[CameraLabel, str], FrigatePicture] = LruCache(REMEMBERED)
        self._waiting: LruCache[CameraLabel, str] = LruCache(REMEMBERED)
        self._prefixes: LruCache[str, bool] = LruCache(REMEMBERED)
        for match in filter(None, map(_SUBSCRIBED.fullmatch, subscribed)):
            self._prefixes.put(match[1], True)

    def fits(self, content: Json) -> bool:
        is_event = "id" in mapping(content.get("after")) and content.get("type") in _TYPES
        return is_event and "camera" in content["after"]

    def camera_label(self, topic: str) -> CameraLabel | None:
        """Return whose picture a topic brings, None when it is none of Frigate's."""
        levels = topic.rsplit("/", 3)
        if len(levels) < len(CameraLabel._fields) + 1 or levels[3] != "snapshot" or not all(levels):
            return None
        key = CameraLabel(*levels[:3])
        is_ours = "frigate" in key.prefix.lower() or key.label in _LABELS
        return key if is_ours or self._prefixes.get(key.prefix) else None

    def is_state(self, topic: str, payload: bytes = b"") -> bool:
        """Whether Frigate tells of itself in a message: states, counts, reviews.

        What it brings is no picture. Its events, and its pictures, are none of these. Where the
        prefix does not say frigate, only what Frigate is known to tell is. A prefix is learnt from
        what only Frigate tells below it.
        """
        self._learn(topic, payload)
        prefix, below = self._below(topic)
        if not prefix:
            return _is_switch(topic.split("/"))
        if not below or below == ["events"] or below[-1] == "snapshot":
            return False
        return "frigate" in prefix.lower() or _is_state_topic(below, payload)

    def _learn(self, topic: str, payload: bytes) -> None:
        prefix, _, name = topic.rpartition("/")
        is_up = name == "available" and payload.strip() in (b"online", b"offline")
        if prefix and (is_up or (name == "stats" and _is_stats(payload))):
            self._prefixes.put(prefix, True)

    def _below(self, topic: str) -> tuple[str, list[str]]:
        """Return Frigate's prefix and what follows it, "" for what is not known as Frigate's."""
        levels = topic.split("/")
        for count in range(1, min(len(levels), MOST_LEVELS)):
            prefix = "/".join(levels[:count])
            if "frigate" in levels[count - 1].lower() or self._prefixes.get(prefix):
                return prefix, levels[count:]
        return "", []

    # -- Events ----------------------------------------------------------------------------------

    def read(self, message: IncomingMessage, content: Json) -> News:
        """Remember an event; return what it changes in snapshots handed on."""
        after = content["after"]
        camera_label = CameraLabel(
            message.topic.rpartition("/")[0], label(after["camera"]), label(after.get("label"))
        )
        event_id = identity(after.get("id"))
        if message.retained or not (event_id and camera_label.camera and camera_label.label):
            return []
        self._prefixes.put(camera_label.prefix, True)
        origin = _origin(message, camera_label)
        event = self._event(message, origin, camera_label, event_id, content)
        return [
            *self._adopted(message, origin, camera_label, event),
            *_news(origin, camera_label, event),
        ]

    def _event(
        self,
        message: IncomingMessage,
        origin: MessageOrigin,
        camera_label: CameraLabel,
        event_id: str,
        content: Json,
    ) -> FrigateEvent:
        after = content["after"]
        best = mapping(after.get("snapshot"))
        taken = best.get("frame_time", after.get("snapshot_time"))
        ended = content.get("type") == "end"
        end = origin.clock.ours(after.get("end_time" if ended else "frame_time"))
        times = settled(
            origin.clock.ours(taken),
            origin.clock.ours(after.get("start_time")),
            end,
            message.received,
        )
        events = self._events.get(camera_label) or self._events.put(camera_label, {})
        known = events.pop(event_id, None)
        event = FrigateEvent(
            event_id,
            message.received,
            times.start,
            times.end,
            None if taken is None else times.taken,
            ended,
            fraction(best.get("score")) or fraction(after.get("top_score")),
            _attributes(after),
            bool(known and known.pictured),
            known.reported if known else 0.0,
        )
        events[event_id] = event
        while len(events) > MOST_EVENTS:
            events.pop(next(iter(events)))
        return event

    def _adopted(
        self,
        message: IncomingMessage,
        origin: MessageOrigin,
        camera_label: CameraLabel,
        event: FrigateEvent,
    ) -> News:
        """Give the event a picture that came shortly before it, and belonged to none."""
        name = self._waiting.get(camera_label)
        picture = self._pictures.get((camera_label, name)) if name else None
        if name is None or picture is None or event.pictured:
            return []
        self._waiting.pop(camera_label)
        if message.received - picture.received > APART:
            return []
        self._pictures.put((camera_label, name), picture._replace(track_id=event.id))
        event.pictured = True
        return [origin.amendment(picture.track_id, renamed_to=event.id)]

    # -- Pictures --------------------------------------------------------------------------------

    def picture(self, message: IncomingMessage, camera_label: CameraLabel, picture: bytes) -> News:
        """Return the snapshot, none of a picture that the broker kept."""
        self._prefixes.put(camera_label.prefix, True)
        if message.retained:
            return []
        name = picture_name(picture)
        event = self._shown(message, camera_label)
        known = self._pictures.get((camera_label, name))
        if known is None:
            known = self._new(message, camera_label, name, event)
        event = self._events_at(camera_label).get(known.track_id)
        return [_snapshot(message, camera_label, known, event, picture)]

    def _new(
        self,
        message: IncomingMessage,
        camera_label: CameraLabel,
        name: str,
        event: FrigateEvent | None,
    ) -> FrigatePicture:
        """Remember a picture: the same one is sent again, maybe when another event is on."""
        if event:
            event.pictured = True
            taken = event.taken if event.taken is not None else message.received
            new = FrigatePicture(event.id, taken, message.received)
        else:
            self._waiting.put(camera_label, name)
            new = FrigatePicture(name, message.received, message.received)
        return self._pictures.put((camera_label, name), new)

    def _shown(self, message: IncomingMessage, camera_label: CameraLabel) -> FrigateEvent | None:
        """Return the event that a picture shows: of those going on, the one with the newest best.

        One that has ended counts for a few seconds; then it is the one that ended last.
        """
        events = self._events_at(camera_label).values()
        fresh = [
            event
            for event in events
            if not event.ended or message.received - event.received <= APART
        ]
        return max(
            fresh,
            key=lambda event: (not event.ended, event.taken or 0.0, event.received),
            default=None,
        )

    def _events_at(self, camera_label: CameraLabel) -> dict[str, FrigateEvent]:
        return self._events.get(camera_label) or {}


def _is_state_topic(below: list[str], payload: bytes) -> bool:
    """Whether Frigate publishes its own state, or a camera's, under these levels."""
    if below[0] in _GLOBAL_TOPICS or below[-1] in _LAST_LEVELS:
        return True
    camera = len(below) > 1
    is_count = payload.isdigit() and len(payload) <= _MOST_DIGITS
    return camera and (below[1] in _CAMERA_TOPICS or (is_count and len(below) == 2))  # noqa: PLR2004


def _is_stats(payload: bytes) -> bool:
    try:
        content = lenient(payload, most=_MOST_STATS)
    except Unreadable:
        return False
    return isinstance(content, dict) and not _STATS.isdisjoint(content)


def _is_switch(levels: list[str]) -> bool:
    return len(levels) > 2 and levels[-1] in ("state", "set") and levels[-2] in _SWITCHES  # noqa: PLR2004


def _origin(message: IncomingMessage, camera_label: CameraLabel) -> MessageOrigin:
    """Return the camera that the picture's topic stands for, whichever message it is."""
    origin = message._replace(topic=camera_label.topic).origin({})
    match = origin.match
    return (
        origin if match.named else origin._replace(match=match._replace(camera=camera_label.camera))
    )


def _snapshot(
    message: IncomingMessage,
    camera_label: CameraLabel,
    known: FrigatePicture,
    event: FrigateEvent | None,
    picture: bytes,
) -> BestSnapshot:
    event = event or FrigateEvent("", message.received)
    classification = Classification(camera_label.label, event.score)
    return message.snapshot(
        _origin(message, camera_label),
        Times(known.taken, event.start, event.end),
        Classes((classification,)),
        event.attributes,
        format=FORMAT,
        track_id=known.track_id,
        ended=event.ended,
        picture=picture,
    )


def _news(origin: MessageOrigin, camera_label: CameraLabel, event: FrigateEvent) -> News:
    """Return what an ended event says; of one that goes on, now and then, that it does."""
    if not event.has_news():
        return []
    event.reported = event.end or 0.0
    if not event.ended:
        return [origin.amendment(event.id, end=event.end)]
    classification = Classification(camera_label.label, event.score)
    return [
        origin.amendment(
            event.id,
            start=event.start,
            end=event.end,
            ended=True,
            label=classification.name,
            score=classification.score,
            classes=(classification,),
        )
    ]


def _attributes(after: Json) -> dict[str, Attribute]:
    """Return the name that Frigate has for this very object, its zones, and its plate.

    A plate and a name come as a text, or as a pair with its score; so does what a model of one's
    own has found, by that model's name.
    """
    attributes: dict[str, Attribute] = dict(_scored("sub_label", after.get("sub_label")))
    attributes["zones"] = ", ".join(names(after.get("entered_zones")))
    attributes |= _scored("license_plate", after.get("recognized_license_plate"))
    score = fraction(after.get("recognized_license_plate_score"))
    if score is not None and attributes.get("license_plate"):
        attributes.setdefault("license_plate_score", score)
    others = ((key, value) for key, value in after.items() if key not in _PAIRS_OF_OURS)
    pairs = (pair for key, value in others for pair in _others(label(key), value))
    attributes |= {
        key: value for key, value in islice(pairs, MOST_ATTRIBUTES) if key not in attributes
    }
    return {name: value for name, value in attributes.items() if value not in ("", None)}


def _scored(name: str, value: object) -> dict[str, Attribute]:
    """Return a value, and its score under a name of its own, from a text or from a pair."""
    first, score = value if _is_pair(value) else (value, None)
    if isinstance(first, list):
        first = next(iter(first), "")
    attributes: dict[str, Attribute] = {name: text(first)}
    sure = fraction(score)
    return attributes | ({f"{name}_score": sure} if sure is not None and attributes[name] else {})


def _is_pair(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004 - a value and its score


def _others(name: str, value: object) -> Iterator[tuple[str, Attribute]]:
    """Yield both of a value and its score, where it is such a pair."""
    if name and _is_pair(value) and isinstance(value[0], str) and fraction(value[1]) is not None:
        yield from _scored(name, value).items()
