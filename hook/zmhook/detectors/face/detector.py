"""The `face` detector of the chain: who is in the picture.

`finders` find faces, `encoding` turns one into 128 numbers, and compares those with the known
people's. `pictures` lists the pictures of known people, `training` encodes them, `store` keeps the
result, `freshness` trains when pictures have changed.
"""

from __future__ import annotations

import logging
import math
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from zmhook.detection import Box, Detection
from zmhook.detectors.base import Detector
from zmhook.storage import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.encoding import Encoder, KnownFaces, Nearest
    from zmhook.detectors.face.finders import FaceBox, Finder
    from zmhook.detectors.face.freshness import FreshFaces
    from zmhook.frame import Frame
    from zmhook.settings import Face, Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What `load` makes. The encoder comes later, when there is a face to encode."""

    finder: Finder
    fresh: FreshFaces
    unknown: UnknownFaces | None


class FaceDetector(Detector):
    """Finds faces and names the people they belong to.

    The label is the person's folder name or `unknown_face_name`; the confidence follows from the
    distance to the nearest known picture (`confidence`). Attributes: `distance`, `picture` (the
    nearest known one, relative; known people only) and `score` (the finder's).
    """

    name = "face"
    kind: Literal["face"] = "face"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._face = settings.face
        self.requires = frozenset(settings.face.face_pre_existing_labels)
        self.crop_to = frozenset(settings.face.face_crop_to)
        self._parts: _Parts | None = None
        self._encoder: Encoder | None = None

    def load(self) -> None:
        """Load the finder; raises `DetectorError`, also for parts that only a found face needs."""
        self._parts = self._load()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return the faces in each frame, surest first; raises `DetectorError`."""
        self._parts = parts = self._parts or self._load()
        return [self._detect(parts, frame.image) for frame in frames]

    def close(self) -> None:
        self._parts = self._encoder = None

    def _load(self) -> _Parts:
        from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, load_dlib, model_file
        from zmhook.detectors.face.finders import make_finder
        from zmhook.detectors.face.freshness import FreshFaces
        from zmhook.detectors.face.training import hog_cache

        load_dlib()
        for needed in (LANDMARKS, ENCODER):
            model_file(needed)
        return _Parts(
            make_finder(self._face.face_model, self._face, hog_cache(self.settings)),
            FreshFaces(self.settings),
            UnknownFaces(self._face) if self._face.save_unknown_faces else None,
        )

    def _detect(self, parts: _Parts, image: npt.NDArray[np.uint8]) -> list[Detection]:
        faces = parts.finder.find(image)
        if not faces:
            return []
        known = parts.fresh.current()
        detections = [
            self._named(face, self._nearest(image, face, known), parts.unknown, image)
            for face in faces
        ]
        return sorted(detections, key=lambda detection: detection.confidence, reverse=True)

    def _nearest(
        self, image: npt.NDArray[np.uint8], face: FaceBox, known: KnownFaces
    ) -> Nearest | None:
        if not len(known):
            return None
        if self._encoder is None:
            from zmhook.detectors.face.encoding import Encoder

            self._encoder = Encoder(self._face.face_num_jitters)
        return known.nearest(self._encoder.encode(image, face))

    def _named(
        self,
        face: FaceBox,
        nearest: Nearest | None,
        unknown: UnknownFaces | None,
        image: npt.NDArray[np.uint8],
    ) -> Detection:
        if nearest is not None and nearest.distance <= self._face.face_recog_dist_threshold:
            return self._known(face, nearest)
        if unknown is not None:
            unknown.keep(image, face.box)
        return self._stranger(face, nearest)

    def _known(self, face: FaceBox, nearest: Nearest) -> Detection:
        return Detection(
            label=nearest.person,
            confidence=known_confidence(nearest.distance, self._face.face_recog_dist_threshold),
            box=face.box,
            model=self.name,
            kind=self.kind,
            attributes={
                "distance": round(nearest.distance, 4),
                "picture": nearest.source,
                "score": round(face.score, 4),
            },
        )

    def _stranger(self, face: FaceBox, nearest: Nearest | None) -> Detection:
        attributes: dict[str, str | float | int | bool] = {"score": round(face.score, 4)}
        distance = math.inf
        if nearest is not None:
            distance = nearest.distance
            attributes["distance"] = round(distance, 4)
            log.debug("an unknown face; %s is nearest, %.3f away", nearest.source, distance)
        return Detection(
            label=self._face.unknown_face_name,
            confidence=unknown_confidence(
                distance, self._face.face_recog_dist_threshold, face.certainty
            ),
            box=face.box,
            model=self.name,
            kind=self.kind,
            attributes=attributes,
        )


STEEPNESS = 4


def known_confidence(distance: float, threshold: float) -> float:
    """Return how sure we are that this is the known person: 1 / (1 + (distance / threshold)^4).

    1 at distance 0, 0.5 at the threshold, and falling towards 0 beyond it.
    """
    return 1 / (1 + (distance / threshold) ** STEEPNESS)


def unknown_confidence(distance: float, threshold: float, certainty: float) -> float:
    """Return how sure we are that this is a face, and nobody we know.

    That is the finder's `certainty` (0..1) times what `known_confidence` leaves over for the
    nearest known person; `distance` is infinite when nobody is known.
    """
    return certainty * (1 - known_confidence(distance, threshold))


# -- the faces of strangers, kept as pictures -----------------------------------------------------

_NAME = re.compile(r"\d{8}-\d{6}\.\d{6}-[0-9a-f]{8}\.jpg")


class UnknownFaces:
    """A folder of at most `unknown_faces_max_files` pictures, the oldest of which go first.

    A name is the time in UTC, so that names sort by time even when clocks change, and eight
    random digits: `20261121-083012.123456-1a2b3c4d.jpg`. Other files are never touched.
    """

    def __init__(self, face: Face) -> None:
        self._folder = Path(face.unknown_images_path)
        self._leeway = face.save_unknown_faces_leeway_pixels
        self._most = face.unknown_faces_max_files

    def keep(self, image: npt.NDArray[np.uint8], box: Box) -> Path | None:
        """Save the face and what is around it; a failure is logged, and None returned."""
        path = self._folder / _name()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            atomic.write(path, _jpeg(_cut(image, box, self._leeway)))
            self._remove_oldest()
        except OSError as error:
            log.warning(
                "an unknown face cannot be kept in %s: %s", self._folder, error.strerror or error
            )
            return None
        log.debug("an unknown face is kept in %s", path)
        return path

    def _remove_oldest(self) -> None:
        names = sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        for name in names[: -self._most]:
            (self._folder / name).unlink(missing_ok=True)


def _name() -> str:
    now = datetime.now(timezone.utc)
    return f"{now:%Y%m%d-%H%M%S.%f}-{secrets.token_hex(4)}.jpg"


def _cut(image: npt.NDArray[np.uint8], box: Box, leeway: int) -> npt.NDArray[np.uint8]:
    top, left = max(0, box.y1 - leeway), max(0, box.x1 - leeway)
    return image[top : box.y2 + leeway, left : box.x2 + leeway]


def _jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", image)[1])
