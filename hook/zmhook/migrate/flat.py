"""Convert keys with one value, write down the defaults of those that are not there.

Nearly all keys of version 5 have one value, and those beside the sequences later; `stream_sequence`
of version 6 and Ng holds such keys too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.migrate.draft import RENAMED, ConfigLine, like
from zmhook.migrate.ml_sequence import KINDS, put_models
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, find, is_no, is_yes, words
from zmhook.settings.hints import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.migrate.draft import Draft


_NO_EFFECT = "had no effect: the sequences say it"
_PUT_IN = "not needed: put in where it was named"
_ELSEWHERE = "another section has that key too"
_FOREIGN = "that model is not here: yolo takes its place, with its own files"
_FILES = frozenset({"weights", "config", "labels", "yolo_processor"})
_ALL_MODELS = "most_models"
_STREAM = frozenset(
    {"frame_id", "bestmatch_order", "resize", "detection_mode", "delete_after_analyze"}
)
_PATTERNS = frozenset(about.pattern for about in KINDS.values())


def put_flat(draft: Draft, old: OldConfig) -> None:
    """Put every flat key that had an effect; the others are lost, with the reason."""
    for name, setting in old.flat.items():
        special = _SPECIAL.get(RENAMED.get(name, name))
        if _is_ruled_out(old, name):
            draft.lose(setting, _PUT_IN if name in old.used else _NO_EFFECT)
        elif old.is_foreign and _is_of_foreign(name):
            draft.lose(setting, _FOREIGN)
        elif special:
            special(draft, old, setting)
        elif name in old.used and like(RENAMED.get(name, name)) is None:
            draft.lose(setting, _PUT_IN)
        else:
            draft.put(name, setting)
    for setting in old.unread:
        draft.lose(setting, _ELSEWHERE if setting.key in old.flat else "")
    for setting in old.unused:
        draft.lose(setting._replace(value="…"), "had no effect: use_sequence = no")


def _is_ruled_out(old: OldConfig, name: str) -> bool:
    """Say whether a sequence replaced a key."""
    key = find(name)
    if key is None:
        return False
    if key.name in _STREAM:
        return old.stream is not None
    is_of_model = key.section in ("yolo", "hog", "alpr") or key.name in _PATTERNS | {"models"}
    return old.ml is not None and is_of_model


def _models(draft: Draft, old: OldConfig, setting: OldSetting) -> None:
    del old
    put_models(draft, words(str(setting.value).strip("[]() ").replace("'", "")), setting)


def _mode(draft: Draft, old: OldConfig, setting: OldSetting) -> None:
    """In version 6, all models ran on all pictures, and one picture was chosen."""
    mode = str(setting.value).strip()
    if old.generation is Generation.FIVE or mode not in ("all", "first"):
        draft.put("detection_mode" if mode in ("all", "first") else "frame_strategy", setting)
        return
    value = _ALL_MODELS if mode == "all" else mode
    put_strategy(draft, setting._replace(value=value), old.generation)


def _cuda(draft: Draft, old: OldConfig, setting: OldSetting) -> None:
    del old
    if is_yes(setting.value):
        draft.put("yolo_processor", setting._replace(value="gpu"))
    else:
        draft.lose(setting, "not needed: yolo_processor is cpu where nothing else is said")


def _is_of_foreign(name: str) -> bool:
    """Say whether a key is about the files of a model that is not here."""
    key = find(name)
    return name == "object_framework" or (key is not None and key.name in _FILES)


def _triggered(draft: Draft, old: OldConfig, setting: OldSetting) -> None:
    """In version 6 and Ng this key alone imported ZoneMinder's zones."""
    draft.put(setting.key, setting)
    if is_yes(setting.value) and old.generation is not Generation.FIVE and find("import_zm_zones"):
        draft.entries["import_zm_zones"] = ConfigLine("yes", f"{setting.key} did that too")


def _import(draft: Draft, old: OldConfig, setting: OldSetting) -> None:
    if old.generation is Generation.FIVE or not old.is_yes("only_triggered_zm_zones"):
        draft.put(setting.key, setting)


