"""Darknet's `.cfg` and `.weights` on OpenCV 4's importer."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zmhook.detectors.yolo.engines.base import Network, chosen_size, threads
from zmhook.errors import DetectorError, ModelFileError
from zmhook.printable import one_line
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.model_files import ModelFile, ModelFiles
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

MAX_CFG_BYTES = 1 << 20
"""A .cfg is a few KiB of text; whatever is larger is another file."""

LAST_WITH_IMPORTER = 4
"""OpenCV 5 has no importer for Darknet."""

FLOAT = 4


class DarknetEngine:
    """Runs `.weights` with their `.cfg`."""

    reads = ".weights"
    name = "opencv"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._files = files
        self._settings = settings
        self._net: Any = None
        self._names: tuple[str, ...] = ()
        self.description = ""

    def load(self) -> Network:
        cv2 = _opencv()
        self._files.weights.check()
        cfg = _Cfg(self._config())
        outputs = tuple((-1, 5 + classes) for classes in cfg.classes())
        width, height = (chosen_size(self._settings, cfg.side(key)) for key in ("width", "height"))
        # The number is OpenCV's own, for all networks of this process.
        cv2.setNumThreads(threads(self._settings))
        with _silent(cv2):
            self._read(cv2, (1, 3, height, width))
        on = "CUDA" if self._use_gpu(cv2) else "CPU"
        self.description = f"OpenCV {cv2.__version__} ({on}, {threads(self._settings)} threads)"
        return Network(family="darknet", width=width, height=height, outputs=outputs)

    def infer(self, blob: npt.NDArray[np.float32 | np.uint8]) -> list[npt.NDArray[np.float32]]:
        if self._net is None:
            raise DetectorError(f"{self._files.weights} is used after it was closed")
        import cv2

        try:
            self._net.setInput(blob)
            return list(self._net.forward(self._names))
        except cv2.error as error:
            raise DetectorError(f"{self._files.weights} failed: {_reason(error)}") from error

    def close(self) -> None:
        self._net = None

    def _config(self) -> ModelFile:
        if self._files.config is None:
            key = self._files.weights.key.replace("weights", "config")
            raise ModelFileError(
                f"[yolo] {key} is empty; {self._files.weights} needs its .cfg there"
            )
        self._files.config.check()
        return self._files.config

    def _read(self, cv2: Any, shape: tuple[int, int, int, int]) -> None:
        config, weights = self._config(), self._files.weights
        try:
            net = cv2.dnn.readNetFromDarknet(str(config.path), str(weights.path))
            expected = _weights_in(net, shape) * FLOAT + _header_bytes(weights)
        except (cv2.error, MemoryError) as error:
            raise ModelFileError(
                f"{weights} and {config.key} {config.path} are damaged, no Darknet files or do not "
                f"belong together ({_reason(error)}); {weights.both_again}"
            ) from error
        self._check_size(expected)
        self._net, self._names = net, net.getUnconnectedOutLayersNames()

    def _check_size(self, expected: int) -> None:
        """Compare the file's length with the network's: OpenCV reads past the end in silence."""
        weights, config = self._files.weights, self._config()
        size = weights.path.stat().st_size
        if size != expected:
            raise ModelFileError(
                f"{weights} has {size} bytes, but the network in {config.key} {config.path} needs "
                f"{expected}: it is damaged or belongs to another .cfg; {weights.both_again}"
            )

    def _use_gpu(self, cv2: Any) -> bool:
        if self._settings.yolo_processor == "cpu":
            return False
        if cv2.cuda.getCudaEnabledDeviceCount() < 1:
            log.warning("[yolo] yolo_processor: no usable CUDA GPU; running on the CPU instead")
            return False
        self._net.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
        self._net.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA)
        return True


class _Cfg:
    """The few things that we read from a `.cfg` ourselves."""

    def __init__(self, file: ModelFile) -> None:
        self._file = file
        with reading(file.path, follow=True) as stream:
            text = stream.read(MAX_CFG_BYTES).decode("latin-1")
        parts = re.split(r"^[ \t]*\[(\w+)\]", text, flags=re.MULTILINE)[1:]
        self._sections = list(zip(parts[::2], parts[1::2], strict=True))
        if not self._sections or self._sections[0][0] not in ("net", "network"):
            raise ModelFileError(f"{file} is no Darknet .cfg: it does not begin with [net]")

    def side(self, key: str) -> int:
        """Return `width` or `height` of the input; raises `ModelFileError` when there is none."""
        value = _value(self._sections[0][1], key)
        if not value:
            raise ModelFileError(f"{self._file} is no usable Darknet .cfg: its [net] has no {key}")
        return value

    def classes(self) -> list[int]:
        """Return the number of classes of each output."""
        counts = [
            _value(body, "classes") for name, body in self._sections if name in ("yolo", "region")
        ]
        numbers = [count for count in counts if count is not None]
        if not numbers or len(numbers) != len(counts):
            raise ModelFileError(f"{self._file} describes no YOLO network: no [yolo] with classes")
        return numbers


def _value(body: str, key: str) -> int | None:
    match = re.search(rf"^[ \t]*{key}[ \t]*=[ \t]*(\d+)", body, flags=re.MULTILINE)
    return int(match[1]) if match else None


def _opencv() -> Any:
    import cv2

    if int(cv2.__version__.partition(".")[0]) > LAST_WITH_IMPORTER:
        raise DetectorError(
            f"Darknet files need OpenCV 4; OpenCV {cv2.__version__} cannot read them any more: "
            "pip install 'opencv-contrib-python-headless<5' in zmhook's environment, "
            "or use an .onnx network"
        )
    return cv2


@contextmanager
def _silent(cv2: Any) -> Iterator[None]:
    """Keep OpenCV from writing to stderr what we are about to say in one line."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _weights_in(net: Any, shape: tuple[int, int, int, int]) -> int:
    """Return how many numbers the network has to learn; anchors come from the .cfg instead."""
    total = int(net.getMemoryConsumption(shape)[0]) // FLOAT
    layers = (net.getLayer(name) for name in net.getLayerNames())
    anchors: int = sum(
        blob.size for layer in layers if layer.type == "Region" for blob in layer.blobs
    )
    return total - anchors


def _header_bytes(weights: ModelFile) -> int:
    """Return 20, or 16 for files of Darknet before 0.2: the version and the pictures seen."""
    with reading(weights.path, follow=True) as file:
        head = file.read(8)
    major, minor = (int.from_bytes(head[at : at + 4], "little", signed=True) for at in (0, 4))
    return 20 if major * 10 + minor >= 2 else 16  # noqa: PLR2004


def _reason(error: Exception) -> str:
    """Return OpenCV's message without its place in OpenCV's source."""
    offset = r"^OpenCV\(.*?\) \S+ error: |\(-\d+:|\) in function.*$"
    return re.sub(offset, "", one_line(error, 400)) or "no reason given"


ENGINE = DarknetEngine
