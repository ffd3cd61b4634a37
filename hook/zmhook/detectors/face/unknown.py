"""The faces of strangers, kept as pictures."""

from __future__ import annotations

import logging
import re
import secrets
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.storage import atomic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detection import Box
    from zmhook.settings import Face

_NAME = re.compile(r"\d{8}-\d{6}\.\d{6}-[0-9a-f]{8}\.jpg")

log = logging.getLogger(__name__)


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
