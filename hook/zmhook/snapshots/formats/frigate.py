"""Frigate: `PREFIX/events` says what is tracked, `PREFIX/CAMERA/LABEL/snapshot` is a picture.

Source: Frigate documentation, integrations/mqtt. The picture is a JPEG without an event's id or a
time, sent when Frigate has a better one of that label, and once more when the label is gone: which
event it shows is told by camera, label and time alone. It is retained, so a picture may be of any
age when it is the first thing that a broker sends; such a one is not used.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from zmhook.snapshots.formats import raw
from zmhook.snapshots.formats.classes import MOST_ATTRIBUTES, names
from zmhook.snapshots.formats.times import settled
from zmhook.snapshots.formats.tracks import NEWS_EVERY
from zmhook.snapshots.formats.values import fraction, identity, label, mapping, text
from zmhook.snapshots.snapshot import Amendment, Attribute, BestSnapshot, Classification
from zmhook.storage.lru import LruCache
from zmhook.text.bounded_json import Unreadable, lenient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeGuard

    from zmhook.snapshots.formats.arrival import Arrival, News, Origin
    from zmhook.snapshots.formats.values import Json

FORMAT = "frigate"

APART = 10.0
"""Seconds that a picture and an event that does not last may be apart and belong together."""

REMEMBERED = 512
"""Cameras times labels that are remembered, and pictures: some hundred bytes each."""

MOST_EVENTS = 32
"""Events of one label that one camera may have at a time."""

_PAIRS_OF_OURS = ("sub_label", "recognized_license_plate")

_TYPES = ("new", "update", "end")

# Labels by which a picture is known for Frigate's before its first event came; others are taken
# for its when the topic's prefix says frigate, or has brought events.
_LABELS = frozenset(
    {"person", "face", "bicycle", "car", "motorcycle", "bus", "truck", "boat", "license_plate"}
    | {"dog", "cat", "bird", "horse", "sheep", "cow", "bear", "deer", "package"}
)


MOST_LEVELS = 16
"""Of a topic, that are looked at for Frigate's prefix."""

# What Frigate tells of a camera as PREFIX/CAMERA/SWITCH/state, whatever the prefix.
_SWITCHES = frozenset(
    {"enabled", "detect", "audio", "recordings", "snapshots", "motion", "improve_contrast"}
    | {"motion_threshold", "motion_contour_area", "ptz_autotracker", "notifications"}
    | {"review_alerts", "review_detections", "object_descriptions", "review_descriptions"}
    | {"birdseye", "birdseye_mode", "audio_transcription"}
)


# What Frigate tells on PREFIX/NAME, and on PREFIX/CAMERA/NAME or PREFIX/CAMERA/NAME/….
_OF_ALL = frozenset(
    {"available", "stats", "reviews", "tracked_object_update", "triggers", "camera_activity"}
    | {"onConnect", "restart", "model_state", "job_state", "birdseye_layout", "audio_detections"}
    | {"embeddings_reindex_progress", "notification_test", "profile", "notifications"}
)
_OF_CAMERA = frozenset(
    {"motion", "review_status", "all", "audio", "status", "classification", "ptz"}
    | {"motion_mask", "object_mask", "zone"}
)
_ENDS = frozenset({"state", "set", "active", "suspend", "suspended"})
_STATS = frozenset({"detectors", "cameras", "service", "cpu_usages"})
_MOST_DIGITS = 9

_SUBSCRIBED = re.compile(r"(?:\$share/[^/]*/)?([^+#]+)/(?:events|\+/[^/#]+/snapshot)")


class Where(NamedTuple):
    """The camera and label of an event or picture, and the topic that stands for both."""

    prefix: str
    camera: str
    label: str

    @property
    def topic(self) -> str:
        return f"{self.prefix}/{self.camera}/{self.label}/snapshot"


class Event(Struct):
    """What was last said of an event, by our clock; `heard` is when, `taken` its best picture.

    `end` is when it was over, or while it goes on last seen; of that it was `told` last.
    """

    id: str
    heard: float
    start: float | None = None
    end: float | None = None
    taken: float | None = None
    ended: bool = False
    score: float | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    pictured: bool = False
    told: float = 0.0

    def has_news(self) -> bool:
        """Say whether to tell of it; that it goes on, not each time."""
        goes_on = self.pictured and (self.end or 0.0) - self.told >= NEWS_EVERY
        return self.ended or goes_on


class Picture(NamedTuple):
    """A picture that was handed on: the track it was given to, and when it came."""

    track_id: str
    taken: float
    received: float
    is_paired: bool


