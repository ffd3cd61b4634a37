"""Write down the defaults of older programs that differ from ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.migrate.draft import ConfigLine
from zmhook.migrate.old_config import Generation, find, is_yes
from zmhook.settings.hints import written

if TYPE_CHECKING:
    from zmhook.migrate.draft import Draft

_MODELS = "/var/lib/zmeventnotification/models"
_YOLO = {
    "yolo_min_confidence": "0.4",
    "weights": f"{_MODELS}/yolov3/yolov3.weights",
    "config": f"{_MODELS}/yolov3/yolov3.cfg",
}
_TINY = {
    "yolo_min_confidence": "0.4",
    "tiny_weights": f"{_MODELS}/tinyyolo/yolov3-tiny.weights",
    "tiny_config": f"{_MODELS}/tinyyolo/yolov3-tiny.cfg",
    "tiny_labels": f"{_MODELS}/tinyyolo/yolov3-tiny.txt",
}
_ALPR = {"alpr_service": "plate_recognizer"}
_HOOKS = {"show_percent": "no", "write_debug_image": "yes"}
_FIVE = {"json_format": "v5"}
_FLAT = {"frame_id": "snapshot", "delete_after_analyze": "no"}

# By the generation, and by the model that has to run for them to matter ("": always).
_DEFAULTS: dict[Generation, dict[str, dict[str, str]]] = {
    Generation.FIVE: {
        "": {**_HOOKS, **_FIVE, **_FLAT},
        "yolo": {**_YOLO, "labels": f"{_MODELS}/yolov3/yolov3_classes.txt"},
        "alpr": _ALPR,
    },
    Generation.SIX: {
        "": {**_HOOKS, **_FLAT},
        "yolo": {**_YOLO, "labels": f"{_MODELS}/yolov3/coco.names"},
        "alpr": _ALPR,
    },
    Generation.NG: {
        "": _HOOKS,
        "face": {"face_model": "cnn", "face_train_model": "cnn", "save_unknown_faces": "no"},
        "alpr": {**_ALPR, "platerec_min_dscore": "0.1", "platerec_min_score": "0.2"},
    },
}


def put_defaults(draft: Draft, generation: Generation, *, ml: bool, stream: bool) -> None:
    """Add the differing defaults; `ml` and `stream` say that these were described in full."""
    for model in ("", *draft.text("models").split(",")):
        for name, text in _of(generation, model, draft).items():
            key = find(name)
            skipped = (ml and model == "yolo") or (stream and name in _FLAT)
            if key is None or name in draft.entries or skipped:
                continue
            ours = written(key, key.default)
            if text != ours:
                note = f"the default of {generation.value}; here it is {ours or 'empty'}"
                draft.entries[name] = ConfigLine(text, note)


def _of(generation: Generation, model: str, draft: Draft) -> dict[str, str]:
    texts = _DEFAULTS[generation].get(model, {})
    is_five = generation is Generation.FIVE
    if is_five and model == "yolo" and draft.text("yolo_type") == "tiny":
        return _TINY
    if generation is not Generation.NG and not model and is_yes(draft.text("create_animation")):
        return {**texts, "animation_width": "400"}
    return texts


def default(generation: Generation, name: str) -> str | None:
    """Return the default of a key that a placeholder names; None for an unknown key."""
    key = find(name)
    if key is None:
        return None
    known = {own: text for part in _DEFAULTS[generation].values() for own, text in part.items()}
    return known.get(key.name, written(key, key.default))
