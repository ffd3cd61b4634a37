"""ONNX files on OpenVINO."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from zmhook.detectors.onnx_file import refusal
from zmhook.detectors.yolo.engines.base import Network, threads
from zmhook.detectors.yolo.engines.ports import Inputs, Port, inputs_of, size_of
from zmhook.errors import DetectorError, MissingPart
from zmhook.printable import one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.errors import ModelFileError
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

TYPES = {"f32": "float32", "f16": "float16", "u8": "uint8", "i64": "int64", "i32": "int32"}

TELLING = ("openvino_telemetry", "openvino.tools.ovc")
"""What tells the vendor of each import, and the converter that loads it; we need neither."""


@cache
def _core() -> Any:
    """Return OpenVINO's core, one for the whole process, kept to its end.

    On processors with AMX its CPU plugin gives the thread a stack for signals, and takes the memory
    away with itself: the next signal would end the process.
    """
    import openvino

    return openvino.Core()


class OpenVinoEngine:
    """Runs an `.onnx` file that takes one picture, `(1, 3, height, width)`, on the CPU."""

    reads = ".onnx"
    name = "openvino"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._weights = files.weights
        self._settings = settings
        self._request: Any = None
        self._inputs: Inputs | None = None
        self._size: dict[str, Any] = {}
        self.description = ""

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_processor == "gpu":
            log.warning("[yolo] yolo_processor: OpenVINO runs on the CPU; for CUDA use onnxruntime")
        openvino = _openvino()
        network = self._read(openvino)
        metadata = _metadata(network)
        self._inputs = inputs_of([_port(port) for port in network.inputs], self._weights)
        width, height = size_of(self._inputs.picture, self._settings, metadata)
        self._settle(network, width, height)
        compiled = self._compile(openvino, network)
        self._request = compiled.create_infer_request()
        self._describe(openvino, compiled)
        return Network(
            family="onnx",
            width=width,
            height=height,
            outputs=self._output_shapes(compiled, width, height),
            metadata=metadata,
            names=tuple(frozenset(port.get_names()) for port in compiled.outputs),
            pixels=self._inputs.pixels,
            asks_size=bool(self._size),
        )

    def infer(self, blob: npt.NDArray[np.float32 | np.uint8]) -> list[npt.NDArray[np.float32]]:
        if self._request is None or self._inputs is None:
            raise DetectorError(f"{self._weights} is used after it was closed")
        name, kind = self._inputs.picture[:2]
        try:
            everything = {name: blob.astype(kind, copy=False), **self._size}
            outputs = self._request.infer(everything, share_inputs=True)
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise DetectorError(f"{self._weights} failed: {_reason(error)}") from error
        return [output.astype("float32", copy=False) for output in outputs.to_tuple()]

    def close(self) -> None:
        self._request = None

    def _read(self, openvino: Any) -> Any:
        # Core.read_model would offer a damaged file to the readers of all other kinds, which
        # print to stderr what they think of it.
        reader = openvino.frontend.FrontEndManager().load_by_framework("onnx")
        try:
            return reader.convert(reader.load(str(self._weights.path)))
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise self._refusal(openvino, error) from error

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
            return _core().compile_model(network, "CPU", options)
        except Exception as error:  # OpenVINO's errors have no base of their own
            raise self._refusal(openvino, error) from error

    def _refusal(self, openvino: Any, error: Exception) -> ModelFileError:
        return refusal(self._weights, error, f"OpenVINO {_version(openvino)}", _reason(error))

    def _settle(self, network: Any, width: int, height: int) -> None:
        """Settle open sides, and have boxes given in the input's pixels where it asks in which."""
        if self._inputs is None:
            return
        shapes = {self._inputs.picture.name: [1, 3, height, width]}
        size = self._inputs.size
        if size is not None:
            import numpy as np

            self._size = {size.name: np.array([[width, height]], size.type)}
            shapes[size.name] = [1, 2]
        network.reshape(shapes)

    def _output_shapes(self, compiled: Any, width: int, height: int) -> tuple[tuple[int, ...], ...]:
        """Return the outputs' shapes; a file that leaves one open has to be run to tell."""
        if all(output.get_partial_shape().is_static for output in compiled.outputs):
            return tuple(tuple(output.get_shape()) for output in compiled.outputs)
        import numpy as np

        return tuple(
            output.shape for output in self.infer(np.zeros((1, 3, height, width), np.float32))
        )

    def _describe(self, openvino: Any, compiled: Any) -> None:
        """Say what it really runs: a processor without bf16 computes in f32."""
        precision = self._settings.yolo_precision
        kind = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if kind != precision:
            log.warning(
                "[yolo] yolo_precision: this processor has no %s; using %s", precision, kind
            )
        count = threads(self._settings)
        self.description = f"OpenVINO {_version(openvino)} (CPU, {kind}, {count} threads)"


def _port(node: Any) -> Port:
    kind = node.get_element_type().get_type_name()
    return Port(node.get_any_name(), TYPES.get(kind, kind), _sides(node.get_partial_shape()), kind)


def _version(openvino: Any) -> str:
    return str(openvino.__version__.partition("-")[0])


def _sides(shape: Any) -> list[int | str | None]:
    """Return the sides as numbers; None stands for a free one."""
    if shape.rank.is_dynamic:
        return []
    return [side.get_length() if side.is_static else None for side in shape]


def _metadata(network: Any) -> dict[str, str]:
    """Return what the file says about itself, such as its labels."""
    info = network.get_rt_info()
    if "framework" not in info:
        return {}
    framework = getattr(info["framework"], "value", info["framework"])
    return {key: str(getattr(value, "value", value)) for key, value in framework.items()}


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
    return one_line(" ".join(lines), 300) or "no reason given"


ENGINE = OpenVinoEngine
