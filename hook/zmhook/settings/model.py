"""The model of all settings: the sections together, for one monitor or for all.

The loader checks files against this, the reference in `docs/` is made from it, and a test fails
when a setting is missing from `objectconfig.ini`. A key's name is unique across the sections,
because `[monitor-N]` may override any of them by name alone.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from zmhook.settings.alpr import Alpr
from zmhook.settings.animation import Animation
from zmhook.settings.face import Face
from zmhook.settings.gate import Gate, LabelLimits, ZoneRule
from zmhook.settings.gemini import Gemini, Prompt
from zmhook.settings.general import General
from zmhook.settings.history import History
from zmhook.settings.hog import Hog
from zmhook.settings.mqtt import Mqtt, Topic
from zmhook.settings.notify import Notify
from zmhook.settings.remote import Remote
from zmhook.settings.section import VARIABLE, Secret, Section, Zone, installed_section
from zmhook.settings.service import Service
from zmhook.settings.snapshots import Snapshots
from zmhook.settings.watch import Watch
from zmhook.settings.yolo import Yolo
from zmhook.text.redact import long_ones_masked

AnySection = TypeVar("AnySection", bound=Section)


class Settings(Struct, frozen=True, kw_only=True):
    """All settings that hold for one monitor (or for none)."""

    general: General = General()
    yolo: Yolo = Yolo()
    hog: Hog = Hog()
    face: Face = Face()
    alpr: Alpr = Alpr()
    gate: Gate = Gate()
    animation: Animation = Animation()
    notify: Notify = Notify()
    history: History = History()
    gemini: Gemini = Gemini()
    snapshots: Snapshots = Snapshots()
    mqtt: Mqtt = Mqtt()
    remote: Remote = Remote()
    service: Service = Service()
    watch: Watch = Watch()
    topics: tuple[Topic, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    plates: dict[str, str] = {}
    zones: tuple[Zone, ...] = ()
    labels: dict[str, LabelLimits] = {}
    zone_rules: dict[str, ZoneRule] = {}
    plugins: dict[str, Section] = {}

    def section(self, kind: type[AnySection]) -> AnySection:
        """Return the section of that class: one of ours, or one of an installed package."""
        for section in self.sections():
            if isinstance(section, kind):
                return section
        return self._defaults(kind)

    def sections(self) -> list[Section]:
        """Return our sections, and those of installed packages."""
        return [*(getattr(self, name) for name in SECTIONS), *self.plugins.values()]

    def _defaults(self, kind: type[AnySection]) -> AnySection:
        """Return the defaults of a section that is not in the file, with `{{key}}` replaced."""
        default = kind()
        texts = {name: getattr(default, name) for name in kind.__struct_fields__}
        filled = {
            name: VARIABLE.sub(lambda match: self._text(match[1]), text)
            for name, text in texts.items()
            if isinstance(text, str) and "{{" in text
        }
        return structs.replace(default, **filled)

    def _text(self, key: str) -> str:
        return next((str(getattr(own, key)) for own in self.sections() if hasattr(own, key)), "")


SECTIONS: dict[str, type[Section]] = {
    name: kind
    for name, kind in Settings.__annotations__.items()
    if isinstance(kind, type) and issubclass(kind, Section)
}


def to_plain(settings: Settings) -> dict[str, Any]:
    """Return plain data for our own processes; secrets are in it."""
    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=revealed)
    return plain


def from_plain(plain: dict[str, Any]) -> Settings:
    """Return the settings that `to_plain` made this of; what is missing has its default.

    Raises `SettingsError` for the section of a package that is no longer installed.
    """
    settings = msgspec.convert({**plain, "plugins": {}}, Settings, dec_hook=concealed)
    plugins = {
        name: msgspec.convert(values, installed_section(name), dec_hook=concealed)
        for name, values in plain.get("plugins", {}).items()
    }
    return structs.replace(settings, plugins=plugins) if plugins else settings


def revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"a {type(value).__name__} has no plain form")


def concealed(kind: type, value: Any) -> Any:
    """Make a secret of a text, for `msgspec.convert`."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"a {kind.__name__} has no plain form")


def secrets_of(settings: Settings) -> Iterator[str]:
    """Yield every secret setting, and each part of one that is a list."""
    for section in settings.sections():
        for name in _secret_fields(type(section)):
            secret = getattr(section, name).reveal()
            yield secret
            yield from secret.split()


@cache
def _secret_fields(section: type[Section]) -> list[str]:
    defaults = section()
    fields = section.__struct_fields__
    return [name for name in fields if isinstance(getattr(defaults, name), Secret)]


def secrets_of_all(settings: Iterable[Settings]) -> Iterator[str]:
    """Yield the secrets of several settings, such as those of all monitors."""
    for each in settings:
        yield from secrets_of(each)


def without_secrets(text: str, settings: Iterable[Settings]) -> str:
    """Mask each secret of the settings in a text, but for very short ones."""
    return long_ones_masked(text, secrets_of_all(settings))


RUN = Path("/run/zmhook")


def run_folder(general: General) -> Path:
    """Return the folder of sockets and locks."""
    if path := os.environ.get("ZMHOOK_RUN"):
        return Path(path)
    if os.access(RUN, os.W_OK):
        return RUN
    return Path(general.base_data_path) / "run"


def folders_of(settings: Settings) -> list[Path]:
    """Return the folders that events and commands write to, except ZoneMinder's."""
    general = settings.general
    base = Path(general.base_data_path)
    return [
        run_folder(general),
        base,
        *(base / name for name in ("run", "state", "state/spool", "cache")),
        Path(settings.gate.state_path),
        Path(general.log_path),
        Path(general.image_path),
        Path(settings.history.history_path).parent,
        Path(settings.face.known_images_path),
        Path(settings.face.unknown_images_path),
        Path(settings.snapshots.snapshot_path),
    ]
