"""Every setting: the sections together, and what holds for one monitor.

The reader checks files against this, the reference in `docs/` is made from it, and a test fails
when a setting is missing from `objectconfig.ini`. A key's name is unique across the sections,
because `[monitor-N]` may override any of them by name alone.
"""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from zmhook.settings.alpr import Alpr
from zmhook.settings.animation import Animation
from zmhook.settings.face import Face
from zmhook.settings.gate import Gate
from zmhook.settings.gemini import Gemini
from zmhook.settings.general import General
from zmhook.settings.history import History
from zmhook.settings.hog import Hog
from zmhook.settings.labels import Label, ZoneRule
from zmhook.settings.mqtt import Mqtt
from zmhook.settings.notify import Notify
from zmhook.settings.remote import Remote
from zmhook.settings.section import Section, installed_section
from zmhook.settings.service import Service
from zmhook.settings.snapshots import Snapshots
from zmhook.settings.topic import Prompt, Topic
from zmhook.settings.values import Secret, Zone
from zmhook.settings.yolo import Yolo

__all__ = [
    "ALIASES",
    "SECTIONS",
    "Alpr",
    "Animation",
    "Face",
    "Gate",
    "Gemini",
    "General",
    "History",
    "Hog",
    "Label",
    "Mqtt",
    "Notify",
    "Prompt",
    "Remote",
    "Section",
    "Service",
    "Settings",
    "Snapshots",
    "Topic",
    "Yolo",
    "ZoneRule",
    "concealed",
    "from_plain",
    "revealed",
    "to_plain",
]


AnySection = TypeVar("AnySection", bound=Section)
_VARIABLE = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")


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
    topics: tuple[Topic, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    plates: dict[str, str] = {}
    zones: tuple[Zone, ...] = ()
    labels: dict[str, Label] = {}
    zone_rules: dict[str, ZoneRule] = {}
    plugins: dict[str, Section] = {}

    def section(self, kind: type[AnySection]) -> AnySection:
        """Return the section of that class, which an installed package may have brought."""
        ours = (getattr(self, name) for name in SECTIONS)
        for section in (*ours, *self.plugins.values()):
            if isinstance(section, kind):
                return section
        return self._defaults(kind)

    def _defaults(self, kind: type[AnySection]) -> AnySection:
        """Return the section that the file does not have, with `{{key}}` put in."""
        default = kind()
        texts = {name: getattr(default, name) for name in kind.__struct_fields__}
        filled = {
            name: _VARIABLE.sub(lambda match: self._text(match[1]), text)
            for name, text in texts.items()
            if isinstance(text, str) and "{{" in text
        }
        return structs.replace(default, **filled)

    def _text(self, key: str) -> str:
        ours = (getattr(self, name) for name in SECTIONS)
        return next((str(getattr(one, key)) for one in ours if hasattr(one, key)), "")


SECTIONS: dict[str, type[Section]] = {
    "general": General,
    "yolo": Yolo,
    "hog": Hog,
    "face": Face,
    "alpr": Alpr,
    "gate": Gate,
    "animation": Animation,
    "notify": Notify,
    "history": History,
    "gemini": Gemini,
    "snapshots": Snapshots,
    "mqtt": Mqtt,
    "remote": Remote,
    "service": Service,
}


def to_plain(settings: Settings) -> dict[str, Any]:
    """Return dicts, lists, texts and numbers. Secrets are in it: it is for our processes only."""
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


# Names that the field's documents and older files use, and what they are called here.
ALIASES = {
    "model": "models",
    "model_type": "yolo_type",
    "object_detection_pattern": "detect_pattern",
    "alpr_detection_pattern": "alpr_pattern",
    "frame_set": "frame_id",
    "detection_sequence": "models",
    "object_weights": "weights",
    "object_config": "config",
    "object_labels": "labels",
    "object_min_confidence": "yolo_min_confidence",
    "object_processor": "yolo_processor",
}
