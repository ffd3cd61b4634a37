"""Convert keys with one value: nearly all of version 5, and those beside the sequences later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.migrate.draft import RENAMED, ConfigLine, like
from zmhook.migrate.ml_sequence import KINDS, put_models
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, find, is_yes, words
from zmhook.migrate.stream_sequence import put_strategy

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
