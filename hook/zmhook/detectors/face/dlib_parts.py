"""dlib, and the model files that the package face_recognition_models ships.

That package is only located, never imported: its import needs pkg_resources, and the package
built on it (face_recognition) ends the process where there is none. A dlib that is already on
the machine, such as one built for CUDA, is used as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import DetectorError, MissingPart, ModelFileError
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
ENCODER = "dlib_face_recognition_resnet_model_v1.dat"
CNN = "mmod_human_face_detector.dat"


def load_dlib() -> Any:
    """Import dlib; raises `MissingPart`, or `DetectorError` when it is there but broken."""
    try:
        return importlib.import_module("dlib")
    except ModuleNotFoundError:
        raise MissingPart("face", "dlib", "face") from None
    except ImportError as error:
        raise DetectorError(f"face: the installed dlib cannot be loaded: {error}") from None


def model_file(name: str) -> Path:
    """Return the path of one of the model files; raises `MissingPart` or `ModelFileError`."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPart("face", "face_recognition_models", "face")
    path = Path(spec.submodule_search_locations[0], "models", name)
    if not path.is_file():
        raise ModelFileError(
            f"{path} is missing: install the package face_recognition_models again"
        )
    return path


def load_model(make: Callable[[str], Any], name: str) -> Any:
    """Let `make`, one of dlib's classes, read a model file; raises `ModelFileError`."""
    path = model_file(name)
    try:
        return make(str(path))
    except RuntimeError as error:
        raise ModelFileError(
            f"{path}: dlib cannot use it ({one_line(error)}): "
            "install the package face_recognition_models again"
        ) from None


@contextmanager
def native(doing: str) -> Iterator[None]:
    """Turn what dlib raises (no GPU memory, say) into a `DetectorError` of one line."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise DetectorError(
            f"face: {doing} failed: {one_line(error) or type(error).__name__}"
        ) from None
