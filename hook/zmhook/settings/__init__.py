"""The configuration: `objectconfig.ini`, secrets and per-monitor sections → typed `Settings`."""

from zmhook.settings.model import (
    Animation,
    Face,
    Gate,
    Gemini,
    General,
    History,
    Hog,
    Label,
    Mqtt,
    Notify,
    Prompt,
    Service,
    Settings,
    Snapshots,
    Topic,
    Yolo,
    ZoneRule,
)
from zmhook.settings.reader import Config, load
from zmhook.settings.values import Extent, Secret, Zone

__all__ = [
    "Animation",
    "Config",
    "Extent",
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
    "Secret",
    "Service",
    "Settings",
    "Snapshots",
    "Topic",
    "Yolo",
    "Zone",
    "ZoneRule",
    "load",
]
