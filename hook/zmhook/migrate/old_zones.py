"""Convert zones: their corners and patterns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from zmhook.migrate import reasons
from zmhook.migrate.draft import ConfigLine, is_writable, like
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, find
from zmhook.printable import one_line
from zmhook.settings import forms
from zmhook.settings.gate import ZONE_SUFFIXES

if TYPE_CHECKING:
    from zmhook.migrate.draft import Draft

_UNUSABLE = re.compile(r"^[\s#;\[]+|[=:\x00-\x1f\x7f]+")
_IMPORTED_ONLY = "had no effect: only_triggered_zm_zones uses the zones of ZoneMinder alone"
_SUFFIX = {field: suffix for suffix, field in ZONE_SUFFIXES.items()}
_FIRST = "first_intersecting"


def put_zones(draft: Draft, old: OldConfig) -> None:
    """Put the zones of a monitor, and their patterns."""
    ignored = old.generation is not Generation.FIVE and old.is_yes("only_triggered_zm_zones")
    names: dict[str, str] = {}
    for name, setting in old.zones.items():
        if ignored:
            draft.lose(setting, _IMPORTED_ONLY)
        else:
            names[name] = _put_zone(draft, name, setting)
    for (name, field), setting in old.patterns.items():
        _put_pattern(draft, names.get(name, ""), name, field, setting)
    if old.patterns and old.generation is Generation.SIX:
        key = find("zone_match_strategy")
        if key and _FIRST in key.choices:
            note = "the first zone that a box touched decided"
            draft.entries.setdefault(key.name, ConfigLine(_FIRST, note))


def _put_zone(draft: Draft, name: str, setting: OldSetting) -> str:
    """Put the corners; return the zone's new name, empty if the corners are unusable."""
    ours = _free_name(draft, name)
    try:
        text = _corners(setting.value)
        forms.read_polygon(ours, text)
    except ValueError as error:
        draft.lose(setting, str(error) or "expected corners such as 0,0 640,0 640,480")
        return ""
    notes = []
    if ours != name.lower():
        notes.append(f"was called {name}")
    if text != " ".join(str(setting.value).split()) and "." in str(setting.value):
        notes.append("whole pixels here")
    draft.entries[ours] = ConfigLine(text, one_line(", ".join(notes)))
    return ours


def _free_name(draft: Draft, name: str) -> str:
    """Return a free name for the zone that is not the name of a setting."""
    ours = _UNUSABLE.sub("_", name.strip().lower()).strip() or "zone"
    if not is_writable(ours):
        ours = re.sub(r"\W+", "_", ours)
    while ours in draft.entries or like(ours) or reasons.why(ours):
        ours += "_zone" if not ours.endswith("_zone") else "_2"
    return ours


def _corners(value: Any) -> str:
    """Return `x,y x,y x,y` in whole pixels, from a text or from lists of numbers."""
    if isinstance(value, list | tuple):
        points = [",".join(map(str, point)) for point in value if isinstance(point, list | tuple)]
        value = " ".join(points)
    parts = str(value).strip().strip("'\"").split(",")
    text = ",".join(part.strip() for part in parts)
    return re.sub(r"[+-]?\d{0,9}\.\d+|[+-]?\d{1,9}\.", _whole, " ".join(text.split()))


def _whole(match: re.Match[str]) -> str:
    return str(round(float(match[0])))


def _put_pattern(draft: Draft, ours: str, name: str, field: str, setting: OldSetting) -> None:
    """Put a zone's pattern; a name with _ may have spaces in ZoneMinder."""
    suffix = _SUFFIX[field]
    if ours:
        draft.put(ours + suffix, setting)
        return
    name = _UNUSABLE.sub("_", name.strip().lower())
    draft.put(name + suffix, setting)
    if "_" in name:
        draft.put(name.replace("_", " ") + suffix, setting, "if its name has spaces in ZoneMinder")
