"""Drop what a model is not sure enough of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.text.numbers import apart, exact, is_below

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Alpr, Settings


def reason(detection: Detection, context: Context) -> str | None:
    least = _least(detection, context.settings)
    if not is_below(detection.confidence, least):
        return _no_plate(detection, context.settings)
    return f"confidence {apart(detection.confidence, least)} is below {exact(least)}"


def _no_plate(detection: Detection, settings: Settings) -> str | None:
    """Say why what was read is no plate: the service itself doubts that there is one."""
    alpr, found = settings.alpr, detection.attributes.get("dscore")
    if detection.model != "alpr" or alpr.alpr_service != "plate_recognizer":
        return None
    least = alpr.platerec_min_dscore
    if not isinstance(found, float) or not is_below(found, least):
        return None
    return f"there is a plate with confidence {apart(found, least)}, below {exact(least)}"


def _least(detection: Detection, settings: Settings) -> float:
    """Return the label's own limit, or else the larger of the model's and everybody's."""
    label = settings.labels.get(detection.label.lower())
    if label and label.min_confidence is not None:
        return label.min_confidence
    return max(_of_model(detection.model, settings), settings.gate.min_confidence)


def _of_model(model: str, settings: Settings) -> float:
    if model == "yolo":
        return settings.yolo.yolo_min_confidence
    if model == "hog":
        return settings.hog.hog_min_confidence
    if model == "camera":
        return settings.snapshots.snapshot_min_score
    return _of_service(settings.alpr) if model == "alpr" else 0.0


def _of_service(alpr: Alpr) -> float:
    """Return the limit of the service that reads plates."""
    return {
        "local": alpr.plate_min_confidence,
        "plate_recognizer": alpr.platerec_min_score,
        "open_alpr": alpr.openalpr_min_confidence,
        "open_alpr_cmdline": alpr.openalpr_cmdline_min_confidence,
    }[alpr.alpr_service]
