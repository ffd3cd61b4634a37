"""`ml_sequence`, which version 6 and Ng have: which models look at a picture, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import DetectorError
from zmhook.migrate.kind import KINDS, OBJECT, Kind, is_shared
from zmhook.migrate.old import Generation, Given, mapping, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zmhook.migrate.draft import Draft

ROOT = "ml_sequence"
_EMPTY = "of that kind, no model is switched on and here"
_NOT_NAMED = "model_sequence does not name it"


def usable(model: str) -> bool:
    """Say whether this version has a model of that name."""
    from zmhook.detectors.base import find as find_detector

    try:
        find_detector(model)
    except DetectorError:
        return False
    return True


def put_models(draft: Draft, names: Iterable[str], given: Given) -> None:
    """Put the chain in its order, without what is not here; it is never empty."""
    models = []
    for name in names:
        model = KINDS[name].ours if name in KINDS else name
        if usable(model):
            models.append(model)
        else:
            draft.lose(given._replace(value=name), f"this version has no model {model}")
    draft.put("models", given._replace(value=",".join(models or ["yolo"])))


def put_chain(
    draft: Draft, ml: Mapping[str, Any], generation: Generation, shared: Mapping[str, Any]
) -> None:
    """Put what `ml_sequence` says; what has no place here is lost.

    `shared` are the parts that all monitors have: of these it is enough to tell once.
    """
    general = mapping(ml.get("general"))
    _put_shared(draft, general)
    names = words(general.get("model_sequence", OBJECT))
    sequence = Given(f"{ROOT} general:", "model_sequence", ",".join(names))
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
    """Put what is said of a kind; return its model, or the name where it is no known kind."""
    if name not in KINDS:
        return name
    kind = Kind(draft, KINDS[name], f"{ROOT} {name}:", section)
    return kind.put(is_ng=generation is Generation.NG)


def _put_shared(draft: Draft, general: Mapping[str, Any]) -> None:
    """Put what holds for all models before what one of them says of it."""
    for key, value in general.items():
        if is_shared(str(key)):
            draft.put(str(key), Given(f"{ROOT} general:", str(key), value))


def _put_general(draft: Draft, section: str, general: Mapping[str, Any]) -> None:
    for key, value in general.items():
        given = Given(section, str(key), value)
        if key == "pattern":
            for kind in KINDS.values():
                if kind.pattern not in draft.entries:
                    draft.put(kind.pattern, given)
        elif key != "model_sequence" and not is_shared(given.key):
            draft.put(given.key, given)


def _lose_unnamed(draft: Draft, ml: Mapping[str, Any], names: Iterable[str]) -> None:
    for key, value in ml.items():
        if not isinstance(value, dict):
            draft.lose(Given(ROOT, str(key), value), "is no dict")
        elif key != "general" and key not in names:
            draft.lose(Given(ROOT, str(key), value), _NOT_NAMED)
        elif key != "general" and key not in KINDS:
            draft.lose(Given(ROOT, str(key), value))
