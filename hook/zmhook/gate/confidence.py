"""Drop what a model is not sure enough of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings


def reason(detection: Detection, settings: Settings) -> str | None:
    least = {
        "yolo": settings.yolo.yolo_min_confidence,
        "hog": settings.hog.hog_min_confidence,
        "camera": settings.snapshots.snapshot_min_score,
    }.get(detection.model, 0.0)
    if detection.confidence >= least:
        return None
    return f"confidence {detection.confidence:.2f} is below {least:g}"