class Frigate:
    """Pairs pictures with events, whichever comes first."""

    def __init__(self, subscribed: Iterable[str] = ()) -> None:
        """Take the topics that are listened to, for the prefixes in them."""
        self._events: LruCache[Where, dict[str, Event]] = LruCache(REMEMBERED)
        self._pictures: LruCache[tuple[Where, str], Picture] = LruCache(REMEMBERED)
        self._waiting: LruCache[Where, str] = LruCache(REMEMBERED)
        self._prefixes: LruCache[str, bool] = LruCache(REMEMBERED)
        for found in filter(None, map(_SUBSCRIBED.fullmatch, subscribed)):
            self._prefixes.put(found[1], True)

    def fits(self, content: Json) -> bool:
        is_event = "id" in mapping(content.get("after")) and content.get("type") in _TYPES
        return is_event and "camera" in content["after"]

    def where(self, topic: str) -> Where | None:
        """Return whose picture a topic brings, None when it is none of Frigate's."""
        levels = topic.rsplit("/", 3)
        if len(levels) < len(Where._fields) + 1 or levels[3] != "snapshot" or not all(levels):
            return None
        found = Where(*levels[:3])
        is_ours = "frigate" in found.prefix.lower() or found.label in _LABELS
        return found if is_ours or self._prefixes.get(found.prefix) else None

    def is_state(self, topic: str, payload: bytes = b"") -> bool:
        """Whether Frigate tells of itself in a message: states, counts, reviews.

        What it brings is no picture. Its events, and its pictures, are none of these. Where the
        prefix does not say frigate, only what Frigate is known to tell is. A prefix is learnt from
        what only Frigate tells below it.
        """
        self._learn(topic, payload)
        prefix, below = self._below(topic)
        if not prefix:
            return _is_known(topic.split("/"))
        if not below or below == ["events"] or below[-1] == "snapshot":
            return False
        return "frigate" in prefix.lower() or _is_told(below, payload)

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

    def read(self, arrival: Arrival, content: Json) -> News:
        """Take an event in; what it changes in snapshots handed on is returned."""
        after = content["after"]
        where = Where(
            arrival.topic.rpartition("/")[0], label(after["camera"]), label(after.get("label"))
        )
        event_id = identity(after.get("id"))
        if arrival.retained or not (event_id and where.camera and where.label):
            return []
        self._prefixes.put(where.prefix, True)
        origin = _origin(arrival, where)
        event = self._event(arrival, origin, where, event_id, content)
        return [*self._adopted(arrival, origin, where, event), *_news(origin, where, event)]

    def _event(
        self, arrival: Arrival, origin: Origin, where: Where, event_id: str, content: Json
    ) -> Event:
        after = content["after"]
        best = mapping(after.get("snapshot"))
        taken = best.get("frame_time", after.get("snapshot_time"))
        ended = content.get("type") == "end"
        end = origin.clock.ours(after.get("end_time" if ended else "frame_time"))
        times = settled(
            origin.clock.ours(taken),
            origin.clock.ours(after.get("start_time")),
            end,
            arrival.received,
        )
        events = self._events.get(where) or self._events.put(where, {})
        known = events.pop(event_id, None)
        event = Event(
            event_id,
            arrival.received,
            times.start,
            times.end,
            None if taken is None else times.taken,
            ended,
            fraction(best.get("score")) or fraction(after.get("top_score")),
            _attributes(after),
            bool(known and known.pictured),
            known.told if known else 0.0,
        )
        events[event_id] = event
        while len(events) > MOST_EVENTS:
            events.pop(next(iter(events)))
        return event

    def _adopted(self, arrival: Arrival, origin: Origin, where: Where, event: Event) -> News:
        """Give the event a picture that came shortly before it, and belonged to none."""
        name = self._waiting.get(where)
        picture = self._pictures.get((where, name)) if name else None
        if name is None or picture is None or event.pictured:
            return []
        self._waiting.pop(where)
        if arrival.received - picture.received > APART:
            return []
        self._pictures.put((where, name), picture._replace(track_id=event.id, is_paired=True))
        event.pictured = True
        return [_amendment(origin, picture.track_id, renamed_to=event.id)]

    # -- Pictures --------------------------------------------------------------------------------

    def picture(self, arrival: Arrival, where: Where, picture: bytes) -> News:
        """Return the snapshot, none of a picture that the broker kept."""
        self._prefixes.put(where.prefix, True)
        if arrival.retained:
            return []
        name = raw.name_of(picture)
        event = self._shown(arrival, where)
        known = self._pictures.get((where, name))
        if known is None:
            known = self._new(arrival, where, name, event)
        event = self._events_at(where).get(known.track_id)
        return [_snapshot(arrival, where, known, event, picture)]

    def _new(self, arrival: Arrival, where: Where, name: str, event: Event | None) -> Picture:
        """Remember a picture: the same one is sent again, maybe when another event is on."""
        if event:
            event.pictured = True
            taken = event.taken if event.taken is not None else arrival.received
            new = Picture(event.id, taken, arrival.received, is_paired=True)
        else:
            self._waiting.put(where, name)
            new = Picture(name, arrival.received, arrival.received, is_paired=False)
        return self._pictures.put((where, name), new)

    def _shown(self, arrival: Arrival, where: Where) -> Event | None:
        """Return the event that a picture shows: of those going on, the one with the newest best.

        One that has ended counts for a few seconds; then it is the one that ended last.
        """
        events = self._events_at(where).values()
        fresh = [one for one in events if not one.ended or arrival.received - one.heard <= APART]
        return max(
            fresh, key=lambda one: (not one.ended, one.taken or 0.0, one.heard), default=None
        )

    def _events_at(self, where: Where) -> dict[str, Event]:
        return self._events.get(where) or {}


