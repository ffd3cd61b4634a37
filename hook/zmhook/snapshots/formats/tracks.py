"""Remember tracks that have not ended, and the pictures of them; for one thread.

Axis' frames name a track's class, and the picture that shows it, in other messages than the picture
itself; either may come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from zmhook.snapshots.formats.classes import NOTHING, Classes
from zmhook.snapshots.snapshot import SceneBox
from zmhook.storage.lru import LruCache

if TYPE_CHECKING:
    from zmhook.snapshots.formats.incoming import MessageOrigin, News

    Key = tuple[str, int | None, str]

REMEMBERED = 4096
"""Tracks that are remembered, and as many pictures; a kilobyte each."""

BETTER = 0.05
"""By how much a score must be higher to be worth a change of what is stored."""

NEWS_EVERY = 5.0
"""Seconds between reports that a track goes on; cameras send one ten times a second."""


class Track(Struct):
    """A track, by our clock: `start` is the first frame that names it, `end` the last.

    `pictured` is true once a snapshot of it was handed on, with these classes; `reported` is the
    last end that was handed on.
    """

    start: float | None = None
    end: float | None = None
    ended: bool = False
    classes: Classes = NOTHING
    pictured: bool = False
    reported: float = 0.0

    def extend(self, moment: float) -> None:
        """Extend it to a moment at which it was there."""
        self.start = moment if self.start is None else min(self.start, moment)
        self.end = moment if self.end is None else max(self.end, moment)


class ImageFacts(Struct, frozen=True):
    """What a frame says of the picture with an id: the object's box and classes in it."""

    box: SceneBox | None = None
    classes: Classes = NOTHING


class Tracks:
    """Tracks by camera, channel and id; pictures by camera, channel and their own id."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._tracks: LruCache[Key, Track] = LruCache(size)
        self._images: LruCache[Key, ImageFacts] = LruCache(size)
        self._sent: LruCache[Key, bool] = LruCache(size)

    def known(self, origin: MessageOrigin, track_id: str) -> Track:
        """Return what is known of a track; nothing, of one that is new."""
        return self._tracks.get(origin.key(track_id)) or Track()

    def image_facts(self, origin: MessageOrigin, image_id: str) -> ImageFacts:
        """Return what a frame says of a picture."""
        return self._images.get(origin.key(image_id)) or ImageFacts()

    def mark_pictured(self, origin: MessageOrigin, track_id: str, classes: Classes) -> None:
        """Remember that a snapshot of this track was handed on, with these classes."""
        track = self._at(origin, track_id)
        track.pictured = True
        track.classes = classes
        track.reported = track.end or 0.0

    def mark_sent(self, origin: MessageOrigin, image_id: str) -> None:
        """Remember that the picture with this id was handed on."""
        self._sent.put(origin.key(image_id), True)

    def observe(
        self,
        origin: MessageOrigin,
        track_id: str,
        moment: float,
        facts: ImageFacts,
        image_id: str = "",
    ) -> News:
        """Remember what a frame says; return it when it is news about a snapshot handed on."""
        if not track_id:
            return []
        track = self._at(origin, track_id)
        track.extend(moment)
        is_news = _is_better(facts.classes, track.classes)
        if is_news:
            track.classes = facts.classes
        # Once: in later frames the object may be elsewhere, and its picture is the same.
        has_come = bool(image_id and self._sent.pop(origin.key(image_id)))
        if image_id:
            self._note(origin.key(image_id), facts)
        goes_on = not track.ended and moment - track.reported >= NEWS_EVERY
        if not track.pictured or not (is_news or goes_on or (has_come and facts.box)):
            return []
        news = _class_news(facts.classes) if is_news else {}
        if not track.ended:
            track.reported = moment
            news["end"] = track.end
        return [origin.amendment(track_id, box=facts.box if has_come else None, **news)]

    def _note(self, key: Key, facts: ImageFacts) -> None:
        """Keep the box of the first frame that names a picture, and the best of the classes."""
        first = self._images.get(key) or facts
        best = facts.classes if _is_better(facts.classes, first.classes) else first.classes
        self._images.put(key, ImageFacts(first.box, best))

    def end(self, origin: MessageOrigin, track_id: str, moment: float) -> News:
        """Remember that a track has ended."""
        if not track_id:
            return []
        track = self._at(origin, track_id)
        track.ended, track.end = True, moment
        return [origin.amendment(track_id, end=moment, ended=True)]

    def rename(self, origin: MessageOrigin, before: str, after: str) -> News:
        """Remember that a track goes on under another id."""
        if not before or not after or before == after:
            return []
        old, new = self._tracks.pop(origin.key(before)), self._tracks.get(origin.key(after))
        if old:
            self._tracks.put(origin.key(after), _joined(old, new or old))
        return [origin.amendment(before, renamed_to=after)]

    def forget(self, origin: MessageOrigin, track_id: str) -> None:
        """Forget a track whose id the camera will give to another one."""
        self._tracks.pop(origin.key(track_id))

    def _at(self, origin: MessageOrigin, track_id: str) -> Track:
        key = origin.key(track_id)
        return self._tracks.get(key) or self._tracks.put(key, Track())


def _is_better(new: Classes, old: Classes) -> bool:
    if not new.label:
        return False
    return not old.label or (new.score or 0.0) >= (old.score or 0.0) + BETTER


def _joined(old: Track, new: Track) -> Track:
    starts = [start for start in (old.start, new.start) if start is not None]
    classes = old.classes if _is_better(old.classes, new.classes) else new.classes
    ends = [end for end in (old.end, new.end) if end is not None]
    return structs.replace(
        new,
        start=min(starts, default=None),
        end=new.end if new.ended else max(ends, default=None),
        classes=classes,
        pictured=old.pictured or new.pictured,
        reported=max(old.reported, new.reported),
    )


def _class_news(classes: Classes) -> dict[str, object]:
    return {
        "label": classes.label,
        "score": classes.score,
        "classes": classes.all,
        "colours": classes.colours or None,
    }
