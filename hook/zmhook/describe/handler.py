"""The handler that ships: `[gemini]` describes stored snapshots."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.describe.describer import WORTH_WAITING, Describer
from zmhook.describe.description import Description, DescriptionError, Subject
from zmhook.detection import Box, Detection
from zmhook.errors import Postponed
from zmhook.labels import common
from zmhook.snapshots.handler import SnapshotHandler

if TYPE_CHECKING:
    from zmhook.settings import Settings
    from zmhook.snapshots.snapshot import StoredSnapshot

RESERVE = 1.0
"""Seconds of the handler's time that are left for giving the answer."""


class DescribeHandler(SnapshotHandler):
    """Asks about the snapshots of `describe_classes`.

    Raises `ModelSkipped` when not answered; `Postponed` when it is a limit, ours or the service's,
    that ends too late to be waited for in one call.
    """

    catches_up = True

    def __init__(self, settings: Settings, describer: Describer | None = None) -> None:
        super().__init__(settings)
        self._classes = frozenset(settings.snapshots.describe_classes)
        self._timeout = settings.snapshots.snapshot_handler_timeout
        self._describer = describer or Describer.from_settings(settings, patient=True)

    def on_snapshot(self, snapshot: StoredSnapshot, picture: bytes) -> list[Detection] | None:
        if not self._is_wanted(snapshot.label):
            return None
        deadline = Deadline(max(self._timeout - RESERVE, self._timeout / 2))
        try:
            answer = self._describer.describe(picture, subject_of(snapshot), deadline)
        except DescriptionError as error:
            if error.until > time.time() + deadline.left() - WORTH_WAITING:
                raise Postponed(str(error), error.until) from None
            raise
        return [_detection(answer, snapshot.width, snapshot.height)]

    def close(self) -> None:
        self._describer.close()

    def _is_wanted(self, label: str) -> bool:
        """Tell by the camera's name for the class, or by the models' (`human`, `person`)."""
        names = {label.lower(), common(label)}
        return not self._classes or not names.isdisjoint(self._classes)


def subject_of(snapshot: StoredSnapshot) -> Subject:
    monitor = "" if snapshot.monitor_id is None else str(snapshot.monitor_id)
    return Subject(
        label=snapshot.label,
        monitor=monitor,
        camera=snapshot.camera,
        colours=snapshot.colours,
        time=snapshot.taken,
    )


def _detection(answer: Description, width: int, height: int) -> Detection:
    x1, y1, x2, y2 = answer.box or (0.0, 0.0, 1.0, 1.0)
    width, height = max(width, 1), max(height, 1)
    box = Box.clipped(x1 * width, y1 * height, x2 * width, y2 * height, width, height)
    return answer.detection(box, answer.model)
