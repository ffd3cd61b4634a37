"""The network of `[yolo]`, in the size that fits each picture: picture in, detections out.

Which size runs depends on the picture, the settings and the fitted files that are there, and on
nothing else: a hook of its own, the service and a remote server give the same answer.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from zmhook.detectors.model_files import yolo_files
from zmhook.detectors.yolo.fit import fitted_size, shown, step_of
from zmhook.detectors.yolo.fitted_files import FittedFiles
from zmhook.detectors.yolo.loaded import LoadedNetwork
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from zmhook.detection import Detection
    from zmhook.detectors.model_files import ModelFiles
    from zmhook.detectors.yolo.fit import Size
    from zmhook.detectors.yolo.fitted_files import Fitted
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

MOST_FITTED = 2
"""Fitted networks that are kept loaded, besides the network itself."""


class YoloModel:
    """The network itself, loaded when it is needed, and those fitted to pictures."""

    def __init__(self, settings: Yolo, fitted: Path | None = None) -> None:
        """Load what was used last; `fitted` is the folder of fitted networks, None for none.

        Raises `ModelFileError`, `MissingPart`, `DetectorError`.
        """
        self._settings = settings
        self._files = yolo_files(settings)
        self._fits = _fits(settings, self._files, fitted)
        self._own: LoadedNetwork | None = None
        self._fitted: OrderedDict[Fitted, LoadedNetwork] = OrderedDict()
        self._broken: set[Fitted] = set()
        self._in_use = self._first()

    def detect(self, image: npt.NDArray[np.uint8], size: Size | None = None) -> list[Detection]:
        """Return the objects in a BGR picture `(height, width, 3)`, strongest first.

        Boxes are in the pixels of a picture of `size` (width, height), of which this is a reduced
        one; None: its own.
        """
        fitted = self._fitting(size or (image.shape[1], image.shape[0]))
        if fitted is not None:
            try:
                self._in_use = self._load(fitted)
                return self._in_use.detect(image, size)
            except DetectorError as error:
                self._give_up(fitted, error)
        self._in_use = self._network()
        return self._in_use.detect(image, size)

    def least_size(self, size: Size) -> Size | None:
        """Return half the size, where the input gets the same pixels of that; None elsewhere."""
        own = self._own_size() or self._network().network.size
        return self._in_use.least_size(size, own)

    @property
    def description(self) -> str:
        """Name the file, its network, the size that ran last and what runs it, for people."""
        network = self._in_use.network
        own = self._own_size()
        fitted = f", fitted from {shown(own)}" if own and own != network.size else ""
        kind = f"{self._in_use.kind} {shown(network.size)}{fitted}"
        return f"yolo: {self._files.weights.path.name} ({kind}) on {self._in_use.runs_on}"

    def close(self) -> None:
        for network in filter(None, (self._own, *self._fitted.values())):
            network.close()
        self._own = None
        self._fitted.clear()

    def _first(self) -> LoadedNetwork:
        latest = self._fits.latest() if self._fits else None
        if latest is not None:
            try:
                return self._load(latest)
            except DetectorError as error:
                self._give_up(latest, error)
        return self._network()

    def _network(self) -> LoadedNetwork:
        if self._own is None:
            self._own = LoadedNetwork(self._files, self._settings)
        return self._own

    def _own_size(self) -> Size | None:
        if self._own is not None:
            return self._own.network.size
        record = self._fits.record if self._fits else None
        return record.own if record else None

    def _fitting(self, picture: Size) -> Fitted | None:
        """Return what fits a picture, None where that is the network itself, or not ready."""
        if self._fits is None:
            return None
        record = self._fits.record
        own = record.own if record else self._network().network.size
        size = fitted_size(picture, own, step_of(self._in_use.network))
        if size == own:
            return None
        fitted = self._fits.fitted(record, size) if record else None
        if fitted is None and self._in_use.is_padded:
            self._fits.need(size)
        return fitted if fitted not in self._broken else None

    def _load(self, fitted: Fitted) -> LoadedNetwork:
        """Return a fitted network, loaded; the others of its size, and those used least, go."""
        if fitted in self._fitted:
            self._fitted.move_to_end(fitted)
            return self._fitted[fitted]
        for other in [other for other in self._fitted if other.size == fitted.size]:
            self._fitted.pop(other).close()
        weights = self._files.weights._replace(path=fitted.path)
        files = self._files._replace(weights=weights, size=fitted.size)
        network = self._fitted[fitted] = LoadedNetwork(files, self._settings)
        FittedFiles.used(fitted)
        while len(self._fitted) > MOST_FITTED:
            self._fitted.popitem(last=False)[1].close()
        if self._own is not None:
            # It has most likely run for the same pictures. Where others still need it, it is loaded
            # again once, and stays.
            self._own.close()
            self._own = None
        return network

    def _give_up(self, fitted: Fitted, error: DetectorError) -> None:
        """Use the network itself from now on, where a fitted file fails."""
        self._broken.add(fitted)
        log.warning(
            "the network fitted to %s is not used (%s); zmhook models fit --again makes it anew",
            shown(fitted.size),
            error,
        )


def _fits(settings: Yolo, files: ModelFiles, folder: Path | None) -> FittedFiles | None:
    is_onnx = files.weights.path.suffix.lower() == ".onnx"
    if folder is None or not settings.yolo_fit or not is_onnx:
        return None
    return FittedFiles(folder, files.weights.path)
