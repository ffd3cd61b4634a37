"""The collector's settings: flags, the environment, `environment.env`, `objectconfig.ini`.

Earlier sources override later ones. The first three have the earlier collector's names, so that
whatever started that one starts this one. `environment.env` is read into the settings only: nothing
in it becomes part of the environment, where every child process would have it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import structs

from zmhook.errors import MissingPart, Problem, SettingsError
from zmhook.settings import Config, Secret, Settings, forms, load
from zmhook.storage.regular import reading

FILE = "environment.env"
FOLDER = "images"
"""The earlier collector's default folder of pictures, below where it is started."""
LARGEST = 1024 * 1024


class LegacyName(NamedTuple):
    """What the earlier collector called a setting: in the environment, and as a flag."""

    variable: str
    flag: str
    section: str
    key: str
    read: Callable[[str], Any]
    expected: str


def _words(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return text


NAMES = (
    LegacyName("GEMINI_API_KEY", "api-key", "gemini", "gemini_key", Secret, "a key"),
    LegacyName("MQTT_USER", "broker-user", "mqtt", "mqtt_user", _words, "a name"),
    LegacyName("MQTT_PASS", "broker-password", "mqtt", "mqtt_password", Secret, "a password"),
    LegacyName("MQTT_HOST", "broker", "mqtt", "mqtt_host", _words, "a host name or an address"),
    LegacyName("MQTT_TOPIC", "topic", "mqtt", "mqtt_topic", forms.read_topics, "MQTT topics"),
    LegacyName("IMAGE_PATH", "storage", "snapshots", "snapshot_path", _words, "a folder"),
)


def read(
    config: str,
    *,
    must_exist: bool,
    overrides: Iterable[str] = (),
    flags: Mapping[str, str | None] | None = None,
    variables: Mapping[str, str] | None = None,
    file: str = FILE,
) -> Config:
    """Return what holds for the collector.

    `config` is objectconfig.ini; where it is not and need not be (`must_exist`), defaults hold.
    `flags` are by the names of `NAMES`. Raises `SettingsError`, `MissingPart`.
    """
    result = _config(config, overrides, must_exist=must_exist)
    values = _values(flags or {}, os.environ if variables is None else variables, Path(file))
    result.general = _with(result.general, values)
    result.monitors = {number: _with(own, values) for number, own in result.monitors.items()}
    return result


class LegacyValue(NamedTuple):
    """A setting's value under its earlier name, and its source."""

    name: LegacyName
    text: str
    source: str

    @property
    def is_googles(self) -> bool:
        """Whether it is Google's key, which the environment may hold whatever the backend is."""
        return self.name.key == "gemini_key" and not self.source.startswith("--")


def _config(path: str, overrides: Iterable[str], *, must_exist: bool) -> Config:
    if must_exist or Path(path).exists():
        return load(path, overrides).apply()
    config = load(os.devnull, overrides).apply()
    snapshots = structs.replace(config.general.snapshots, snapshot_path=FOLDER)
    if not any(text.partition("=")[0].strip().endswith(".snapshot_path") for text in overrides):
        config.general = structs.replace(config.general, snapshots=snapshots)
    return config


def _values(
    flags: Mapping[str, str | None], variables: Mapping[str, str], file: Path
) -> list[LegacyValue]:
    written = _file(file)
    values = []
    for name in NAMES:
        sources = (
            (flags.get(name.flag), f"--{name.flag}"),
            (variables.get(name.variable), f"the environment's {name.variable}"),
            (written.get(name.variable), f"{file}: {name.variable}"),
        )
        value = next(((text, source) for text, source in sources if text), None)
        if value:
            values.append(LegacyValue(name, *value))
    return values


def _with(settings: Settings, values: Iterable[LegacyValue]) -> Settings:
    problems = []
    if settings.gemini.gemini_backend != "gemini":
        values = [own for own in values if not own.is_googles]  # nobody else gets it
    for name, text, source in values:
        try:
            value = name.read(text)
        except ValueError:
            problems.append(Problem("", "", source, f"expected {name.expected}"))
            continue
        section = structs.replace(getattr(settings, name.section), **{name.key: value})
        settings = structs.replace(settings, **{name.section: section})
    if problems:
        raise SettingsError(problems)
    return settings


def _file(path: Path) -> dict[str, str]:
    """Read `environment.env`; there need be none. Names that are not ours are left out."""
    try:
        with reading(path, follow=True) as opened:
            data = opened.read(LARGEST + 1)
        text = data.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text") from None
    if len(data) > LARGEST:
        raise _unreadable(path, "it is larger than 1 MiB")
    variables = _parsed(text)
    return {name.variable: variables.get(name.variable) or "" for name in NAMES}


def _parsed(text: str) -> Mapping[str, str | None]:
    import io

    try:
        from dotenv import dotenv_values
    except ImportError:
        raise MissingPart(FILE, "python-dotenv", "mqtt") from None
    return dotenv_values(stream=io.StringIO(text))


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError([Problem(str(path), "", "", f"cannot be read: {why}")])
