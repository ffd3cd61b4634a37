"""Typed `Settings`, read from `objectconfig.ini`, its secrets file and overrides."""

from zmhook.settings.alpr import Alpr
from zmhook.settings.animation import Animation
from zmhook.settings.face import Face
from zmhook.settings.gate import Gate, LabelLimits, ZoneRule
from zmhook.settings.gemini import Gemini, Prompt
from zmhook.settings.general import General
from zmhook.settings.history import History
from zmhook.settings.hog import Hog
from zmhook.settings.loader import Config, load, load_without_secrets
from zmhook.settings.model import Settings
from zmhook.settings.mqtt import Mqtt, Topic
from zmhook.settings.notify import Notify
from zmhook.settings.remote import Remote
from zmhook.settings.section import Extent, Secret, Zone
from zmhook.settings.service import Service
from zmhook.settings.snapshots import Snapshots
from zmhook.settings.watch import Watch
from zmhook.settings.yolo import Yolo

__all__ = [
    "Alpr",
    "Animation",
    "Config",
    "Extent",
    "Face",
    "Gate",
    "Gemini",
    "General",
    "History",
    "Hog",
    "LabelLimits",
    "Mqtt",
    "Notify",
    "Prompt",
    "Remote",
    "Secret",
    "Service",
    "Settings",
    "Snapshots",
    "Topic",
    "Watch",
    "Yolo",
    "Zone",
    "ZoneRule",
    "load",
    "load_without_secrets",
]
