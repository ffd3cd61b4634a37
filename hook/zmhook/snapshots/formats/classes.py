"""Classes in a message: what the camera takes the object for, its colours, what else it saw."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from zmhook.snapshots.formats.values import fraction, label, mappings, number, text
from zmhook.snapshots.snapshot import Attribute, Classification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.snapshots.formats.values import Json

MOST_CLASSES = 16
MOST_COLOURS = 8
MOST_ATTRIBUTES = 32

_NAMES = ("type", "name", "label")
_OWN = {*_NAMES, "score", "colors"}
_COLOURS = ("colors", "upper_clothing_colors", "lower_clothing_colors")
_SPEEDS = {
    "maximum_speed": "maximum_speed",
    "minimum_speed": "minimum_speed",
    "max_speed": "maximum_speed",
    "min_speed": "minimum_speed",
}


class Classes(Struct, frozen=True):
    """What the object is taken for, the likeliest first; `label` is "" when that is unknown."""

    all: tuple[Classification, ...] = ()
    colours: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.all[0].name if self.all else ""

    @property
    def score(self) -> float | None:
        return self.all[0].score if self.all else None


NOTHING = Classes()


def classes_of(content: Json) -> Classes:
    """Read `classes` (a list) or `class` (one): by score, because no order is promised.

    Colours are in lower case, whatever the camera writes; those of vehicles are in `colors`, those
    of people in `upper_clothing_colors` and `lower_clothing_colors`, which are attributes too.
    """
    given = content.get("classes") or content.get("class")
    if isinstance(given, (dict, str)):
        given = [given]
    entries = [{"type": one} if isinstance(one, str) else one for one in _listed(given)]
    named = [(_class(one), one) for one in mappings(entries)]
    best = sorted((pair for pair in named if pair[0].name), key=_rank)[:MOST_CLASSES]
    if not best:
        return NOTHING
    likeliest = best[0][1]
    return Classes(tuple(one for one, _ in best), _colours(likeliest), _attributes(likeliest))


def track_attributes(content: Json) -> dict[str, Attribute]:
    """Return what a track says beside its classes: speeds in m/s, parts, a strange end."""
    found: dict[str, Attribute] = {}
    for name, ours in _SPEEDS.items():
        speed = number(content.get(name))
        if speed is not None:
            found[ours] = speed
    parts = [text(part.get("object_track_id")) for part in mappings(content.get("parts"))]
    if any(parts):
        found["parts"] = ", ".join(filter(None, parts[:MOST_CLASSES]))
    reason = text(content.get("end_reason"))
    if reason and reason.lower() != "completed":
        found["end_reason"] = reason
    return found


def _listed(given: Any) -> list[Any]:
    return given[: MOST_CLASSES * 4] if isinstance(given, list) else []


def _class(entry: Json) -> Classification:
    name = next(filter(None, (label(entry.get(key)) for key in _NAMES)), "")
    return Classification(name, fraction(entry.get("score")))


def _rank(pair: tuple[Classification, Json]) -> float:
    score = pair[0].score
    return 1.0 if score is None else -score


def _colours(entry: Json) -> tuple[str, ...]:
    found = [colour for key in _COLOURS for colour in names(entry.get(key))]
    return tuple(dict.fromkeys(found))[:MOST_COLOURS]


def names(value: Any) -> list[str]:
    """Return the names in a list of `{name, score}` or of texts, in lower case, best first."""
    entries = [{"name": one} if isinstance(one, str) else one for one in _listed(value)]
    ranked = sorted(mappings(entries), key=lambda one: -(fraction(one.get("score")) or 0.0))
    return [name for name in (label(one.get("name")).lower() for one in ranked) if name]


def _attributes(entry: Json) -> dict[str, Attribute]:
    """Return what else the class has: hats, bags, plates, whatever a later firmware adds."""
    others = {key: value for key, value in entry.items() if key not in _OWN}
    flat = (pair for key, value in others.items() for pair in _flat(label(key), value))
    return {key: value for key, value in islice(flat, MOST_ATTRIBUTES) if key}


def _flat(key: str, value: Any) -> Iterator[tuple[str, Attribute]]:
    """Yield plain values; a list of names as one text, and an object's values one by one."""
    if isinstance(value, dict):
        for inner, one in value.items():
            if not isinstance(one, (dict, list)):
                yield from _flat(f"{key}_{label(inner)}", one)
    elif isinstance(value, list):
        joined = ", ".join(names(value)[:MOST_COLOURS])
        yield from [(key, joined)] if joined else []
    elif isinstance(value, bool):
        yield key, value
    elif isinstance(value, str):
        yield key, text(value)
    elif (found := number(value)) is not None:
        yield key, found
