"""The configuration: `objectconfig.ini`, secrets and per-monitor sections → typed `Settings`."""

from zmhook.settings.model import Face, General, Hog, Service, Settings, Yolo
from zmhook.settings.reader import Config, load
from zmhook.settings.values import Secret, Zone

__all__ = [
    "Config",
    "Face",
    "General",
    "Hog",
    "Secret",
    "Service",
    "Settings",
    "Yolo",
    "Zone",
    "load",
]
