"""Keys with one value: nearly all of version 5, and what is beside the sequences later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.migrate.chain import KINDS, put_models
from zmhook.migrate.draft import RENAMED, Entry, like
from zmhook.migrate.old import Generation, Given, Old, find, is_yes, words
from zmhook.migrate.stream import put_strategy

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


def put_flat(draft: Draft, old: Old) -> None:
    """Put every flat key that had an effect; the others are lost, with the reason."""
    for name, given in old.flat.items():
        special = _SPECIAL.get(RENAMED.get(name, name))
        if _is_ruled_out(old, name):
            draft.lose(given, _PUT_IN if name in old.used else _NO_EFFECT)
        elif old.is_foreign and _is_of_foreign(name):
            draft.lose(given, _FOREIGN)
        elif special:
            special(draft, old, given)
        elif name in old.used and like(RENAMED.get(name, name)) is None:
            draft.lose(given, _PUT_IN)
        else:
            draft.put(name, given)
    for given in old.unread:
        draft.lose(given, _ELSEWHERE if given.key in old.flat else "")
    for given in old.unused:
        draft.lose(given._replace(value="…"), "had no effect: use_sequence = no")


def _is_ruled_out(old: Old, name: str) -> bool:
    """Say whether a sequence took a key's place."""
    key = find(name)
    if key is None:
        return False
    if key.name in _STREAM:
        return old.stream is not None
    is_of_model = key.section in ("yolo", "hog", "alpr") or key.name in _PATTERNS | {"models"}
    return old.ml is not None and is_of_model


def _models(draft: Draft, old: Old, given: Given) -> None:
    del old
    put_models(draft, words(str(given.value).strip("[]() ").replace("'", "")), given)


def _mode(draft: Draft, old: Old, given: Given) -> None:
    """In version 6, all models looked at all pictures, and one picture was chosen."""
    mode = str(given.value).strip()
    if old.generation is Generation.FIVE or mode not in ("all", "first"):
        draft.put("detection_mode" if mode in ("all", "first") else "frame_strategy", given)
        return
    value = _ALL_MODELS if mode == "all" else mode
    put_strategy(draft, given._replace(value=value), old.generation)


def _cuda(draft: Draft, old: Old, given: Given) -> None:
    del old
    if is_yes(given.value):
        draft.put("yolo_processor", given._replace(value="gpu"))
    else:
        draft.lose(given, "not needed: yolo_processor is cpu where nothing else is said")


def _is_of_foreign(name: str) -> bool:
    """Say whether a key is about the files of a model that is not here."""
    key = find(name)
    return name == "object_framework" or (key is not None and key.name in _FILES)


def _triggered(draft: Draft, old: Old, given: Given) -> None:
    """In version 6 and Ng this alone had ZoneMinder's zones imported."""
    draft.put(given.key, given)
    if is_yes(given.value) and old.generation is not Generation.FIVE and find("import_zm_zones"):
        draft.entries["import_zm_zones"] = Entry("yes", f"{given.key} did that too")


def _import(draft: Draft, old: Old, given: Given) -> None:
    if old.generation is Generation.FIVE or not old.is_yes("only_triggered_zm_zones"):
        draft.put(given.key, given)


_SPECIAL: dict[str, Callable[[Draft, Old, Given], None]] = {
    "models": _models,
    "model": _models,
    "detection_sequence": _models,
    "detection_mode": _mode,
    "use_opencv_dnn_cuda": _cuda,
    "only_triggered_zm_zones": _triggered,
    "import_zm_zones": _import,
}
