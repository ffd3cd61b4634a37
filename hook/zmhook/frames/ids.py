"""Which of an event's pictures are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.settings import Settings

SNAPSHOT = "snapshot"
BESTMATCH = {"a": "alarm", "s": SNAPSHOT}
TRACK = "track"
"""The camera's best snapshot of what it tracked; the second best is `track2`, and so on."""


def frame_ids(settings: Settings) -> list[str]:
    """Return the ids of what `frame_source` and `frame_id` name, in the order of looking."""
    source = settings.snapshots.frame_source
    tracks = [] if source == "portal" else track_ids(settings)
    return tracks if source == "snapshots" else [*tracks, *_of_event(settings)]


def track_ids(settings: Settings) -> list[str]:
    """Return the ids of the camera's snapshots, best first."""
    return [TRACK, *(f"{TRACK}{i}" for i in range(2, settings.snapshots.snapshot_frames + 1))]


def is_track(frame_id: str) -> bool:
    """Say whether this picture is the camera's own and not ZoneMinder's."""
    return frame_id.startswith(TRACK)


def all_ids(settings: Settings) -> list[str]:
    """Return the ids that `all` stands for; an event may well have fewer frames."""
    general = settings.general
    step = general.frame_skip + 1
    return [str(general.start_frame + i * step) for i in range(general.max_frames)]


def _of_event(settings: Settings) -> list[str]:
    """Expand `frame_id`: each picture once, and no more than `max_frames`."""
    ids: list[str] = []
    for wanted in settings.general.frame_id:
        if wanted == "bestmatch":
            ids += [BESTMATCH[letter] for letter in settings.general.bestmatch_order]
        elif wanted == "all":
            ids += all_ids(settings)
        else:
            ids.append(wanted)
    return list(dict.fromkeys(ids))[: settings.general.max_frames]