_SPECIAL: dict[str, Callable[[Draft, OldConfig, OldSetting], None]] = {
    "models": _models,
    "model": _models,
    "detection_sequence": _models,
    "detection_mode": _mode,
    "use_opencv_dnn_cuda": _cuda,
    "only_triggered_zm_zones": _triggered,
    "import_zm_zones": _import,
}


# -- the defaults of older programs that differ from ours -----------------------------------------

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


# -- which pictures of an event are analysed: stream_sequence --------------------------------------

_STRATEGY = ("frame_strategy", "strategy", "detection_mode")
_BY_MODELS = "most_models"
_TWICE = "each picture is looked at once"
_NO_FRAMES = {Generation.SIX: "all", Generation.NG: "snapshot,alarm,1"}


def put_stream(draft: Draft, stream: dict[str, Any], old: OldConfig) -> None:
    """Put the settings of `stream_sequence`; those without a counterpart are lost."""
    generation = old.generation
    for key, value in stream.items():
        setting = OldSetting("stream_sequence:", str(key), value)
        if key == "delay":
            _put_delay(draft, setting, old)
        else:
            _put(draft, setting, generation)
    if "frame_set" not in stream:
        note = f"what {generation.value} took without frame_set"
        draft.entries.setdefault("frame_id", ConfigLine(_NO_FRAMES[generation], note))
    if draft.text("frame_id") == "all" and "frame_skip" not in stream:
        draft.entries.setdefault(
            "frame_skip", ConfigLine("0", "without frame_skip it took each frame")
        )


def _put(draft: Draft, setting: OldSetting, generation: Generation) -> None:
    if setting.key in _STRATEGY:
        put_strategy(draft, setting, generation)
    elif setting.key == "frame_set":
        _put_frames(draft, setting)
    elif setting.key == "frame_skip":
        _put_skip(draft, setting)
    elif setting.key == "disable_ssl_cert_check":
        _put_certificates(draft, setting)
    else:
        draft.put(setting.key, setting)


def put_strategy(draft: Draft, setting: OldSetting, generation: Generation) -> None:
    """Put the frame strategy. In version 6, `first` stopped the chain of models, too."""
    draft.put("frame_strategy", setting)
    if generation is Generation.SIX and draft.text("frame_strategy") == "first":
        note = "the first model that found something was the last"
        draft.entries.setdefault("detection_mode", ConfigLine("first", note))


def put_usual_strategy(draft: Draft, generation: Generation) -> None:
    """Put the default frame strategy of version 6 and Ng."""
    key = find("frame_strategy")
    if key and _BY_MODELS in key.choices:
        note = f"the default of {generation.value}; here it is {key.default}"
        draft.entries.setdefault(key.name, ConfigLine(_BY_MODELS, note))


def _put_frames(draft: Draft, setting: OldSetting) -> None:
    frames = words(setting.value)
    draft.put("frame_id", setting._replace(value=",".join(dict.fromkeys(frames))))
    for frame in dict.fromkeys(frames):
        if frames.count(frame) > 1:
            draft.lose(setting._replace(value=f"{frame}, {frames.count(frame)} times"), _TWICE)


def _put_skip(draft: Draft, setting: OldSetting) -> None:
    """Convert frame_skip: 3 meant every third frame, so two are skipped in between."""
    text = str(setting.value).strip()
    if text.isdigit():
        setting = setting._replace(value=str(max(int(text) - 1, 0)))
        draft.put("frame_skip", setting, f"was {text}, which counted the frame itself")
    else:
        draft.put("frame_skip", setting)


def _put_delay(draft: Draft, setting: OldSetting, old: OldConfig) -> None:
    """Put the seconds before the first picture, added to those of `wait`."""
    wait = old.flat.pop("wait", None)
    if wait is None:
        draft.put("wait", setting)
        return
    try:
        both = float(setting.value) + float(wait.value)
    except (TypeError, ValueError):
        draft.lose(setting, f"is no number of seconds, or {wait.location} is none")
        old.flat["wait"] = wait
    else:
        draft.put("wait", OldSetting("", "wait", both), f"{wait.location} and {setting.location}")


def _put_certificates(draft: Draft, setting: OldSetting) -> None:
    if is_yes(setting.value) or is_no(setting.value):
        draft.put("allow_self_signed", setting)
    else:
        draft.lose(setting, "expected yes or no")
