"""What third-party detectors, frame sources and snapshot handlers import.

The names in `__all__` stay: they are the contract (docs/models.md, docs/snapshots.md). All other
modules of the package may change with any version.
"""

from __future__ import annotations

from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.detectors.base import ANY, Detector
from zmhook.errors import (
    DeadlineExceeded,
    DetectorError,
    FrameError,
    FrameNotNeeded,
    FrameUnavailable,
    MissingPart,
    ModelFileError,
    PictureError,
    Postponed,
    SnapshotError,
    ZmhookError,
)
from zmhook.event import Event
from zmhook.frame import Crop, Frame, Picture
from zmhook.frames.base import FrameSource, Pending
from zmhook.settings import Settings
from zmhook.settings.section import Fraction, Secret, Section, about
from zmhook.snapshots.handler import SnapshotHandler
from zmhook.snapshots.snapshot import StoredSnapshot

__all__ = [
    "ANY",
    "Box",
    "Crop",
    "Deadline",
    "DeadlineExceeded",
    "Detection",
    "Detector",
    "DetectorError",
    "Event",
    "Fraction",
    "Frame",
    "FrameError",
    "FrameNotNeeded",
    "FrameSource",
    "FrameUnavailable",
    "MissingPart",
    "ModelFileError",
    "Pending",
    "Picture",
    "PictureError",
    "Postponed",
    "Secret",
    "Section",
    "Settings",
    "SnapshotError",
    "SnapshotHandler",
    "StoredSnapshot",
    "ZmhookError",
    "about",
]
