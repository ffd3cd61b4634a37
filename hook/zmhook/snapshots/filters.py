"""Which snapshots are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from zmhook.image.header import read_header
from zmhook.labels.camera import common
from zmhook.text.numbers import apart, exact, is_below

if TYPE_CHECKING:
    from zmhook.settings import Snapshots
    from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot

PARTS = frozenset({"head", "license plate", "face"})
"""What cameras track by itself though it is part of something else that they track, too."""


def reason(snapshot: BestSnapshot, settings: Snapshots) -> str | None:
    """Return why a snapshot is not kept, in a few words; None when it is kept.

    A snapshot without a class is kept unless classes are named. One whose track goes on, or whose
    length nobody told, is not too short. What `is_early` is not asked for its class.
    """
    return (
        (None if is_early(snapshot, settings) else of_class(snapshot, settings))
        or _duration(snapshot, settings.snapshot_min_duration)
        or _size(snapshot.picture, settings.snapshot_min_size)
    )


def is_early(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> bool:
    """Whether its track goes on, and may still get a class, or a score, that is enough."""
    return not snapshot.ended and may_change(snapshot, settings)


def may_change(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> bool:
    """Whether nothing speaks against its class but that it has none, or too low a score."""
    if not snapshot.label:
        return True
    is_wanted = _class(snapshot.label, settings.snapshot_classes) is None
    return is_wanted and _score(snapshot.score, settings.snapshot_min_score) is not None


def of_class(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> str | None:
    """Return why a snapshot of such a class and score is not kept; None when it is."""
    return _class(snapshot.label, settings.snapshot_classes) or _score(
        snapshot.score, settings.snapshot_min_score
    )


def _class(label: str, wanted: tuple[str, ...]) -> str | None:
    if not wanted:
        return f"{label} is part of something else" if common(label) in PARTS else None
    if not label:
        return "no class, and classes are named in snapshot_classes"
    is_wanted = label.lower() in wanted or common(label) in _common(wanted)
    return None if is_wanted else f"{label} is not in snapshot_classes"


@lru_cache(maxsize=8)
def _common(wanted: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(common, wanted))


def _score(score: float | None, least: float) -> str | None:
    if least <= 0 or (score is not None and not is_below(score, least)):
        return None
    said = "no score" if score is None else f"score {apart(score, least)}"
    return f"{said}, and snapshot_min_score is {exact(least)}"


def _duration(snapshot: BestSnapshot, least: float) -> str | None:
    lasted = snapshot.duration
    if lasted is None and snapshot.start is not None and snapshot.end is not None:
        lasted = snapshot.end - snapshot.start
    if not snapshot.ended or lasted is None or not is_below(lasted, least):
        return None
    return f"lasted {apart(lasted, least, 1)} s, and snapshot_min_duration is {exact(least)}"


def _size(picture: bytes, least: int) -> str | None:
    header = read_header(picture) if least else None
    if header is None or min(header.width, header.height) >= least:
        return None
    return f"{header.width}x{header.height} pixels, and snapshot_min_size is {least}"
