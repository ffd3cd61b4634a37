"""Read the ini files of versions 5 and 6: one `Old` for all monitors, one for each of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import Problem, SettingsError
from zmhook.migrate.defaults import default
from zmhook.migrate.draft import like
from zmhook.migrate.old import Generation, Given, Old, find
from zmhook.migrate.placeholders import Placeholders
from zmhook.migrate.reasons import A_SECRETS_FILE, is_of_secrets, why
from zmhook.settings import forms, inifile
from zmhook.settings.gate import ZONE_SUFFIXES
from zmhook.settings.layers import MONITOR

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVER = frozenset({"fcm", "network", "hook", "customize", "auth"})
_OURS = frozenset({"gate", "notify", "history", "snapshots", "mqtt", "service", "gemini"})
_ONLY_SIX = frozenset(
    {"ml_sequence", "stream_sequence", "use_sequence", "detection_sequence", "object_weights"}
)
_NESTED = ("ml_sequence", "stream_sequence")


def read(path: str) -> list[Old]:
    """Return what holds for all monitors, then what holds for each that the file names.

    Raises `SettingsError` when the file cannot be read, or is no such file.
    """
    sections, secrets = _sections(path)
    generation = _generation(sections)
    common = Old(generation, None)
    common.secrets = secrets
    own = []
    for section, entries in sections.items():
        monitor = MONITOR.fullmatch(section)
        if monitor:
            own.append((section, int(monitor[1]), entries))
        else:
            _add_flat(common, section, entries)
    found = [common, *(_of_monitor(common, *one) for one in own)]
    for old in found:
        _unfold(path, old)
    return found


def _sections(path: str) -> tuple[inifile.Sections, dict[str, str]]:
    """Return the sections, and apart from them the secrets that the file itself has."""
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
    """Return the tokens whole: in a secrets file, # begins no comment behind a value."""
    if not names:
        return {}
    sections = inifile.read(path, inline_comments=())
    return {token: text for name in names for token, text in sections[name].items()}


def _restore_secrets(path: str, sections: inifile.Sections) -> None:
    """Take passwords whole: in version 5, # began no comment behind a value."""
    for section, entries in inifile.read(path, inline_comments=()).items():
        for name, text in entries.items():
            key = find(name)
            if key and key.is_secret and section in sections:
                sections[section][name] = text


def _generation(sections: Mapping[str, Mapping[str, str]]) -> Generation:
    named = {key for entries in sections.values() for key in entries}
    six = "object" in sections or named & _ONLY_SIX
    return Generation.SIX if six else Generation.FIVE


def _add_flat(old: Old, section: str, entries: Mapping[str, str]) -> None:
    for name, text in entries.items():
        given = Given(f"[{section}]", name, text)
        if name in old.flat:
            old.unread.append(given)
        else:
            old.flat[name] = given


def _of_monitor(common: Old, section: str, monitor: int, entries: Mapping[str, str]) -> Old:
    old = Old(common.generation, monitor)
    old.flat = dict(common.flat)
    for name, text in entries.items():
        given = Given(f"[{section}]", name, text)
        suffix = next((suffix for suffix in ZONE_SUFFIXES if name.endswith(suffix)), "")
        if suffix:
            old.patterns[name.removesuffix(suffix), ZONE_SUFFIXES[suffix]] = given
        elif _is_zone(common, name, text):
            old.zones[name] = given
        else:
            old.flat[name] = given
    return old


def _is_zone(common: Old, name: str, text: str) -> bool:
    known = name in common.flat or like(name) is not None or bool(why(name))
    return not known and forms.looks_like_polygon(text)


def _unfold(path: str, old: Old) -> None:
    """Put in what is named, and read the two dictionaries that version 6 may have."""
    named = Placeholders(old.flat, lambda name: default(old.generation, name))
    uses = "use_sequence" not in old.flat or old.is_yes("use_sequence")
    for name in _NESTED:
        given = old.flat.pop(name, None)
        if given and uses:
            setattr(old, name.removesuffix("_sequence"), _nested(path, given, named))
        elif given:
            old.unused.append(given)
    old.flat = {name: _filled(path, given, named) for name, given in old.flat.items()}
    old.used = named.used


def _filled(path: str, given: Given, named: Placeholders) -> Given:
    try:
        return given._replace(value=named.fill(given.value))
    except ValueError as error:
        problem = Problem(path, given.section.strip("[]"), given.key, str(error))
        raise SettingsError([problem]) from None


def _nested(path: str, given: Given, named: Placeholders) -> dict[str, Any]:
    try:
        found = named.parse(given.value)
        if not isinstance(found, dict):
            raise ValueError("is no dict in Python's form")  # noqa: TRY004 - as literal.parse
    except ValueError as error:
        problem = Problem(path, given.section.strip("[]"), given.key, f"cannot be read: {error}")
        raise SettingsError([problem]) from None
    return found
