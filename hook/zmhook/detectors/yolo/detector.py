"""The `yolo` detector of the chain: objects, by a YOLO network.

An engine (`engines`) runs the network, a head (`heads`) knows how that network wants its picture
and what its numbers mean, `letterbox` is the geometry, and `model` ties them together. Importing
this module imports neither numpy, OpenCV nor an inference engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detectors.base import Detector
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.detectors.yolo.model import YoloModel
    from zmhook.frame import Frame, Size
    from zmhook.settings import Settings


class YoloDetector(Detector):
    """Finds objects with the network that `[yolo]` names."""

    name = "yolo"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._model: YoloModel | None = None

    def load(self) -> None:
        """Read the network; raises `ModelFileError` or `MissingPart`, naming setting and file."""
        from zmhook.detectors.yolo.fitted_files import folder_of
        from zmhook.detectors.yolo.model import YoloModel

        self._model = YoloModel(self.settings.yolo, folder_of(self.settings.general))

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return the objects in each frame, strongest first; raises `DetectorError`."""
        if self._model is None:
            raise DetectorError("the yolo model is used before it is loaded")
        return [
            self._model.detect(frame.at_least(self.least_size(frame.size)), frame.size)
            for frame in frames
        ]

    def least_size(self, size: Size) -> Size | None:
        """Return half the size, where the network's input gets the same pixels of that."""
        if self._model is None or not self.settings.general.reduced_decoding:
            return None
        return self._model.least_size(size)

    @property
    def description(self) -> str:
        """Name the network, the engine and what it runs on, once loaded."""
        return self._model.description if self._model else self.name

    def close(self) -> None:
        if self._model is not None:
            self._model.close()
            self._model = None
