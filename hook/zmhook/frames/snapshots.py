"""An event's best snapshots: the camera's own pictures of what it tracked."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.errors import FrameNotNeeded, FrameUnavailable, StoreError
from zmhook.frames.base import TRACK, FrameSource, Pending, track_ids
from zmhook.frames.file import read
from zmhook.frames.window import EventWindow, crop_of, window_of
from zmhook.image.decode import checked
from zmhook.image.header import read_header
from zmhook.labels import common
from zmhook.text.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Picture
    from zmhook.frames.portal import EventRows
    from zmhook.settings import Settings
    from zmhook.snapshots.snapshot import StoredSnapshot
    from zmhook.snapshots.store.index import Index

log = logging.getLogger(__name__)

POLL = 0.05
"""Seconds between two checks whether a snapshot has come."""

_SHARE = 0.5
"""Of what is left of the event's time, as much may be waited at the most."""


class Span(NamedTuple):
    """Seconds since the epoch, by the camera's clock."""

    begin: float
    end: float


class SnapshotFrames(FrameSource):
    """Gives `track`, `track2`, … of one event, best first, from the store of snapshots.

    Waits for the first one, of a class that may match `detect_pattern`, as `snapshot_wait` says: a
    car that drove by is not what the event is about when people count. Which there are is settled
    once: asked again, it gives the same. `has_answered` says whether it gave any of such a class.
    One thread at a time.
    """

    def __init__(self, event: Event, settings: Settings, rows: EventRows) -> None:
        self.event = event
        self.settings = settings.snapshots
        self.folder = Path(settings.snapshots.snapshot_path)
        self.has_answered = False
        self._ids = track_ids(settings)
        self._pattern = settings.general.detect_pattern
        self._max_pixels = settings.general.max_picture_pixels
        self._rows = rows
        self._index: Index | None = None
        self._window: EventWindow | None = None
        self._until = 0.0
        self._version: int | None = None
        self._tracks: dict[str, StoredSnapshot] | None = None
        self._problem = ""

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        """Return the snapshot of that rank; `Pending` while the first one may still come.

        Raises `FrameUnavailable` when the store cannot be read, or the picture not; when there is
        no snapshot (so many) `FrameNotNeeded`, unless there is no other source.
        """
        if self.must_wait(deadline):
            return Pending(FrameUnavailable(f"{frame_id}: the camera sent none yet"), POLL)
        row = (self._tracks or {}).get(frame_id)
        if row is None:
            raise self._none(frame_id)
        picture = self._read(row, frame_id)
        self.has_answered = self.has_answered or _may_match(row, self._pattern)
        return picture

    def must_wait(self, deadline: Deadline) -> bool:
        """Read the store unless all is settled; return whether to read again in `POLL` seconds."""
        if self._tracks is None:
            deadline.check("waiting for a snapshot")
            tracks = self._settled(deadline)
            if tracks is not None:
                self._tracks = dict(zip(self._ids, tracks, strict=False))
        return self._tracks is None

    def close(self) -> None:
        if self._index:
            self._index.close()
            self._index = None

    def _settled(self, deadline: Deadline) -> list[StoredSnapshot] | None:
        """Return the tracks, none when it is too late for one; None while one may still come."""
        try:
            tracks = self._current(deadline)
            self._problem = ""
        except StoreError as error:
            # An index that was there a moment ago is being made again.
            tracks = None if self._index and not self._is_late() else []
            self._problem = str(error)
        return tracks

    def _current(self, deadline: Deadline) -> list[StoredSnapshot] | None:
        """Read the index, if it has changed; None when it is worth waiting on."""
        if self.event.monitor_id is None:
            raise StoreError("cameras' snapshots are found by the monitor: name it (--monitor)")
        index = self._opened()
        window = self._known_window(deadline)
        # A track may have begun after the last check, so the very last one always reads.
        is_late = self._is_late()
        version = index.version()
        if version == self._version and not is_late:
            return None
        self._version = version
        span = self._span(window)
        rows = index.overlapping(self.event.monitor_id, span.begin, span.end)
        tracks = best_tracks(rows, self._pattern)
        is_enough = bool(tracks) and _may_match(tracks[0], self._pattern)
        return tracks if is_enough or is_late else None

    def _is_late(self) -> bool:
        return time.monotonic() >= self._until

    def _opened(self) -> Index:
        from zmhook.snapshots.store.index import Index

        if self._index is None:
            self._index = Index.open(self.folder)
        return self._index

    def _known_window(self, deadline: Deadline) -> EventWindow:
        if self._window is None:
            self._window = window_of(self.event, self._rows.any(deadline))
            wait = min(self.settings.snapshot_wait, deadline.left() * _SHARE, self._left())
            self._until = time.monotonic() + wait
        return self._window

    def _left(self) -> float:
        """Return the seconds in which a track of an event that is over may still come."""
        if self._window is None or self._window.end is None:
            return float("inf")
        latest = self._window.end + self.settings.snapshot_margin + self.settings.snapshot_wait
        return max(0.0, latest - time.time())

    def _span(self, window: EventWindow) -> Span:
        margin = self.settings.snapshot_margin
        end = time.time() if window.end is None else window.end
        return Span(window.begin - margin, end + margin)

    def _read(self, row: StoredSnapshot, frame_id: str) -> Picture:
        path = self.folder / row.file
        picture = checked(read(path), frame_id, str(path), self._max_pixels)
        header = read_header(picture.data)
        if header is None or self._window is None:
            return picture
        crop = crop_of(row, header.width, header.height, self._window)
        return structs.replace(picture, crop=crop)

    def _none(self, frame_id: str) -> FrameUnavailable | FrameNotNeeded:
        if frame_id != TRACK:
            return FrameNotNeeded(f"{frame_id}: the camera sent no further snapshot")
        if self._problem:
            return FrameUnavailable(self._problem)
        if self.settings.frame_source != "snapshots":
            return FrameNotNeeded(f"{frame_id}: the camera sent no snapshot of {self.event}")
        return FrameUnavailable(
            f"the camera sent no snapshot of the event: {self.folder} has none of its time; see"
            " [snapshots] snapshot_wait, snapshot_margin and snapshot_clock_offset, and what"
            " zmhook snapshots list shows"
        )


def best_tracks(rows: Iterable[StoredSnapshot], pattern: str) -> list[StoredSnapshot]:
    """Return each track's best snapshot, best first.

    A class that the pattern matches is better than none, and none better than another one; then the
    score counts, then the picture's size.
    """
    ranked = sorted(rows, key=lambda row: _rank(row, pattern), reverse=True)
    tracks: dict[tuple[str, int | None, str], StoredSnapshot] = {}
    for row in ranked:
        tracks.setdefault((row.camera, row.channel, row.track_id), row)
    return list(tracks.values())


def _may_match(row: StoredSnapshot, pattern: str) -> bool:
    return _match_rank(row, pattern) > 0


def _match_rank(row: StoredSnapshot, pattern: str) -> int:
    return 2 if row.label and matches(pattern, common(row.label)) else int(not row.label)


def _rank(row: StoredSnapshot, pattern: str) -> tuple[int, float, int, int]:
    return (
        _match_rank(row, pattern),
        row.score or 0.0,
        row.width * row.height or row.size,
        row.number,
    )
