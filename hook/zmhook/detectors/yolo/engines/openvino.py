"""ONNX files on OpenVINO."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from zmhook.detectors.onnx_runtime import refusal
from zmhook.detectors.yolo.engines.base import Network, OnnxFileEngine, Port, threads
from zmhook.errors import DetectorError, MissingPart
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.errors import ModelFileError

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


class OpenVinoEngine(OnnxFileEngine):
    """Runs an `.onnx` file on the CPU."""

    name = "openvino"
    _request: Any = None

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_processor == "gpu":
            log.warning("[yolo] yolo_processor: OpenVINO runs on the CPU; for CUDA use onnxruntime")
        openvino = runtime()
        network = self._read(openvino)
        metadata = _metadata(network)
        size = self._take([_port(port) for port in network.inputs], metadata)
        self._settle(network, *size)
        compiled = self._compile(openvino, network)
        self._request = compiled.create_infer_request()
        self._describe(openvino, compiled)
        is_settled = all(output.get_partial_shape().is_static for output in compiled.outputs)
        shapes = [tuple(output.get_shape()) for output in compiled.outputs] if is_settled else None
        names = (frozenset(port.get_names()) for port in compiled.outputs)
        return self._network(size, shapes, names, metadata)

    def close(self) -> None:
        super().close()
        self._request = None

    def _run(self, inputs: dict[str, Any]) -> Sequence[Any]:
        outputs: Sequence[Any] = self._request.infer(inputs, share_inputs=True).to_tuple()
        return outputs

    @staticmethod
    def _reason(error: Exception) -> str:
        """Return OpenVINO's message in one line, without the places in OpenVINO's source."""
        lines = [line for line in str(error).splitlines() if " src/" not in line]
        return one_line(" ".join(lines), 300) or "no reason given"

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
        return refusal(self._weights, error, f"OpenVINO {_version(openvino)}", self._reason(error))

    def _settle(self, network: Any, width: int, height: int) -> None:
        """Settle the sides that the file leaves open."""
        if self._inputs is None:
            return
        shapes = {self._inputs.picture.name: [1, 3, height, width]}
        network.reshape({**shapes, **{name: [1, 2] for name in self._size}})

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


def runtime() -> Any:
    """Import OpenVINO; raises `MissingPart`, or `DetectorError` when it does not work."""
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


ENGINE = OpenVinoEngine
