"""Where faces are in a picture: dlib's two finders, hog and cnn, and YuNet."""

from __future__ import annotations

import logging
import math
import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zmhook.detection import Box
from zmhook.detectors.face.dlib_parts import CNN, load_dlib, load_model, native
from zmhook.errors import DetectorError, ModelFileError
from zmhook.models.manifest import line_to_type
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zmhook.settings import Face

LEAST_SIDE = 20
"""Pixels. No finder sees a face in less, and dlib's cnn writes past its memory below 9."""

log = logging.getLogger(__name__)


class Scaled(NamedTuple):
    """A picture as it is searched: `image` is the original's size times `x` and `y`."""

    image: npt.NDArray[np.uint8]
    x: float
    y: float
    width: int
    height: int

    @property
    def too_small(self) -> bool:
        """Whether no finder may be given the picture."""
        return bool(min(self.image.shape[:2]) < LEAST_SIDE)

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Turn corners in the searched picture into a box in the original."""
        return Box.clipped(
            x1 / self.x, y1 / self.y, x2 / self.x, y2 / self.y, self.width, self.height
        )


def factor(
    width: int, height: int, max_side: int, upsample: int = 0, max_pixels: int | None = None
) -> float:
    """Return the factor from the original's size to the searched one.

    The longest side is brought down to `max_side`, the result doubled `upsample` times, and that
    brought down to `max_pixels`. It is one step, so no detail is lost by going down and up again.
    """
    scale = min(1.0, max_side / max(width, height)) * float(1 << upsample)
    if max_pixels is not None:
        scale = min(scale, math.sqrt(max_pixels / (width * height)))
    return scale


def scaled(image: npt.NDArray[np.uint8], scale: float) -> Scaled:
    """Resize a BGR picture by `scale`; the picture itself when that changes nothing."""
    height, width = image.shape[:2]
    size = max(1, int(width * scale)), max(1, int(height * scale))
    if size == (width, height):
        return Scaled(image, 1.0, 1.0, width, height)
    if scale < 1:
        log.debug("faces are searched at %dx%d instead of %dx%d pixels", *size, width, height)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=how)
    return Scaled(small, size[0] / width, size[1] / height, width, height)  # type: ignore[arg-type]


class FaceBox(NamedTuple):
    """A face in a picture.

    `box` is what is shown, in the picture's pixels; `square` is `(left, top, side)` of the
    square around brows and chin that dlib's landmarks are trained on, also in pixels, and may
    reach over the picture's edge. `score` is the finder's own figure; `certainty` is that figure
    as 0..1.
    """

    box: Box
    square: tuple[float, float, float]
    score: float
    certainty: float


class Finder(ABC):
    """Finds faces; loaded when it is made, which may raise `DetectorError`."""

    max_pixels: ClassVar[int]
    """Pixels of the picture that is searched, at most."""

    def __init__(self, face: Face) -> None:
        self._max_side = face.face_max_size
        self._upsample = face.face_upsample_times

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceBox]:
        """Return the faces in a BGR picture `(height, width, 3)`, surest first.

        Raises `DetectorError`.
        """
        height, width = image.shape[:2]
        scale = factor(width, height, self._max_side, self._upsample, self.max_pixels)
        small = scaled(image, scale)
        faces = () if small.too_small else self._faces(small)
        return sorted(faces, key=lambda face: face.score, reverse=True)

    @abstractmethod
    def _faces(self, small: Scaled) -> Iterable[FaceBox]:
        """Return the faces in the picture that is searched, in the original's pixels."""


def make_finder(model: str, face: Face, cache: str = "") -> Finder:
    """Load the finder `hog`, `cnn` or `yunet`.

    `cache` is a folder in which something that is slow to make may be kept; empty: none.
    Raises `DetectorError`.
    """
    if model == "cnn":
        return CnnFinder(face)
    return YunetFinder(face) if model == "yunet" else HogFinder(face, cache)


# -- dlib: the frontal finder (HOG) and the convolutional one (max-margin) -------------------------

SUBDETECTORS = 5


class HogFinder(Finder):
    """Finds faces from 80 pixels on, half of that for each time of upsampling."""

    max_pixels = 16_000_000  # 1.1 s and 80 MB on one core; reached by upsampling only

    def __init__(self, face: Face, cache: str = "") -> None:
        super().__init__(face)
        self._detector = _hog_detector(load_dlib(), cache)

    def _faces(self, small: Scaled) -> Iterable[FaceBox]:
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with hog"):
            rectangles, scores, _ = self._detector.run(rgb, 0, 0.0)
        return [
            _dlib_face(rectangle, score, small)
            for rectangle, score in zip(rectangles, scores, strict=True)
        ]


class CnnFinder(Finder):
    """Finds faces at more angles than hog; the time and memory it takes grow with the pixels."""

    max_pixels = 720_000  # 1131x636: 0.95 GB (and 6 s on one CPU core) for each megapixel

    def __init__(self, face: Face) -> None:
        super().__init__(face)
        self._detector = load_model(load_dlib().cnn_face_detection_model_v1, CNN)

    def _faces(self, small: Scaled) -> Iterable[FaceBox]:
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with cnn"):
            matches = self._detector(rgb, 0)
        return [_dlib_face(match.rect, float(match.confidence), small) for match in matches]


