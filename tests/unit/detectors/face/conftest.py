"""Portraits, and what the models make of them, worked out once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from zmhook.detectors.face.encoding import Encoder
from zmhook.detectors.face.finders import FaceBox, Finder, make_finder
from zmhook.settings import Face, General, Settings

Image = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def image(photo: Callable[[str], Path]) -> Callable[..., Image]:
    """Read a photo, reduced to `width` pixels when given."""

    def read(name: str, width: int | None = None) -> Image:
        picture = cv2.imread(str(photo(name)))
        if width is None:
            return picture
        height = round(picture.shape[0] * width / picture.shape[1])
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)

    return read


@pytest.fixture(scope="session")
def yunet(model: Callable[[str], Path]) -> str:
    return str(model("face_detection_yunet_2023mar.onnx"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def hog_finder(cache: str) -> Finder:
    return make_finder("hog", Face(face_upsample_times=0), cache)


@pytest.fixture(scope="session")
def yunet_finder(yunet: str) -> Finder:
    return make_finder("yunet", Face(face_yunet_model=yunet))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="session")
def largest() -> Callable[[list[FaceBox]], FaceBox]:
    return lambda faces: max(faces, key=lambda face: face.box.area)


@pytest.fixture(scope="session")
def encodings(
    image: Callable[..., Image], hog_finder: Finder, encoder: Encoder
) -> dict[str, npt.NDArray[np.float64]]:
    """The encodings of the portraits that show one person."""
    found = {}
    for name in ("obama", "obama2", "biden", "obama_partial_face"):
        picture = image(f"{name}.jpg")
        found[name] = encoder.encode(picture, hog_finder.find(picture)[0])
    return found


@pytest.fixture
def known_faces(tmp_path: Path, photo: Callable[[str], Path]) -> Path:
    """Make a folder in which obama and biden have one picture each."""
    folder = tmp_path / "known_faces"
    for person in ("obama", "biden"):
        (folder / person).mkdir(parents=True)
        small = cv2.resize(cv2.imread(str(photo(f"{person}.jpg"))), None, fx=0.5, fy=0.5)
        cv2.imwrite(str(folder / person / "1.jpg"), small)
    return folder


@pytest.fixture
def settings(tmp_path: Path, cache: str, yunet: str) -> Callable[..., Settings]:
    """Settings whose folders are all under tmp_path; YuNet unless told otherwise."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "cache").symlink_to(cache)

    def make(deadline: float = 30.0, **face: object) -> Settings:
        given: dict[str, object] = {
            "face_model": "yunet",
            "face_train_model": "yunet",
            "face_yunet_model": yunet,
            "known_images_path": str(tmp_path / "known_faces"),
            "unknown_images_path": str(tmp_path / "unknown_faces"),
        }
        general = General(base_data_path=str(base), event_deadline=deadline)
        return Settings(general=general, face=Face(**(given | face)))  # type: ignore[arg-type]

    return make
