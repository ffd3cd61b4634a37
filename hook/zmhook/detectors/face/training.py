"""Pictures of known people → encodings, without looking twice at what has not changed."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detectors.face.encoding import NAME, Encoder
from zmhook.detectors.face.finders import make_finder
from zmhook.detectors.face.store import FaceEntries, FaceEntry
from zmhook.errors import PictureError
from zmhook.image.decode import decode
from zmhook.image.header import MAX_BYTES
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.finders import FaceBox, Finder
    from zmhook.detectors.face.pictures import KnownPicture
    from zmhook.settings import Settings

LEAST_WIDTH = 40
"""Pixels. A face of 40 is about 0.03 further from the person's other pictures than a large one,
one of 20 about 0.15, a quarter of the usual threshold."""
SAVE_EVERY = 5.0
"""Seconds between two saves, so that a process that is ended has not worked for nothing."""

log = logging.getLogger(__name__)


class Rejected(Exception):
    """A picture that cannot be used; the text says why. Does not leave this module."""


class Trained(NamedTuple):
    """The entries by path, and counts of pictures.

    `encoded` were encoded now, `rejected` were rejected now, `examined` are both without those
    that could not be read, `left` are left for another time.
    """

    entries: FaceEntries
    examined: int
    left: int
    encoded: int = 0
    rejected: int = 0


class EarlierEntries:
    """The entries of the last training, by path and by content."""

    def __init__(self, entries: Iterable[FaceEntry]) -> None:
        hashed = [entry for entry in entries if entry.sha256]
        self._by_path = {entry.path: entry for entry in hashed}
        self._by_hash = {entry.sha256: entry for entry in hashed}

    def unchanged(self, picture: KnownPicture) -> FaceEntry | None:
        entry = self._by_path.get(picture.path)
        return entry if entry is not None and entry[:3] == picture else None

    def same_content(self, digest: str, picture: KnownPicture) -> FaceEntry | None:
        """Find a picture that was copied, moved to another person, or only touched."""
        entry = self._by_hash.get(digest)
        return entry and entry._replace(**picture._asdict())


class Trainer:
    """Looks at pictures of known people. dlib is loaded when the first new picture comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tools: tuple[Finder, Encoder] | None = None
        self._examined = self._encoded = self._rejected = 0
        self.recipe = _recipe(settings)

    def train(
        self,
        folder: Path,
        pictures: Mapping[str, KnownPicture],
        known: FaceEntries,
        *,
        seconds: float = math.inf,
        same_recipe: bool = False,
        progress: Callable[[KnownPicture], None] = lambda _: None,
        save: Callable[[FaceEntries], None] = lambda _: None,
    ) -> Trained:
        """Return an entry per picture; what is in `known` already is not looked at again.

        With `same_recipe`, what was looked at with other settings is. `seconds` bounds the time:
        pictures that are left keep the entry they had. `save` is given the entries so far every
        few seconds. Raises `DetectorError` when a model cannot be used.
        """
        memory = EarlierEntries(
            entry for entry in known.values() if not same_recipe or entry.recipe == self.recipe
        )
        entries = {path: entry for path, entry in known.items() if path in pictures}
        end, saved = time.monotonic() + seconds, time.monotonic()
        self._examined = self._encoded = self._rejected = 0
        for done, picture in enumerate(pictures.values()):
            if time.monotonic() > end:
                return self._trained(entries, len(pictures) - done)
            entry = memory.unchanged(picture) or self._entry(folder, picture, memory)
            entries[picture.path] = entry
            progress(picture)
            if time.monotonic() - saved > SAVE_EVERY:
                save(entries)
                saved = time.monotonic()
        return self._trained(entries, 0)

    def _trained(self, entries: FaceEntries, left: int) -> Trained:
        return Trained(entries, self._examined, left, self._encoded, self._rejected)

    def _entry(self, folder: Path, picture: KnownPicture, memory: EarlierEntries) -> FaceEntry:
        try:
            data = read(folder / picture.path, MAX_BYTES, follow=True)
        except OSError as error:
            log.warning("%s is passed over: %s", folder / picture.path, error.strerror)
            self._rejected += 1
            # Without a hash it is tried again the next time: a permission leaves no trace.
            return FaceEntry(*picture, "", self.recipe, f"unreadable: {error.strerror}", None)
        digest = hashlib.sha256(data).hexdigest()
        same = memory.same_content(digest, picture)
        if same is not None:
            return same
        self._examined += 1
        encoding, reason = self._encode(data, picture)
        self._encoded += not reason
        self._rejected += bool(reason)
        log.debug("%s: %s", picture.path, reason or "encoded")
        return FaceEntry(*picture, digest, self.recipe, reason, encoding)

    def _encode(
        self, data: bytes, picture: KnownPicture
    ) -> tuple[npt.NDArray[np.float32] | None, str]:
        try:
            most = self._settings.general.max_picture_pixels
            image = decode(data, picture.path, most)
            finder, encoder = self._loaded()
            face = _only_face(finder, image)
        except PictureError as error:
            return None, f"unreadable: {str(error).removeprefix(f'{picture.path}: ')}"
        except Rejected as error:
            return None, str(error)
        return encoder.encode(image, face).astype("float32"), ""

    def _loaded(self) -> tuple[Finder, Encoder]:
        if self._tools is None:
            face = self._settings.face
            cache = hog_cache(self._settings)
            finder = make_finder(face.face_train_model, face, cache)
            self._tools = finder, Encoder(face.face_num_jitters)
        return self._tools


def hog_cache(settings: Settings) -> str:
    """Return the folder of what is slow to make, "" where our data folder does not exist."""
    base = Path(settings.general.base_data_path)
    return str(base / "cache") if base.is_dir() else ""


def _recipe(settings: Settings) -> str:
    """Describe everything that decides what an encoding is."""
    face = settings.face
    parts = [face.face_train_model, f"size={face.face_max_size}", NAME]
    if face.face_train_model == "yunet":
        parts.append(f"min={face.face_min_confidence:g}")
    else:
        parts.append(f"upsample={face.face_upsample_times}")
    if face.face_num_jitters > 1:
        parts.append(f"jitters={face.face_num_jitters}")
    return " ".join(parts)


def _only_face(finder: Finder, image: npt.NDArray[np.uint8]) -> FaceBox:
    height, width = image.shape[:2]
    if min(height, width) < LEAST_WIDTH:
        raise Rejected(f"too small: the picture is {width}x{height} pixels")
    faces = finder.find(image)
    if not faces:
        raise Rejected("no face")
    if len(faces) > 1:
        raise Rejected("two faces" if len(faces) == 2 else f"{len(faces)} faces")  # noqa: PLR2004
    if faces[0].box.width < LEAST_WIDTH:
        raise Rejected(
            f"too small: the face is {faces[0].box.width} pixels wide, {LEAST_WIDTH} are needed"
        )
    return faces[0]
