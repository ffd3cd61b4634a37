"""Drop what a model is not sure enough of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Settings


def reason(detection: Detection, context: Context) -> str | None:
    least = _least(detection, context.settings)
    if detection.confidence >= least:
        return None
    return f"confidence {detection.confidence:.2f} is below {least:g}"


def _least(detection: Detection, settings: Settings) -> float:
    """Return the label's own limit, or else the larger of the model's and everybody's."""
    label = settings.labels.get(detection.label.lower())
    if label and label.min_confidence is not None:
        return label.min_confidence
    of_model = {
        "yolo": settings.yolo.yolo_min_confidence,
        "hog": settings.hog.hog_min_confidence,
        "camera": settings.snapshots.snapshot_min_score,
    }.get(detection.model, 0.0)
    return max(of_model, settings.gate.min_confidence)
