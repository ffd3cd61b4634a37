"""The configuration: `objectconfig.ini`, secrets and per-monitor sections → typed `Settings`."""

from zmhook.settings.model import (
    Face,
    Gemini,
    General,
    Hog,
    Mqtt,
    Prompt,
    Service,
    Settings,
    Snapshots,
    Topic,
    Yolo,
)
from zmhook.settings.reader import Config, load
from zmhook.settings.values import Secret, Zone

__all__ = [
    "Config",
    "Face",
    "Gemini",
    "General",
    "Hog",
    "Mqtt",
    "Prompt",
    "Secret",
    "Service",
    "Settings",
    "Snapshots",
    "Topic",
    "Yolo",
    "Zone",
    "load",
]
