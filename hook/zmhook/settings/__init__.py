"""The configuration: `objectconfig.ini`, secrets and per-monitor sections → typed `Settings`."""

from zmhook.settings.model import Face, General, Hog, Settings, Yolo
from zmhook.settings.reader import Config, load
from zmhook.settings.values import Secret, Zone

__all__ = ["Config", "Face", "General", "Hog", "Secret", "Settings", "Yolo", "Zone", "load"]