def _is_told(below: list[str], payload: bytes) -> bool:
    """Whether Frigate tells something of itself, or of a camera, under these levels."""
    if below[0] in _OF_ALL or below[-1] in _ENDS:
        return True
    camera = len(below) > 1
    is_count = payload.isdigit() and len(payload) <= _MOST_DIGITS
    return camera and (below[1] in _OF_CAMERA or (is_count and len(below) == 2))  # noqa: PLR2004


def _is_stats(payload: bytes) -> bool:
    try:
        content = lenient(payload, most=_MOST_STATS)
    except Unreadable:
        return False
    return isinstance(content, dict) and not _STATS.isdisjoint(content)


_MOST_STATS = 100_000


def _is_known(levels: list[str]) -> bool:
    return len(levels) > 2 and levels[-1] in ("state", "set") and levels[-2] in _SWITCHES  # noqa: PLR2004


def _origin(arrival: Arrival, where: Where) -> Origin:
    """Return the camera that the picture's topic stands for, whichever message it is."""
    origin = arrival._replace(topic=where.topic).origin({})
    place = origin.place
    return origin if place.named else origin._replace(place=place._replace(camera=where.camera))


def _snapshot(
    arrival: Arrival, where: Where, known: Picture, event: Event | None, picture: bytes
) -> BestSnapshot:
    place = _origin(arrival, where).place
    score = event.score if event else None
    return BestSnapshot(
        camera=place.camera,
        monitor_id=place.monitor_id,
        topic=arrival.topic,
        format=FORMAT,
        track_id=known.track_id,
        taken=known.taken,
        received=arrival.received,
        start=event.start if event else None,
        end=event.end if event else None,
        ended=event.ended if event else False,
        label=where.label,
        score=score,
        classes=(Classification(where.label, score),),
        attributes=event.attributes if event else {},
        picture=picture,
    )


def _news(origin: Origin, where: Where, event: Event) -> News:
    """Return what an event that is over says; of one that goes on, now and then, that it does."""
    if not event.has_news():
        return []
    event.told = event.end or 0.0
    if not event.ended:
        return [_amendment(origin, event.id, end=event.end)]
    classes = (Classification(where.label, event.score),)
    return [
        _amendment(
            origin,
            event.id,
            start=event.start,
            end=event.end,
            ended=True,
            label=where.label,
            score=event.score,
            classes=classes,
        )
    ]


def _amendment(origin: Origin, track_id: str, **news: object) -> Amendment:
    return Amendment(
        camera=origin.place.camera,
        channel=origin.channel,
        track_id=track_id,
        **news,  # type: ignore[arg-type]  # each is one of its fields
    )


def _attributes(after: Json) -> dict[str, Attribute]:
    """Return the name that Frigate has for this very object, its zones, and its plate.

    A plate and a name come as a text, or as a pair with its score; so does what a model of one's
    own has found, by that model's name.
    """
    found: dict[str, Attribute] = dict(_scored("sub_label", after.get("sub_label")))
    found["zones"] = ", ".join(names(after.get("entered_zones")))
    found |= _scored("license_plate", after.get("recognized_license_plate"))
    score = fraction(after.get("recognized_license_plate_score"))
    if score is not None and found.get("license_plate"):
        found.setdefault("license_plate_score", score)
    others = ((key, value) for key, value in after.items() if key not in _PAIRS_OF_OURS)
    pairs = (pair for key, value in others for pair in _others(label(key), value))
    found |= {key: value for key, value in islice(pairs, MOST_ATTRIBUTES) if key not in found}
    return {name: value for name, value in found.items() if value not in ("", None)}


def _scored(name: str, value: object) -> dict[str, Attribute]:
    """Return a value, and its score under a name of its own, from a text or from a pair."""
    first, score = value if _is_pair(value) else (value, None)
    if isinstance(first, list):
        first = next(iter(first), "")
    found: dict[str, Attribute] = {name: text(first)}
    sure = fraction(score)
    return found | ({f"{name}_score": sure} if sure is not None and found[name] else {})


def _is_pair(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004 - a value and its score


def _others(name: str, value: object) -> Iterator[tuple[str, Attribute]]:
    """Yield both of a value and its score, where it is such a pair."""
    if name and _is_pair(value) and isinstance(value[0], str) and fraction(value[1]) is not None:
        yield from _scored(name, value).items()