def _hog_detector(dlib: Any, cache: str) -> Any:
    """Make dlib's detector, from the copy in `cache` when there is one.

    Unpacking the detector that is compiled into dlib takes 0.2 s, which a process per event
    would pay each time; reading the same thing from a file takes 1 ms.
    """
    if not cache:
        return dlib.get_frontal_face_detector()
    path = Path(cache, f"frontal-face-dlib-{dlib.__version__}.svm")
    kept = _kept(dlib, path)
    if kept is not None:
        return kept
    detector = dlib.get_frontal_face_detector()
    _keep(detector, path)
    return detector


def _kept(dlib: Any, path: Path) -> Any | None:
    try:
        if not path.is_file():
            return None
        detector = dlib.fhog_object_detector(str(path))
    except PermissionError:  # the folder is another account's
        return None
    except RuntimeError as error:
        log.info("%s is damaged and is made again: %s", path, error)
        return None
    return detector if detector.num_detectors == SUBDETECTORS else None


def _keep(detector: Any, path: Path) -> None:
    """Save for the next process; that it cannot be is no reason to complain."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        detector.save(str(temporary))
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        log.debug("%s is not kept: %s", path, error)
        with suppress(OSError):
            temporary.unlink()


def _dlib_face(rectangle: Any, score: float, small: Scaled) -> FaceBox:
    """Turn a dlib rectangle in the searched picture into a face in the original."""
    left, top = float(rectangle.left()), float(rectangle.top())
    right, bottom = float(rectangle.right()) + 1, float(rectangle.bottom()) + 1
    square = left / small.x, top / small.y, (right - left) / small.x
    return FaceBox(small.box(left, top, right, bottom), square, score, _certainty(score))


def _certainty(score: float) -> float:
    """Map the distance from dlib's decision boundary to 0..1.

    The score is 0 at the boundary and mostly 1 to 2 for a clear frontal face; the logistic
    function makes that 0.5 and 0.88 to 0.98.
    """
    return 1 / (1 + math.exp(-2 * score))


# -- YuNet, through OpenCV's FaceDetectorYN --------------------------------------------------------

NMS_THRESHOLD = 0.3
TOP_K = 500
SIDE, DOWN = 0.82, 0.05
"""dlib's square from YuNet's taller box, in box heights: its side, and how far its centre is
below the box's. From the portraits in which hog and YuNet both find the face."""


class YunetFinder(Finder):
    """Finds faces from about 10 pixels on, so that no upsampling is needed."""

    max_pixels = 6_000_000  # the network takes 70 MB for each megapixel

    def __init__(self, face: Face) -> None:
        super().__init__(face)
        self._upsample = 0
        self._detector = _yunet_detector(face.face_yunet_model, face.face_min_confidence)

    def _faces(self, small: Scaled) -> Iterable[FaceBox]:
        try:
            rows = _rows(self._detector, small.image)
        except cv2.error as error:
            raise DetectorError(
                f"face: finding faces with yunet failed: {one_line(error.err or error)}"
            ) from None
        return [_yunet_face(row, small) for row in rows]


def _yunet_detector(path: str, least: float) -> Any:
    if not Path(path).is_file():
        raise ModelFileError(
            f"[face] face_yunet_model: there is no file {path}: "
            f"fetch it with '{line_to_type('yunet')}', or set where it is"
        )
    try:
        detector = cv2.FaceDetectorYN.create(path, "", (320, 320), least, NMS_THRESHOLD, TOP_K)
        # Another network is noticed only when it is run.
        _rows(detector, np.zeros((32, 32, 3), np.uint8))
    except cv2.error as error:
        why = one_line(error.err or error)
        raise ModelFileError(
            f"[face] face_yunet_model: {path} is not a YuNet file ({why}): "
            f"fetch it with '{line_to_type('yunet', again=True)}'"
        ) from None
    return detector


def _rows(detector: Any, image: npt.NDArray[np.uint8]) -> list[Sequence[Any]]:
    detector.setInputSize((image.shape[1], image.shape[0]))
    rows = detector.detect(image)[1]
    # Where next to nothing is asked for (face_min_confidence = 0), sizes can overflow.
    return [] if rows is None else [row for row in rows if np.isfinite(row).all()]


def _yunet_face(row: Sequence[Any], small: Scaled) -> FaceBox:
    """One row is x, y, width, height, five landmarks as x, y, and the score."""
    x, y, width, height = (float(value) for value in row[:4])
    score = float(row[-1])
    side = SIDE * height
    left, top = x + (width - side) / 2, y + (height - side) / 2 + DOWN * height
    square = left / small.x, top / small.y, side / small.y
    return FaceBox(small.box(x, y, x + width, y + height), square, score, score)
