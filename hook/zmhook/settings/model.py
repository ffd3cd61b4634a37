"""Every setting: the sections together, and what holds for one monitor.

The reader checks files against this, the reference in `docs/` is made from it, and a test fails
when a setting is missing from `objectconfig.ini`. A key's name is unique across the sections,
because `[monitor-N]` may override any of them by name alone.
"""

from msgspec import Struct

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
from zmhook.settings.section import Section
from zmhook.settings.service import Service
from zmhook.settings.snapshots import Snapshots
from zmhook.settings.topic import Prompt, Topic
from zmhook.settings.values import Zone
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
]


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
