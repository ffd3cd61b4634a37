"""Read the ini files of versions 5 and 6: an `OldConfig` for all monitors, and one for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from zmhook.errors import Problem, SettingsError
from zmhook.migrate.draft import like
from zmhook.migrate.flat import default
from zmhook.migrate.old_config import (
    LONGEST,
    Generation,
    OldConfig,
    OldSetting,
    find,
    parse_literal,
)
from zmhook.migrate.reasons import A_SECRETS_FILE, is_of_secrets, why
from zmhook.settings import forms, inifile
from zmhook.settings.gate import ZONE_SUFFIXES
from zmhook.settings.layers import MONITOR
from zmhook.settings.section import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_SERVER = frozenset({"fcm", "network", "hook", "customize", "auth"})
_OURS = frozenset({"gate", "notify", "history", "snapshots", "mqtt", "service", "gemini"})
_ONLY_SIX = frozenset(
    {"ml_sequence", "stream_sequence", "use_sequence", "detection_sequence", "object_weights"}
)
_NESTED = ("ml_sequence", "stream_sequence")
DEEPEST = 10
_IN_LITERAL = re.compile(
    r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\#[^\n]*|\{\{\s*(?P<name>[\w-]+)\s*\}\}"""
)


def read(path: str) -> list[OldConfig]:
    """Return the settings of all monitors, then those of each monitor in the file.

    Raises `SettingsError` when the file cannot be read, or is no such file.
    """
    sections, secrets = _sections(path)
    generation = _generation(sections)
    common = OldConfig(generation, None)
    common.secrets = secrets
    own = []
    for section, entries in sections.items():
        monitor = MONITOR.fullmatch(section)
        if monitor:
            own.append((section, int(monitor[1]), entries))
        else:
            _add_flat(common, section, entries)
    configs = [common, *(_of_monitor(common, *args) for args in own)]
    for old in configs:
        _unfold(path, old)
    return configs


def _sections(path: str) -> tuple[inifile.Sections, dict[str, str]]:
    """Return the sections, and separately the secrets in the file itself."""
    sections = inifile.read(path)
    held = [name for name in sections if is_of_secrets(name)]
    secrets = _held(path, held)
    for name in held:
        del sections[name]
    if held and not sections:
        raise SettingsError([Problem(path, "", "", A_SECRETS_FILE)])
    if _SERVER & set(sections):
        what = "it is the notification server's own configuration, which stays as it is"
        raise SettingsError([Problem(path, "", "", what)])
    if _OURS & set(sections):
        what = "it is a configuration of zmhook already: zmhook config check tells what is wrong"
        raise SettingsError([Problem(path, "", "", what)])
    if _generation(sections) is Generation.FIVE:
        _restore_secrets(path, sections)
    return sections, secrets


def _held(path: str, names: list[str]) -> dict[str, str]:
    """Return the full tokens: in a secrets file, # after a value starts no comment."""
    if not names:
        return {}
    sections = inifile.read(path, inline_comments=())
    return {token: text for name in names for token, text in sections[name].items()}


def _restore_secrets(path: str, sections: inifile.Sections) -> None:
    """Restore full passwords: in version 5, # after a value started no comment."""
    for section, entries in inifile.read(path, inline_comments=()).items():
        for name, text in entries.items():
            key = find(name)
            if key and key.is_secret and section in sections:
                sections[section][name] = text


def _generation(sections: Mapping[str, Mapping[str, str]]) -> Generation:
    named = {key for entries in sections.values() for key in entries}
    six = "object" in sections or named & _ONLY_SIX
    return Generation.SIX if six else Generation.FIVE


def _add_flat(old: OldConfig, section: str, entries: Mapping[str, str]) -> None:
    for name, text in entries.items():
        setting = OldSetting(f"[{section}]", name, text)
        if name in old.flat:
            old.unread.append(setting)
        else:
            old.flat[name] = setting


