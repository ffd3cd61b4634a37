"""`objectconfig.ini`, its secrets file and overrides → typed `Settings`.

The order in which a value is found: an override (`-O section.key=value`), the `[monitor-N]`
section, the key's own section, the default. Then `!TOKEN` is looked up in the secrets file and
`{{key}}` is substituted. Everything that is wrong is collected and reported at once.
"""

from __future__ import annotations

import configparser
import difflib
import re
import typing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zmhook.errors import Problem, SettingsError
from zmhook.settings import values
from zmhook.settings.legacy import NOT_USED, OBSOLETE
from zmhook.settings.model import ALIASES, SECTIONS, Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECTION_ALIASES = {"ml": "remote"}
_MONITOR = re.compile(r"monitor-(\d+)")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MAX_DEPTH = 10
_READERS: dict[Any, Any] = {
    bool: values.read_bool,
    int: values.read_int,
    float: values.read_float,
    str: str,
    values.Secret: values.Secret,
    values.Colour: values.read_colour,
    int | None: values.read_width,
    tuple[int, int]: values.read_pair,
}


class Key(typing.NamedTuple):
    """One key of the model: where it belongs and what it holds."""

    section: str
    name: str
    annotation: Any
    default: Any

    @property
    def meta(self) -> msgspec.Meta:
        metas = [m for m in typing.get_args(self.annotation)[1:] if isinstance(m, msgspec.Meta)]
        return next((m for m in metas if m.description), metas[0])

    @property
    def type(self) -> Any:
        return typing.get_args(self.annotation)[0]


@cache
def keys() -> dict[str, Key]:
    """Every key by its name. Names are unique across the sections."""
    found: dict[str, Key] = {}
    for section, model in SECTIONS.items():
        defaults = model()
        for name, annotation in model.__annotations__.items():
            found[name] = Key(section, name, annotation, getattr(defaults, name))
    return found


class Config:
    """A configuration file that was read and found right, for every monitor it names."""

    def __init__(self, path: str, general: Settings, monitors: dict[int, Settings], warnings: list[str]) -> None:
        self.path = path
        self.general = general
        self.monitors = monitors
        self.warnings = warnings

    def for_monitor(self, monitor_id: int | None) -> Settings:
        if monitor_id is None:
            return self.general
        return self.monitors.get(monitor_id, self.general)


