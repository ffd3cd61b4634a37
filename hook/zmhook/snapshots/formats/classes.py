"""Read an object's classes, colours and attributes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from zmhook.snapshots.formats.values import Json, fraction, label, number, text
from zmhook.snapshots.snapshot import Attribute, Classification
from zmhook.text.bounded_json import mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """The object's classes, the likeliest first; `label` is "" when there are none."""

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
    value = content.get("classes") or content.get("class")
    if isinstance(value, (dict, str)):
        value = [value]
    entries = [{"type": entry} if isinstance(entry, str) else entry for entry in _listed(value)]
    named = [(_class(entry), entry) for entry in mappings(entries)]
    best = sorted((pair for pair in named if pair[0].name), key=_rank)[:MOST_CLASSES]
    if not best:
        return NOTHING
    likeliest = best[0][1]
    return Classes(tuple(own for own, _ in best), _colours(likeliest), _attributes(likeliest))


def track_attributes(content: Json) -> dict[str, Attribute]:
    """Return what a track has beside its classes: speeds in m/s, parts, an unusual end."""
    attributes: dict[str, Attribute] = {}
    for name, ours in _SPEEDS.items():
        speed = number(content.get(name))
        if speed is not None:
            attributes[ours] = speed
    parts = [text(part.get("object_track_id")) for part in mappings(content.get("parts"))]
    if any(parts):
        attributes["parts"] = ", ".join(filter(None, parts[:MOST_CLASSES]))
    reason = text(content.get("end_reason"))
    if reason and reason.lower() != "completed":
        attributes["end_reason"] = reason
    return attributes


def _listed(value: Any) -> list[Any]:
    return value[: MOST_CLASSES * 4] if isinstance(value, list) else []


def _class(entry: Json) -> Classification:
    name = next(filter(None, (label(entry.get(key)) for key in _NAMES)), "")
    return Classification(name, fraction(entry.get("score")))


def _rank(pair: tuple[Classification, Json]) -> float:
    score = pair[0].score
    return 1.0 if score is None else -score


def _colours(entry: Json) -> tuple[str, ...]:
    colours = [colour for key in _COLOURS for colour in names(entry.get(key))]
    return tuple(dict.fromkeys(colours))[:MOST_COLOURS]


def names(value: Any) -> list[str]:
    """Return the names in a list of `{name, score}` or of texts, in lower case, best first."""
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in _listed(value)]
    ranked = sorted(mappings(entries), key=lambda entry: -(fraction(entry.get("score")) or 0.0))
    return [name for name in (label(entry.get("name")).lower() for entry in ranked) if name]


def _attributes(entry: Json) -> dict[str, Attribute]:
    """Return what else the class has: hats, bags, plates, whatever a later firmware adds."""
    others = {key: value for key, value in entry.items() if key not in _OWN}
    flat = (pair for key, value in others.items() for pair in _flat(label(key), value))
    return {key: value for key, value in islice(flat, MOST_ATTRIBUTES) if key}


def _flat(key: str, value: Any) -> Iterator[tuple[str, Attribute]]:
    """Yield plain values; a list of names as one text, and an object's values one by one."""
    if isinstance(value, dict):
        for inner, member in value.items():
            if not isinstance(member, (dict, list)):
                yield from _flat(f"{key}_{label(inner)}", member)
    elif isinstance(value, list):
        joined = ", ".join(names(value)[:MOST_COLOURS])
        yield from [(key, joined)] if joined else []
    elif isinstance(value, bool):
        yield key, value
    elif isinstance(value, str):
        yield key, text(value)
    elif (amount := number(value)) is not None:
        yield key, amount
