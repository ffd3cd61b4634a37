"""ONNX files on OpenVINO."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from zmhook.detectors.yolo.engines.base import (
    OPEN_SIZE,
    Network,
    chosen_size,
    takes_one_picture,
    threads,
)
from zmhook.errors import DetectorError, MissingPart, ModelFileError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

INPUT_TYPES = {"f32": "float32", "f16": "float16"}

TELLING = ("openvino_telemetry", "openvino.tools.ovc")
"""What tells the vendor of each import, and the converter that loads it; we need neither."""


class OpenVinoEngine:
    """Runs an `.onnx` file with float32 or float16 input `(1, 3, height, width)` on the CPU."""

    reads = ".onnx"
    name = "openvino"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._weights = files.weights
        self._settings = settings
        self._request: Any = None
        self._type = "float32"
        self.description = ""

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_processor == "gpu":
            log.warning("[yolo] yolo_processor: OpenVINO runs on the CPU; for CUDA use onnxruntime")
        openvino = _openvino()
        network = self._read(openvino)
        width, height = self._fix_input(network)
        compiled = self._compile(openvino, network)
        self._request = compiled.create_infer_request()
        self._describe(openvino, compiled)
        return Network(
            family="onnx",
            width=width,
            height=height,
            outputs=self._output_shapes(compiled, width, height),
            metadata=_metadata(network),
        )

    def infer(self, blob: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        if self._request is None:
            raise DetectorError(f"{self._weights} is used after it was closed")
        try:
            given = self._request.infer([blob.astype(self._type, copy=False)], share_inputs=True)
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise DetectorError(f"{self._weights} failed: {_reason(error)}") from error
        return [output.astype("float32", copy=False) for output in given.to_tuple()]

    def close(self) -> None:
        self._request = None

    def _read(self, openvino: Any) -> Any:
        # Core.read_model would offer a damaged file to the readers of all other kinds, which
        # print to stderr what they think of it.
        reader = openvino.frontend.FrontEndManager().load_by_framework("onnx")
        try:
            return reader.convert(reader.load(str(self._weights.path)))
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise self._damaged(error) from error

    def _compile(self, openvino: Any, network: Any) -> Any:
        options = {
            # Left alone it chooses bf16 where the processor has it, and labels change.
            "INFERENCE_PRECISION_HINT": self._settings.yolo_precision,
            "INFERENCE_NUM_THREADS": threads(self._settings),
            "NUM_STREAMS": 1,
            # Pinned, the threads of all worker processes would share the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            return openvino.Core().compile_model(network, "CPU", options)
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ModelFileError:
        return ModelFileError(
            f"{self._weights} is damaged or no ONNX network that OpenVINO understands "
            f"({_reason(error)}); fetch it again with 'zmhook models get'"
        )

    def _fix_input(self, network: Any) -> tuple[int, int]:
        """Settle open sides; return `(width, height)`.

        Raises `ModelFileError` when the input is no picture.
        """
        kinds = [one.get_element_type().get_type_name() for one in network.inputs]
        shapes = [_sides(one.get_partial_shape()) for one in network.inputs]
        shape = shapes[0] if len(shapes) == 1 else []
        if not takes_one_picture(shape) or kinds[0] not in INPUT_TYPES:
            found = ", ".join(f"{kind} {sides}" for kind, sides in zip(kinds, shapes, strict=True))
            raise ModelFileError(
                f"{self._weights} takes {found}; "
                "understood: one picture, float or float16, [1, 3, height, width]"
            )
        self._type = INPUT_TYPES[kinds[0]]
        height, width = (side or chosen_size(self._settings, OPEN_SIZE) for side in shape[2:])
        network.reshape([1, 3, height, width])
        return width, height

    def _output_shapes(self, compiled: Any, width: int, height: int) -> tuple[tuple[int, ...], ...]:
        """Return the outputs' shapes; a file that leaves one open has to be run to tell."""
        if all(output.get_partial_shape().is_static for output in compiled.outputs):
            return tuple(tuple(output.get_shape()) for output in compiled.outputs)
        import numpy as np

        return tuple(one.shape for one in self.infer(np.zeros((1, 3, height, width), np.float32)))

    def _describe(self, openvino: Any, compiled: Any) -> None:
        """Say what it really runs: a processor without bf16 computes in f32."""
        wanted = self._settings.yolo_precision
        kind = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if kind != wanted:
            log.warning("[yolo] yolo_precision: this processor has no %s; using %s", wanted, kind)
        version = openvino.__version__.partition("-")[0]
        count = threads(self._settings)
        self.description = f"OpenVINO {version} (CPU, {kind}, {count} threads)"


def _sides(shape: Any) -> list[int | None]:
    """Return the sides as numbers; None stands for a free one."""
    if shape.rank.is_dynamic:
        return []
    return [side.get_length() if side.is_static else None for side in shape]


def _metadata(network: Any) -> dict[str, str]:
    """Return what the file says about itself, such as its labels."""
    info = network.get_rt_info()
    if "framework" not in info:
        return {}
    said = getattr(info["framework"], "value", info["framework"])
    return {key: str(getattr(one, "value", one)) for key, one in said.items()}


def _openvino() -> Any:
    # What a home's cameras run on is nobody's business: importing it must send nothing.
    for module in TELLING:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]
    try:
        import openvino
    except ModuleNotFoundError as error:
        if error.name != "openvino":
            raise DetectorError(f"openvino cannot be imported: {error}") from error
        raise MissingPart("[yolo] yolo_engine = openvino", "openvino", "openvino") from None
    except ImportError as error:
        raise DetectorError(f"openvino cannot be imported: {error}") from error
    return openvino


def _reason(error: Exception) -> str:
    """Return OpenVINO's message in one line, without the places in OpenVINO's source."""
    lines = [line for line in str(error).splitlines() if " src/" not in line]
    return " ".join(" ".join(lines).split())[:300] or "no reason given"


ENGINE = OpenVinoEngine