def _of_monitor(
    common: OldConfig, section: str, monitor: int, entries: Mapping[str, str]
) -> OldConfig:
    old = OldConfig(common.generation, monitor)
    old.flat = dict(common.flat)
    for name, text in entries.items():
        setting = OldSetting(f"[{section}]", name, text)
        suffix = next((suffix for suffix in ZONE_SUFFIXES if name.endswith(suffix)), "")
        if suffix:
            old.patterns[name.removesuffix(suffix), ZONE_SUFFIXES[suffix]] = setting
        elif _is_zone(common, name, text):
            old.zones[name] = setting
        else:
            old.flat[name] = setting
    return old


def _is_zone(common: OldConfig, name: str, text: str) -> bool:
    known = name in common.flat or like(name) is not None or bool(why(name))
    return not known and forms.looks_like_polygon(text)


def _unfold(path: str, old: OldConfig) -> None:
    """Replace placeholders, and read the two dictionaries of version 6."""
    named = Placeholders(old)
    uses = "use_sequence" not in old.flat or old.is_yes("use_sequence")
    for name in _NESTED:
        setting = old.flat.pop(name, None)
        if setting and uses:
            tree = _read(path, setting, named.parse, "cannot be read: ")
            setattr(old, name.removesuffix("_sequence"), tree)
        elif setting:
            old.unused.append(setting)
    old.flat = {
        name: setting._replace(value=_read(path, setting, named.fill))
        for name, setting in old.flat.items()
    }


def _read(path: str, setting: OldSetting, read: Callable[[Any], Any], what: str = "") -> Any:
    try:
        return read(setting.value)
    except ValueError as error:
        problem = Problem(path, setting.section.strip("[]"), setting.key, f"{what}{error}")
        raise SettingsError([problem]) from None


class Placeholders:
    """Replaces `{{key}}` with the value of that key, or what an old program took without one.

    Only paths that mean the same here (`{{base_data_path}}`) stay as they are. What stands in
    quotes is put in after the literal was read, so a value can never break out of its quotes.
    """

    def __init__(self, old: OldConfig) -> None:
        self._old = old
        self._flat = old.flat

    def fill(self, value: Any) -> Any:
        """Replace the placeholders in all texts of a value, however deep."""
        if isinstance(value, str):
            return self._fill(value, 0)
        if isinstance(value, dict):
            return {key: self.fill(own) for key, own in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(part) for part in value]
        return value

    def parse(self, text: str) -> dict[str, Any]:
        """Read a dict with placeholders inside and outside of quotes; raises `ValueError`."""
        tree = self.fill(parse_literal(_IN_LITERAL.sub(self._bare, text)))
        if not isinstance(tree, dict):
            raise ValueError("is no dict in Python's form")  # noqa: TRY004 - as parse_literal
        return tree

    def _bare(self, match: re.Match[str]) -> str:
        name = (match["name"] or "").lower()
        if not name:
            return match[0]
        value = self._value(name, 0)
        return repr(match[0]) if value is None else value

    def _fill(self, text: str, depth: int) -> str:
        if "{{" not in text or depth > DEEPEST:
            return text
        filled = VARIABLE.sub(lambda match: self._quoted(match, depth), text)
        if len(filled) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} characters")
        return filled

    def _quoted(self, match: re.Match[str], depth: int) -> str:
        name = match[1].lower()
        value = None if _is_path(name) else self._value(name, depth)
        if value is None or (value.startswith("!") and match[0] != match.string.strip()):
            return match[0]  # our reader puts it in: within a text, no token is looked up
        return value

    def _value(self, name: str, depth: int) -> str | None:
        setting = self._flat.get(name)
        if setting is None:
            return default(self._old.generation, name)
        self._old.used.add(name)
        return self._fill(str(setting.value), depth + 1)


def _is_path(name: str) -> bool:
    key = find(name)
    return key is not None and key.section == "general" and key.name.endswith("_path")
