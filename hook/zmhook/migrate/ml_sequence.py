"""Convert `ml_sequence` of version 6 and Ng: which models run, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import DetectorError
from zmhook.migrate.draft import ConfigLine, like
from zmhook.migrate.old_config import Generation, OldSetting, find, is_no, words
from zmhook.text.bounded_json import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zmhook.migrate.draft import Draft

ROOT = "ml_sequence"
_EMPTY = "of that kind, no model is switched on and here"
_NOT_NAMED = "model_sequence does not name it"
OBJECT = "object"
_NAMING = ("name", "enabled")
_SIDES = ("model_width", "model_height")
_AFTER_VEHICLES = "alpr_use_after_detection_only"

_OFF = "it was switched off"
_NOT_HERE = "that model is not here"
_INSTEAD = f"{_NOT_HERE}: yolo takes its place, with its own file"
_SECOND = "there is one model of each kind here, the first that was switched on"
_TOGETHER = "here it holds for all models together"
_OWN_SIZE = "not needed: the network is given the picture in a size of its own"
_OWN_KIND = "it waits for another model of its own kind, and there is one of each here"
_SQUARE = "a network is given a square here, of model_width"


def usable(model: str) -> bool:
    """Say whether this version has a model of that name."""
    from zmhook.detectors.base import find as find_detector

    try:
        find_detector(model)
    except DetectorError:
        return False
    return True


def put_models(draft: Draft, names: Iterable[str], setting: OldSetting) -> None:
    """Put the models in their order, without those that this version lacks; never none."""
    models = []
    for name in names:
        model = KINDS[name].ours if name in KINDS else name
        if usable(model):
            models.append(model)
        else:
            draft.lose(setting._replace(value=name), f"this version has no model {model}")
    draft.put("models", setting._replace(value=",".join(models or ["yolo"])))


def put_chain(
    draft: Draft, ml: Mapping[str, Any], generation: Generation, shared: Mapping[str, Any]
) -> None:
    """Put the settings of `ml_sequence`; those without a counterpart are lost.

    `shared` are the parts that all monitors have: of these it is enough to tell once.
    """
    general = mapping(ml.get("general"))
    _put_shared(draft, general)
    names = words(general.get("model_sequence", OBJECT))
    sequence = OldSetting(f"{ROOT} general:", "model_sequence", ",".join(names))
    models = []
    for name in names:
        model = _model(draft, name, mapping(ml.get(name)), generation)
        if model:
            models.append(model)
        else:
            draft.lose(sequence._replace(value=name), _EMPTY)
    put_models(draft, models, sequence)
    _put_general(draft, sequence.section, general)
    own = {key: part for key, part in ml.items() if shared.get(key) != part}
    _lose_unnamed(draft, own, names)


def _model(draft: Draft, name: str, section: Mapping[str, Any], generation: Generation) -> str:
    """Put the settings of a kind; return its model, or the name of an unknown kind."""
    if name not in KINDS:
        return name
    kind = ModelKind(draft, KINDS[name], f"{ROOT} {name}:", section)
    return kind.put(is_ng=generation is Generation.NG)


def _put_shared(draft: Draft, general: Mapping[str, Any]) -> None:
    """Put settings of all models, which come before those of one."""
    for key, value in general.items():
        if is_shared(str(key)):
            draft.put(str(key), OldSetting(f"{ROOT} general:", str(key), value))


def _put_general(draft: Draft, section: str, general: Mapping[str, Any]) -> None:
    for key, value in general.items():
        setting = OldSetting(section, str(key), value)
        if key == "pattern":
            for kind in KINDS.values():
                if kind.pattern not in draft.entries:
                    draft.put(kind.pattern, setting)
        elif key != "model_sequence" and not is_shared(setting.key):
            draft.put(setting.key, setting)


def _lose_unnamed(draft: Draft, ml: Mapping[str, Any], names: Iterable[str]) -> None:
    for key, value in ml.items():
        if not isinstance(value, dict):
            draft.lose(OldSetting(ROOT, str(key), value), "is no dict")
        elif key != "general" and key not in names:
            draft.lose(OldSetting(ROOT, str(key), value), _NOT_NAMED)
        elif key != "general" and key not in KINDS:
            draft.lose(OldSetting(ROOT, str(key), value))


class KindInfo(NamedTuple):
    """A kind of model: its name and pattern in zmhook, and its known frameworks."""

    ours: str
    pattern: str
    framework: str
    known: dict[str, str]
    max_size: str = ""


KINDS = {
    OBJECT: KindInfo(
        "yolo", "detect_pattern", "object_framework", {"opencv": "yolo", "hog": "hog"}
    ),
    "face": KindInfo(
        "face",
        "face_detection_pattern",
        "face_detection_framework",
        {"dlib": "face", "face_dlib": "face"},
        "face_max_size",
    ),
    "alpr": KindInfo("alpr", "alpr_pattern", "", {}, "alpr_max_size"),
}


class ModelKind:
    """One kind's part of `ml_sequence`: its settings, and the models to choose from."""

    def __init__(
        self, draft: Draft, about: KindInfo, root: str, section: Mapping[str, Any]
    ) -> None:
        self.draft = draft
        self.about = about
        self.root = root
        self.general = mapping(section.get("general"))
        self.items = self._items(section.get("sequence"))
        for key, value in section.items():
            if key not in ("general", "sequence") or (key == "general" and not self.general):
                draft.lose(OldSetting(root, str(key), value))

    def put(self, *, is_ng: bool) -> str:
        """Put its settings, and return the model's name in zmhook; empty if there is none."""
        number, item = self._taken()
        model = self._model(item) if number else ""
        for other in self.items:
            if other[0] != number:
                self._lose_other(*other, taken=number)
        self._put_general(model)
        for key, value in item.items():
            setting = OldSetting(f"{self.root} sequence {number}:", str(key), value)
            self._put_of_item(setting, item, model, is_ng=is_ng)
        waits = self.general.get("pre_existing_labels") or item.get("pre_existing_labels")
        if model == "alpr" and not waits and find(_AFTER_VEHICLES):
            note = "it read every picture, for want of pre_existing_labels"
            self.draft.entries.setdefault(_AFTER_VEHICLES, ConfigLine("no", note))
        return model or (self.about.ours if self.about is KINDS[OBJECT] else "")

    def _items(self, value: Any) -> list[tuple[int, dict[str, Any]]]:
        """Return the models with their numbers, from 1."""
        entries = value if isinstance(value, list | tuple) else [value] if value else []
        items = []
        for number, item in enumerate(entries, 1):
            if isinstance(item, dict):
                items.append((number, item))
            else:
                self.draft.lose(OldSetting(self.root, f"sequence {number}", item), "is no dict")
        return items

    def _taken(self) -> tuple[int, dict[str, Any]]:
        """Return the first model that was on and that zmhook has; number 0 if there is none."""
        here = (pair for pair in self.items if _is_on(pair[1]) and self._model(pair[1]))
        return next(here, (0, {}))

    def _model(self, item: Mapping[str, Any]) -> str:
        """Return zmhook's name of an item's model; empty if zmhook does not have it."""
        framework = item.get(self.about.framework) if self.about.framework else None
        if framework in (None, ""):
            return self.about.ours
        return self.about.known.get(str(framework).lower(), "")

    def _lose_other(self, number: int, item: Mapping[str, Any], *, taken: int) -> None:
        is_here = bool(self._model(item))
        missing = _NOT_HERE if taken or self.about is not KINDS[OBJECT] else _INSTEAD
        why = _OFF if not _is_on(item) else _SECOND if is_here else missing
        self.draft.lose(OldSetting(self.root, f"sequence {number}", item), why)

    def _put_general(self, model: str) -> None:
        for key, value in self.general.items():
            setting = OldSetting(f"{self.root} general:", str(key), value)
            if key == "pattern":
                self.draft.put(self.about.pattern, setting)
            elif key == "pre_existing_labels":
                self._put_labels(model, setting)
            else:
                self._put_shared(setting, model)

    def _put_shared(self, setting: OldSetting, model: str, note: str = "") -> None:
        """Put a key of the same name; of settings shared by all models, those of objects hold."""
        if model == "hog" and setting.key == "object_min_confidence":
            self.draft.put("hog_min_confidence", setting)
        elif self.about is not KINDS[OBJECT] and is_shared(setting.key):
            self.draft.lose(setting, _TOGETHER)
        elif is_of_past(setting.key):
            self.draft.put_last(setting.key, setting)
        else:
            self.draft.put(setting.key, setting, note)

    def _put_labels(self, model: str, setting: OldSetting) -> None:
        """Put the labels that the model waits for, if it can wait."""
        name = f"{model}_pre_existing_labels"
        if find(name):
            self.draft.put(name, setting)
        else:
            self.draft.lose(setting, f"{model or self.about.ours} looks at every picture")

    def _put_of_item(
        self, setting: OldSetting, item: Mapping[str, Any], model: str, *, is_ng: bool
    ) -> None:
        if setting.key in _SIDES:
            self._put_side(setting, item)
        elif setting.key == "max_size":
            self._put_max_size(setting)
        elif setting.key == "pre_existing_labels":
            self._put_item_labels(setting, model, is_ng=is_ng)
        elif self.about is KINDS[OBJECT] and is_of_past(setting.key):
            self.draft.compare_last(setting)
        elif self.about is KINDS[OBJECT] and is_shared(setting.key):
            self.draft.put_last(setting.key, setting)
        elif setting.key not in (*_NAMING, self.about.framework):
            is_file = setting.key == "object_weights" and item.get("name")
            self._put_shared(setting, model, str(item["name"]) if is_file else "")

    def _put_side(self, setting: OldSetting, item: Mapping[str, Any]) -> None:
        if setting.key == _SIDES[1] and str(item.get(_SIDES[0], setting.value)) != str(
            setting.value
        ):
            self.draft.lose(setting, _SQUARE)
        else:
            self.draft.put("yolo_input_size", setting)

    def _put_max_size(self, setting: OldSetting) -> None:
        if find(self.about.max_size):
            self.draft.put(self.about.max_size, setting)
        else:
            self.draft.lose(setting, _OWN_SIZE)

    def _put_item_labels(self, setting: OldSetting, model: str, *, is_ng: bool) -> None:
        if is_ng and set(words(setting.value)) - {"face"}:
            self._put_labels(model, setting)
        else:
            self.draft.lose(setting, _OWN_KIND)


def is_shared(name: str) -> bool:
    """Say whether a key is one of [gate], or the limit of a label there."""
    key = like(name)
    return key is not None and key.section == "gate"


def is_of_past(name: str) -> bool:
    """Say whether a key is about past detections; inside a model it had no effect."""
    return is_shared(name) and "past_det" in name


def _is_on(item: Mapping[str, Any]) -> bool:
    return not is_no(item.get("enabled", "yes"))
