"""Map the settings of an old file to our keys, for one monitor or for all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.migrate import reasons
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, find, parse_literal
from zmhook.printable import one_line
from zmhook.settings import forms
from zmhook.settings.gate import LABEL_SUFFIXES, ZONE_SUFFIXES
from zmhook.settings.hints import allowed
from zmhook.settings.keys import Key, named_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# Of the limits that a label may have here, those that older files had too.
_LABEL_SUFFIXES = ("_past_det_max_diff_area", "_max_detection_size")
_COMMENT = re.compile(r"^;|(^|\s)#")
_NAME = re.compile(r"[^\s#;\[=:\x00-\x1f][^=:\x00-\x1f]*")
_BRACKETS = ("[", "{", "(")
PERCENT = 100
_UNUSABLE = re.compile(r"^[\s#;\[]+|[=:\x00-\x1f\x7f]+")
_IMPORTED_ONLY = "had no effect: only_triggered_zm_zones uses the zones of ZoneMinder alone"
_SUFFIX = {field: suffix for suffix, field in ZONE_SUFFIXES.items()}
_FIRST = "first_intersecting"
RENAMED = {"zm_conf_path": "base_zm_conf_path", "platrec_stats": "platerec_stats"}


class ConfigLine(NamedTuple):
    """A line of the result, and the comment above it."""

    text: str
    note: str = ""


class Lost(NamedTuple):
    """A setting that is not in the result, with its value (secrets masked) and the reason."""

    location: str
    shown: str
    why: str


class Draft:
    """The lines for one monitor, or for all, by key; zones and their patterns are among them."""

    def __init__(self) -> None:
        self.entries: dict[str, ConfigLine] = {}
        self.lost: list[Lost] = []
        self._from: dict[str, str] = {}
        self._weaker: list[tuple[str, OldSetting]] = []

    def put(self, name: str, setting: OldSetting, note: str = "") -> None:
        """Add an old value under our name of its key.

        A value that cannot stand here is lost. What was put first holds: whoever knows more puts
        first. `note` stands in the comment.
        """
        name = RENAMED.get(name, name)
        key = like(name)
        if key is None:
            self.lose(setting)
            return
        try:
            text = as_text(key, setting.value)
            if text:
                _check(key, text)
        except ValueError as error:
            self.lose(setting, str(error))
            return
        ours = find(name)
        if text:
            name = ours.name if ours else name
            notes = filter(None, (note, *_changes(name, key, text, setting)))
            self._add(name, ConfigLine(text, ", ".join(map(one_line, notes))), setting)

    def put_last(self, name: str, setting: OldSetting) -> None:
        """Put it after everything else, so that it holds only if nothing else sets it."""
        self._weaker.append((name, setting))

    def compare_last(self, setting: OldSetting) -> None:
        """Lose a setting of a single model, unless the same holds for all."""
        self._weaker.append(("", setting))

    def put_rest(self) -> None:
        """Handle what `put_last` and `compare_last` deferred."""
        while self._weaker:
            name, setting = self._weaker.pop(0)
            if name or setting.key in self.entries:
                self.put(setting.key, setting)
            else:
                self.lose(setting, "of one model alone; here it would hold for all, in [gate]")

    def _add(self, name: str, entry: ConfigLine, setting: OldSetting) -> None:
        before = self.entries.setdefault(name, entry)
        if before is entry:
            self._from[name] = setting.location
        elif before.text != entry.text:
            who = self._from.get(name, "something else")
            self.lose(setting, f"{who} says {name} = {reasons.shown(name, before.text)}")
        elif setting.key != name:
            notes = filter(None, (before.note, f"also {setting.location}"))
            self.entries[name] = ConfigLine(before.text, ", ".join(notes))

    def lose(self, setting: OldSetting, why: str = "") -> None:
        """List a setting as lost; without `why`, with the known reason for its key."""
        why = why or reasons.why(setting.key) or reasons.NOTHING
        self.lost.append(Lost(setting.location, reasons.shown(setting.key, setting.value), why))

    def lose_all(self, section: str, pairs: Iterable[tuple[object, object]], why: str = "") -> None:
        for key, value in pairs:
            self.lose(OldSetting(section, str(key), value), why)

    def text(self, name: str) -> str:
        return self.entries[name].text if name in self.entries else ""


def like(name: str) -> Key | None:
    """Return the key whose rules hold for a line of that name; None if there is none."""
    key = find(name)
    if key or not _NAME.fullmatch(name):
        return key
    labels = {suffix: LABEL_SUFFIXES.get(suffix, "") for suffix in _LABEL_SUFFIXES}
    limits = {suffix: field for suffix, field in labels.items() if find(field)}
    for suffix, field in {**limits, **ZONE_SUFFIXES}.items():
        if name.endswith(suffix) and name != suffix:
            return named_key(field)
    return None


def _check(key: Key, text: str) -> None:
    if not key.is_secret and not is_writable(text):
        raise ValueError("its value cannot stand on one line here, where # or ; begins a comment")
    if text.startswith("!") or "{{" in text:
        return  # looked at once the file is whole
    try:
        key.read(text)
    except ValueError as error:
        detail = f" ({error})" if str(error) and not key.is_secret else ""
        raise ValueError(f"expected {allowed(key)}{detail}") from None


def is_writable(text: str) -> bool:
    """Say whether the loader reads the same text back."""
    return text == text.strip() and text.isprintable() and not _COMMENT.search(text)


def _changes(name: str, key: Key, text: str, setting: OldSetting) -> tuple[str, str]:
    """Note the old place and value of a line, if they differ."""
    moved = "" if setting.key == name else f"from {setting.location}"
    before = str(setting.value).strip().strip("'\"")
    plain = isinstance(setting.value, str | int | float) and not isinstance(setting.value, bool)
    hidden = key.is_secret or before[:1] in ("[", "{", "(") or text in before
    changed = plain and before != text and not hidden
    return moved, f"was {reasons.shown(setting.key, before)}" if changed else ""


def as_text(key: Key, value: Any) -> str:
    """Return the text of the value in our format; raises `ValueError` with the reason."""
    if isinstance(value, str):
        value = _opened(key, value.strip())
    text = _written(key, value).strip()
    fix = _FIXES.get(key.name)
    return fix(text) if fix and text else text


def _opened(key: Key, text: str) -> Any:
    """Strip quotes and brackets that only the old program needed."""
    if key.is_secret or key.form == "pattern":
        return text
    if text[:1] in _BRACKETS and (key.is_list or key.form == "json"):
        try:
            return parse_literal(text)
        except ValueError:
            return text
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _written(key: Key, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, dict) and key.form == "json":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return _list(key, value)
    raise ValueError("its value has a form that cannot be written here")


def _list(key: Key, value: Iterable[Any]) -> str:
    parts = list(value)
    if key.form == "groups":
        groups = parts if all(isinstance(part, list | tuple) for part in parts) else [parts]
        return "; ".join(_joined(group, ",") for group in groups)
    if key.is_numbers:
        return f"({_joined(parts, ',')})"
    return _joined(parts, "; " if key.form in ("times", "patterns") else ",")


def _joined(parts: Iterable[Any], between: str) -> str:
    texts = [str(part).strip() for part in parts]
    if any(between.strip() in text for text in texts):
        raise ValueError(f"a value with {between.strip()} in it cannot stand in a list here")
    return between.join(texts)


def _percent(text: str) -> str:
    """Write a number without a unit as a percentage; 5% if it is above 100."""
    number = text.removesuffix("%")
    if not number.isdigit():
        return text
    return f"{number}%" if int(number) <= PERCENT else "5%"


_FIXES: dict[str, Callable[[str], str]] = {
    "past_det_max_diff_area": _percent,
    "alpr_service": lambda text: {"openalpr": "open_alpr"}.get(text, text),
    "max_frames": lambda text: "1000" if text == "0" else text,
}


# -- zones ----------------------------------------------------------------------------------------


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
