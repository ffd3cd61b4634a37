"""What was said about tracks and pictures that are still under way: for one thread.

Axis' frames name a track's class, and the picture it was seen in, in other messages than the
picture itself; either may come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from zmhook.snapshots.formats.classes import NOTHING, Classes
from zmhook.snapshots.snapshot import Amendment, SceneBox
from zmhook.storage.lru import LruCache

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Origin

    Key = tuple[str, int | None, str]

REMEMBERED = 4096
"""Tracks, and as many pictures, of which something is remembered; a kilobyte each."""

BETTER = 0.05
"""By how much a score must be higher to be worth a change of what is stored."""

NEWS_EVERY = 5.0
"""Seconds after which it is told again that a track goes on; cameras say so ten times a second."""


class Track(Struct):
    """A track, by our clock: `start` is the first frame that told of it, `end` the last.

    `pictured` is true once a snapshot of it was handed on, with these classes; that it goes on
    was `told` last of that time.
    """

    start: float | None = None
    end: float | None = None
    ended: bool = False
    classes: Classes = NOTHING
    pictured: bool = False
    told: float = 0.0

    def saw(self, moment: float) -> None:
        """Take in that it was there then."""
        self.start = moment if self.start is None else min(self.start, moment)
        self.end = moment if self.end is None else max(self.end, moment)


class Seen(Struct, frozen=True):
    """What a frame said of the picture with an id: the object's box and classes in it."""

    box: SceneBox | None = None
    classes: Classes = NOTHING


class Tracks:
    """Tracks by camera, channel and id; pictures by camera, channel and their own id."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._tracks: LruCache[Key, Track] = LruCache(size)
        self._seen: LruCache[Key, Seen] = LruCache(size)
        self._pictures: LruCache[Key, bool] = LruCache(size)

    def known(self, origin: Origin, track_id: str) -> Track:
        """Return what is known of a track; nothing, of one that is new."""
        return self._tracks.get(origin.key(track_id)) or Track()

    def seen(self, origin: Origin, image_id: str) -> Seen:
        """Return what a frame said of a picture."""
        return self._seen.get(origin.key(image_id)) or Seen()

    def pictured(self, origin: Origin, track_id: str, classes: Classes) -> None:
        """Remember that a snapshot of this track was handed on, with these classes."""
        track = self._at(origin, track_id)
        track.pictured = True
        track.classes = classes
        track.told = track.end or 0.0

    def came(self, origin: Origin, image_id: str) -> None:
        """Remember that the picture with this id was handed on."""
        self._pictures.put(origin.key(image_id), True)

    def observe(
        self, origin: Origin, track_id: str, moment: float, seen: Seen, image_id: str = ""
    ) -> Amendment | None:
        """Take in what a frame says; return it when it is news about a snapshot handed on."""
        track = self._at(origin, track_id)
        track.saw(moment)
        is_news = _is_better(seen.classes, track.classes)
        if is_news:
            track.classes = seen.classes
        # Once: in later frames the object may be elsewhere, and its picture is the same.
        has_come = bool(image_id and self._pictures.pop(origin.key(image_id)))
        if image_id:
            self._note(origin.key(image_id), seen)
        goes_on = not track.ended and moment - track.told >= NEWS_EVERY
        if not track.pictured or not (is_news or goes_on or (has_come and seen.box)):
            return None
        told = _told(seen.classes) if is_news else {}
        if not track.ended:
            track.told = moment
            told["end"] = track.end
        return _named(origin, track_id, box=seen.box if has_come else None, **told)

    def _note(self, key: Key, seen: Seen) -> None:
        """Keep the box of the first frame that names a picture, and the best of the classes."""
        first = self._seen.get(key) or seen
        best = seen.classes if _is_better(seen.classes, first.classes) else first.classes
        self._seen.put(key, Seen(first.box, best))

    def end(self, origin: Origin, track_id: str, moment: float) -> Amendment:
        """Take in that a track is over."""
        track = self._at(origin, track_id)
        track.ended, track.end = True, moment
        return _named(origin, track_id, end=moment, ended=True)

    def rename(self, origin: Origin, before: str, after: str) -> Amendment:
        """Take in that a track goes on under another id."""
        old, new = self._tracks.pop(origin.key(before)), self._tracks.get(origin.key(after))
        if old:
            self._tracks.put(origin.key(after), _joined(old, new or old))
        return _named(origin, before, renamed_to=after)

    def forget(self, origin: Origin, track_id: str) -> None:
        """Forget a track whose id the camera will give to another one."""
        self._tracks.pop(origin.key(track_id))

    def _at(self, origin: Origin, track_id: str) -> Track:
        key = origin.key(track_id)
        return self._tracks.get(key) or self._tracks.put(key, Track())


def _is_better(new: Classes, old: Classes) -> bool:
    if not new.label:
        return False
    return not old.label or (new.score or 0.0) >= (old.score or 0.0) + BETTER


def _joined(old: Track, new: Track) -> Track:
    starts = [one for one in (old.start, new.start) if one is not None]
    classes = old.classes if _is_better(old.classes, new.classes) else new.classes
    ends = [one for one in (old.end, new.end) if one is not None]
    return structs.replace(
        new,
        start=min(starts, default=None),
        end=new.end if new.ended else max(ends, default=None),
        classes=classes,
        pictured=old.pictured or new.pictured,
        told=max(old.told, new.told),
    )


def _told(classes: Classes) -> dict[str, object]:
    return {
        "label": classes.label,
        "score": classes.score,
        "classes": classes.all,
        "colours": classes.colours or None,
    }


def _named(origin: Origin, track_id: str, **news: object) -> Amendment:
    return Amendment(
        camera=origin.place.camera,
        channel=origin.channel,
        track_id=track_id,
        **news,  # type: ignore[arg-type]  # each is one of its fields
    )
