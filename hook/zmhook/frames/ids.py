"""Which of an event's pictures are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.settings import Settings

BESTMATCH = {"a": "alarm", "s": "snapshot"}


def frame_ids(settings: Settings) -> list[str]:
    """Expand `frame_id`: each picture once, in the order in which they are looked at."""
    ids: list[str] = []
    for wanted in settings.general.frame_id:
        best = [BESTMATCH[letter] for letter in settings.general.bestmatch_order]
        ids += best if wanted == "bestmatch" else [wanted]
    return list(dict.fromkeys(ids))