def load(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration file.

    `overrides` are `section.key=value` texts. Raises `SettingsError` with every problem found.
    """
    return _Loader(str(path)).load(overrides)


class _Loader:
    """Carries what is found while one file is read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.secrets: Mapping[str, str] = {}
        self.secrets_path = ""

    def load(self, overrides: Iterable[str]) -> Config:
        parser = self._parse(self.path)
        sections = {name: dict(parser[name]) for name in parser.sections()}
        override = self._overrides(overrides)
        base, monitors = self._sort(sections)
        base.update(override)
        self._read_secrets(base)
        general = self._settings(base, "", {})
        per_monitor = {}
        for number, (own, zones) in monitors.items():
            per_monitor[number] = self._settings({**base, **own, **override}, f"monitor-{number}", zones)
        if self.problems:
            raise SettingsError(list(dict.fromkeys(self.problems)))
        return Config(self.path, general, per_monitor, list(dict.fromkeys(self.warnings)))

    # -- files ---------------------------------------------------------------------------------

    def _parse(self, path: str, *, comments: tuple[str, ...] = ("#",)) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(
            interpolation=None, inline_comment_prefixes=comments, default_section="\0"
        )
        try:
            with Path(path).open(encoding="utf-8-sig") as file:
                parser.read_file(file)
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise SettingsError([Problem(path, "", "cannot be read", _parse_reason(error))]) from None
        return parser

    def _read_secrets(self, base: dict[str, tuple[str, str]]) -> None:
        self.secrets_path = self._expand(base, "secrets", base.get("secrets", ("", ""))[1])
        if self.secrets_path:
            # A secret may hold any character, so nothing in that file is an inline comment.
            parser = self._parse(self.secrets_path, comments=())
            if not parser.has_section("secrets"):
                self._problem("general", "secrets", f"{self.secrets_path} has no [secrets] section")
                return
            self.secrets = dict(parser["secrets"])

    # -- sorting keys into place ---------------------------------------------------------------

    def _overrides(self, overrides: Iterable[str]) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for text in overrides:
            place, equals, value = text.partition("=")
            section, dot, key = place.strip().partition(".")
            if not (equals and dot):
                self.problems.append(Problem("-O", "", text, "expected section.key=value"))
                continue
            name = self._known("-O", SECTION_ALIASES.get(section, section), key.lower(), value)
            if name:
                found[name] = ("-O", value.strip())
        return found

    def _sort(
        self, sections: dict[str, dict[str, str]]
    ) -> tuple[dict[str, tuple[str, str]], dict[int, tuple[dict[str, tuple[str, str]], dict[str, str]]]]:
        """Split into the keys of all monitors, and per monitor its keys and its polygons.

        A value is kept as `(section it stands in, text)`, so that a problem can name its place.
        """
        base: dict[str, tuple[str, str]] = {}
        monitors: dict[int, tuple[dict[str, tuple[str, str]], dict[str, str]]] = {}
        for written, entries in sections.items():
            section = SECTION_ALIASES.get(written, written)
            monitor = _MONITOR.fullmatch(section)
            if monitor:
                monitors[int(monitor[1])] = self._sort_monitor(written, entries)
            elif section in SECTIONS or section in {place for place, _ in NOT_USED.values()}:
                for key, value in entries.items():
                    self._put(base, written, self._known(written, section, key, value), value)
            else:
                self._problem(written, "", f"unknown section{_nearest(section, [*SECTIONS, 'monitor-N'])}")
        return base, monitors

    def _sort_monitor(
        self, section: str, entries: dict[str, str]
    ) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
        own: dict[str, tuple[str, str]] = {}
        zones: dict[str, str] = {}
        for key, value in entries.items():
            if values.looks_like_polygon(value) and ALIASES.get(key, key) not in keys():
                zones[key] = value
            else:
                self._put(own, section, self._known(section, "", key, value), value)
        return own, zones

    def _put(self, into: dict[str, tuple[str, str]], section: str, name: str, value: str) -> None:
        if not name:
            return
        if name in into and into[name][0] == section:
            self._problem(section, name, "given twice, once by another of its names: keep one")
        into[name] = (section, value)

    def _known(self, written: str, section: str, key: str, value: str) -> str:
        """Return the model's name of a key, or "" when it has none (and say so)."""
        name = ALIASES.get(key, key)
        known = keys().get(name)
        if known and section in ("", known.section):
            return name
        if known:
            self._problem(written, key, f"belongs in [{known.section}]")
        elif key in NOT_USED:
            self.warnings.append(f"{self.path}: [{written}] {key}: {NOT_USED[key][1]}")
        elif key in OBSOLETE:
            self.warnings.append(f"{self.path}: [{written}] {key}: {OBSOLETE[key]}")
        else:
            names = [n for n, k in keys().items() if section in ("", k.section)]
            hint = _nearest(key, [*names, *ALIASES]) or _nearest(key, list(keys()))
            self._problem(written, key, f"unknown key{hint}")
        return ""

    # -- values --------------------------------------------------------------------------------

    def _settings(self, texts: dict[str, tuple[str, str]], monitor: str, zones: dict[str, str]) -> Settings:
        sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
        for key in keys().values():
            section, text = texts.get(key.name, (key.section, None))
            if text is None:
                text = key.default if isinstance(key.default, str) else None
            if text is None:
                continue
            found = self._value(key, section, text, texts)
            if found is not _WRONG:
                sections[key.section][key.name] = found
        built: dict[str, Section] = {name: SECTIONS[name](**given) for name, given in sections.items()}
        polygons = [self._zone(monitor, name, text) for name, text in zones.items()]
        return Settings(**built, zones=tuple(zone for zone in polygons if zone))  # type: ignore[arg-type]

    def _value(self, key: Key, section: str, text: str, texts: dict[str, tuple[str, str]]) -> Any:
        secret = key.type is values.Secret
        try:
            value = _read(key, self._expand(texts, key.name, text))
        except (ValueError, msgspec.ValidationError) as error:
            shown = "" if secret else f"'{text}': "
            self._problem(section, key.name, shown + _plain(str(error), key))
            return _WRONG
        return value

    def _zone(self, section: str, name: str, text: str) -> values.Zone | None:
        try:
            return values.read_polygon(name, text)
        except ValueError as error:
            self._problem(section, name, f"'{text}': {error}")
            return None

    def _expand(self, texts: dict[str, tuple[str, str]], key: str, text: str, depth: int = 0) -> str:
        """Look up `!TOKEN`, substitute `{{key}}`."""
        if text.startswith("!") and key != "secrets":
            return self._secret(text[1:])

        def substitute(match: re.Match[str]) -> str:
            name = ALIASES.get(match[1].lower(), match[1].lower())
            if name not in keys():
                raise ValueError(f"{match[0]} names no key{_nearest(name, list(keys()))}")
            if keys()[name].type is values.Secret:
                raise ValueError(f"{match[0]} is a secret and cannot be substituted")
            if depth >= _MAX_DEPTH:
                raise ValueError(f"{match[0]} refers to itself")
            inner = texts.get(name, ("", str(keys()[name].default)))[1]
            return self._expand(texts, name, inner, depth + 1)

        return _VARIABLE.sub(substitute, text)

    def _secret(self, token: str) -> str:
        if not self.secrets_path:
            raise ValueError(f"!{token} needs a secrets file: set [general] secrets")
        if token.lower() not in self.secrets:
            raise ValueError(f"!{token} is not in [secrets] of {self.secrets_path}")
        return self.secrets[token.lower()]

    def _problem(self, section: str, key: str, message: str) -> None:
        self.problems.append(Problem(self.path, section, key, message))


_WRONG = object()


def _read(key: Key, text: str) -> Any:
    """Turn text into the key's type, then check the range."""
    text = text.strip()
    kind = key.type
    read = _READERS.get(kind)
    if key.meta.extra and key.meta.extra.get("is") == "pattern":
        read = values.read_pattern
    if typing.get_origin(kind) is typing.Annotated:  # Fraction and the like
        read = _READERS[typing.get_args(kind)[0]]
    if read is None and typing.get_origin(kind) is tuple:
        read = values.read_words
    if kind in (values.Secret, values.Colour):
        return read(text)  # type: ignore[misc]
    value = read(text) if read else text.lower()
    return msgspec.convert(value, key.annotation)


def _plain(message: str, key: Key) -> str:
    """Say what is allowed, in words rather than in msgspec's."""
    choices = _choices(key.type)
    if choices:
        return f"expected one of {', '.join(choices)}"
    return message.removesuffix(" - at `$`").replace("Expected `int`", "expected a whole number").replace("Expected `float`", "expected a number").replace("Expected `array` of length >= 1", "expected at least one")


def _choices(kind: Any) -> tuple[str, ...]:
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return _choices(typing.get_args(kind)[0])
    return ()


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; the nearest known is {near[0]}" if near else ""


def _parse_reason(error: Exception) -> str:
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: section [{error.section}] is there twice: join them"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"line {error.lineno}: key {error.option} is twice in [{error.section}]: keep one"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: there is text before the first [section]"
    if isinstance(error, configparser.ParsingError):
        return f"line {error.errors[0][0]}: not a section, a key = value or a comment"
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    return "it is not UTF-8 text"
