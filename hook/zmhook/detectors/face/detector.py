"""The face detector of the chain: who is in the picture."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Literal

from zmhook.detection import Detection
from zmhook.detectors.face import confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.encoder import Encoder
    from zmhook.detectors.face.finders import Finder, Found
    from zmhook.detectors.face.freshness import FreshFaces
    from zmhook.detectors.face.known import KnownFaces, Nearest
    from zmhook.detectors.face.unknown import UnknownFaces
    from zmhook.event import Frame
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class FaceDetector:
    """Finds faces and names the people they belong to.

    The label is the person's folder name or `unknown_face_name`; the confidence follows from the
    distance to the nearest known picture (`confidence`). Attributes: `distance`, `picture` (the
    nearest known one, relative; known people only) and `score` (the finder's).
    """

    name = "face"
    kind: Literal["face"] = "face"
    requires: frozenset[str] = frozenset()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._face = settings.face
        self._finder: Finder | None = None
        self._encoder: Encoder | None = None
        self._fresh: FreshFaces | None = None
        self._unknown: UnknownFaces | None = None

    def load(self) -> None:
        """Load the finder; raises `DetectorError`, also for parts that only a found face needs."""
        from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, load_dlib, model_file
        from zmhook.detectors.face.finders import make_finder
        from zmhook.detectors.face.freshness import FreshFaces
        from zmhook.detectors.face.training import hog_cache
        from zmhook.detectors.face.unknown import UnknownFaces

        load_dlib()
        for needed in (LANDMARKS, ENCODER):
            model_file(needed)
        self._finder = make_finder(self._face.face_model, self._face, hog_cache(self._settings))
        self._fresh = FreshFaces(self._settings)
        self._unknown = UnknownFaces(self._face) if self._face.save_unknown_faces else None

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return the faces in each frame, surest first; raises `DetectorError`."""
        if self._finder is None:
            self.load()
        return [self._detect(frame.image) for frame in frames]

    def close(self) -> None:
        self._finder = self._encoder = self._fresh = self._unknown = None

    def _detect(self, image: npt.NDArray[np.uint8]) -> list[Detection]:
        assert self._finder is not None  # noqa: S101 - `detect` has loaded it
        assert self._fresh is not None  # noqa: S101
        faces = self._finder.find(image)
        if not faces:
            return []
        known = self._fresh.current()
        found = [self._name(image, face, self._nearest(image, face, known)) for face in faces]
        return sorted(found, key=lambda one: one.confidence, reverse=True)

    def _nearest(
        self, image: npt.NDArray[np.uint8], face: Found, known: KnownFaces
    ) -> Nearest | None:
        if not len(known):
            return None
        if self._encoder is None:
            from zmhook.detectors.face.encoder import Encoder

            self._encoder = Encoder(self._face.face_num_jitters)
        return known.nearest(self._encoder.encode(image, face))

    def _name(
        self, image: npt.NDArray[np.uint8], face: Found, nearest: Nearest | None
    ) -> Detection:
        threshold = self._face.face_recog_dist_threshold
        if nearest is None or nearest.distance > threshold:
            return self._stranger(image, face, nearest)
        return Detection(
            label=nearest.person,
            confidence=confidence.of_known(nearest.distance, threshold),
            box=face.box,
            model=self.name,
            kind=self.kind,
            attributes={
                "distance": round(nearest.distance, 4),
                "picture": nearest.source,
                "score": round(face.score, 4),
            },
        )

    def _stranger(
        self, image: npt.NDArray[np.uint8], face: Found, nearest: Nearest | None
    ) -> Detection:
        attributes: dict[str, str | float | int | bool] = {"score": round(face.score, 4)}
        distance = math.inf
        if nearest is not None:
            distance = nearest.distance
            attributes["distance"] = round(distance, 4)
            log.debug("an unknown face; %s is nearest, %.3f away", nearest.source, distance)
        if self._unknown is not None:
            self._unknown.keep(image, face.box)
        threshold = self._face.face_recog_dist_threshold
        return Detection(
            label=self._face.unknown_face_name,
            confidence=confidence.of_unknown(distance, threshold, face.certainty),
            box=face.box,
            model=self.name,
            kind=self.kind,
            attributes=attributes,
        )
