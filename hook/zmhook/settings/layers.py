"""Sort entries into layers: those of all monitors, and those of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import Problem
from zmhook.settings.forms import looks_like_polygon
from zmhook.settings.gate import LABEL_SUFFIXES, ZONE_SUFFIXES
from zmhook.settings.keys import (
    ALIASES,
    ELSEWHERE,
    OBSOLETE,
    OLD_SECTIONS,
    SECTION_ALIASES,
    VERSION_6,
    topic_keys,
)
from zmhook.text.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.settings.keys import Key, Schema

OVERRIDE = "-O"
NEAR = 0.9
_TARGET = re.compile(r"[\w-]*(\.\w+)?")
PROMPTS = "gemini-prompts"
PLATES = "known-plates"
_TOPIC = re.compile(r"mqtt-topic-(.+)")
MONITOR = re.compile(r"monitor-0*([1-9][0-9]{0,8})")


class RawValue(NamedTuple):
    """The text of a value, and where it was written."""

    file: str
    section: str
    key: str
    text: str

    def problem(self, message: str) -> Problem:
        return Problem(self.file, self.section, self.key, message)


class Layer:
    """The entries of one layer: settings by key, zones by name."""

    def __init__(self) -> None:
        self.keys: dict[str, RawValue] = {}
        self.zones: dict[str, RawValue] = {}
        self.labels: dict[tuple[str, str], RawValue] = {}
        self.zone_rules: dict[tuple[str, str], RawValue] = {}


class Layers:
    """The sorted entries of a file or the command line; `problems` lists misplaced ones.

    `monitors[None]` is the layer of all monitors. With `is_unknown` there is a section or a key
    that `schema` does not have.
    """

    def __init__(self, file: str, schema: Schema) -> None:
        self.file = file
        self.schema = schema
        self.is_unknown = False
        self.monitors: dict[int | None, Layer] = {None: Layer()}
        self.topics: dict[str, dict[str, RawValue]] = {}
        self.prompts: dict[str, RawValue] = {}
        self.plates: dict[str, RawValue] = {}
        self.problems: list[Problem] = []
        self._unused: dict[tuple[str, str], list[str]] = {}

    def warnings(self) -> list[str]:
        return [
            f"{self.file}: [{section}] {', '.join(names)}: {why}"
            for (section, why), names in self._unused.items()
        ]

    def layer(self, monitor: int | None) -> Layer:
        return self.monitors.setdefault(monitor, Layer())

    def add_section(self, written: str, entries: Mapping[str, str]) -> None:
        section = SECTION_ALIASES.get(written, written)
        monitor = MONITOR.fullmatch(section)
        if monitor and int(monitor[1]) in self.monitors:
            self._problem(written, "", f"monitor {monitor[1]} has another section: join the two")
        elif monitor:
            self._add_monitor(written, int(monitor[1]), entries)
        elif topic := _TOPIC.fullmatch(section):
            self._add_topic(written, topic[1], entries)
        elif section in (PROMPTS, PLATES):
            ours = self.prompts if section == PROMPTS else self.plates
            for name, text in entries.items():
                ours[name] = RawValue(self.file, written, name, text.strip())
        elif section in self.schema.sections:
            for key, text in entries.items():
                self._add(None, section, RawValue(self.file, written, key, text.strip()))
        else:
            self.is_unknown = True
            self._problem(written, "", _unknown_section(section, self.schema))

    def add_override(self, text: str) -> None:
        """Add `section.key=value`, as it is given on the command line."""
        target, equals, value = text.partition("=")
        written, _, key = target.strip().partition(".")
        if not (equals and written and key):
            # What follows may be a password, so only the beginning is shown.
            self._problem("", _shown_target(text), "expected section.key=value")
            return
        override = Layers(OVERRIDE, self.schema)
        override.add_section(written, {key.strip().lower(): value})
        self._merge(override)

    def _merge(self, other: Layers) -> None:
        for monitor, layer in other.monitors.items():
            self.layer(monitor).keys.update(layer.keys)
            mine = self.layer(monitor)
            mine.zones.update(layer.zones)
            mine.labels.update(layer.labels)
            mine.zone_rules.update(layer.zone_rules)
        for name, entries in other.topics.items():
            self.topics.setdefault(name, {}).update(entries)
        self.prompts.update(other.prompts)
        self.plates.update(other.plates)
        self.problems += other.problems
        self.is_unknown |= other.is_unknown
        self._unused.update(other._unused)

    def _add_monitor(self, written: str, monitor: int, entries: Mapping[str, str]) -> None:
        layer = self.layer(monitor)
        for key, text in entries.items():
            entry = RawValue(self.file, written, key, text.strip())
            if not looks_like_polygon(entry.text) or self._is_numbers(key):
                self._add(monitor, "", entry)
            elif self.schema.find(key) or key in OBSOLETE:
                message = "is the name of a setting, so a zone needs another name"
                self.problems.append(entry.problem(message))
            else:
                layer.zones[key] = entry

    def _add_topic(self, written: str, name: str, entries: Mapping[str, str]) -> None:
        topic = self.topics.setdefault(name, {})
        for key, text in entries.items():
            entry = RawValue(self.file, written, key, text.strip())
            if key in topic_keys():
                topic[key] = entry
            else:
                self.problems.append(entry.problem(f"unknown key{did_you_mean(key, topic_keys())}"))

    def _add(self, monitor: int | None, section: str, entry: RawValue) -> None:
        key = self.schema.find(entry.key)
        if key is None and not self._add_named(monitor, section, entry):
            self._add_unknown(section, entry)
        elif key is None:
            return
        elif not _may_stand(section, key):
            self.problems.append(entry.problem(f"belongs in [{key.section}]"))
        elif key.name == "secrets" and monitor is not None:
            self.problems.append(entry.problem("can only stand in [general]"))
        else:
            self._put(self.layer(monitor), key.name, entry)

    def _add_named(self, monitor: int | None, section: str, entry: RawValue) -> bool:
        """Add the limit of a label or the pattern of a zone, if the key is one."""
        layer = self.layer(monitor)
        zone, zone_field = _split(entry.key, ZONE_SUFFIXES)
        if zone and monitor is not None:
            layer.zone_rules[zone, zone_field] = entry
            return True
        label, label_field = _split(entry.key, LABEL_SUFFIXES)
        may_stand = section in ("", "gate", "general")
        if not (label and may_stand) or _is_misspelt(label, entry.key, self.schema):
            return False
        layer.labels[label, label_field] = entry
        return True

    def _is_numbers(self, name: str) -> bool:
        """Say whether that key's value is numbers, not a zone."""
        key = self.schema.find(name)
        return key is not None and key.is_numbers

    def _put(self, layer: Layer, name: str, entry: RawValue) -> None:
        before = layer.keys.get(name)
        if before:
            message = f"says the same as {before.key} in [{before.section}]: keep one of the two"
            self.problems.append(entry.problem(message))
        layer.keys[name] = entry

    def _add_unknown(self, section: str, entry: RawValue) -> None:
        why = OBSOLETE.get(entry.key)
        if why:
            self._unused.setdefault((entry.section, why), []).append(entry.key)
        else:
            self.is_unknown = True
            self.problems.append(entry.problem(_unknown_key(section, entry.key, self.schema)))

    def _problem(self, section: str, key: str, message: str) -> None:
        self.problems.append(Problem(self.file, section, key, message))


def _split(key: str, suffixes: Mapping[str, str]) -> tuple[str, str]:
    """Split `car_min_confidence` into label and field; two empty texts for other keys."""
    for suffix, field in suffixes.items():
        if key.endswith(suffix):
            return key.removesuffix(suffix), field
    return "", ""


def _is_misspelt(label: str, key: str, schema: Schema) -> bool:
    """Say whether a key is a misspelt setting (yol_min_confidence), not a label's limit."""
    from zmhook.labels import COCO

    return label not in COCO and bool(did_you_mean(key, schema.keys, NEAR))


def _shown_target(text: str) -> str:
    match = _TARGET.match(text)
    return match[0] if match else ""


def _may_stand(section: str, key: Key) -> bool:
    """Say whether a key may be in a section; "" is that of a monitor."""
    is_own = section in ("", key.section) or (section, key.section) in ELSEWHERE
    return is_own or (section, key.name) in OLD_SECTIONS


def _unknown_section(section: str, schema: Schema) -> str:
    if section in schema.flaws:
        return schema.flaws[section]
    if section.lower().startswith("monitor"):
        return "expected monitor- and the number that ZoneMinder gave it, such as [monitor-3]"
    if section in VERSION_6:
        return VERSION_6[section]
    if section.lower() == "secrets":
        return "secrets stand in a file of their own, which [general] secrets names"
    if section.lower().startswith("mqtt-topic"):
        return "expected mqtt-topic- and a name, such as [mqtt-topic-front]"
    known = [*schema.sections, PROMPTS, PLATES, *SECTION_ALIASES]
    hint = did_you_mean(section, known) or "; no package that is installed here brings it"
    return f"unknown section{hint}"


def _unknown_key(section: str, key: str, schema: Schema) -> str:
    if key in VERSION_6:
        return VERSION_6[key]
    known = [name for name, known_key in schema.keys.items() if section in ("", known_key.section)]
    hint = did_you_mean(key, [*known, *ALIASES]) or did_you_mean(key, schema.keys)
    if not section and not hint:
        hint = "; a zone is written name = 0,0 640,0 640,480"
    return f"unknown key{hint}"
