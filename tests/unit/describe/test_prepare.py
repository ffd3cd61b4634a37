from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.describe.description import DescriptionError
from zmhook.describe.prepare import Blur, upload
from zmhook.settings import Face


def test_there_is_nothing_but_pixels_in_it(image: np.ndarray) -> None:
    data = upload(image)
    assert b"Exif" not in data
    assert b"http" not in data
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == image.shape
    assert data == upload(image.copy())  # or no answer would be found again


def test_a_picture_that_no_jpeg_can_hold() -> None:
    with pytest.raises(DescriptionError, match="70000x1 pixels makes no JPEG"):
        upload(np.zeros((1, 70_000, 3), np.uint8))


@pytest.fixture(scope="module")
def yunet(model) -> str:
    return str(model("face_detection_yunet_2023mar.onnx"))


def portrait(photo) -> np.ndarray:
    return cv2.imread(str(photo("obama.jpg")))


def test_no_face_is_found_any_more(photo, yunet: str) -> None:
    from zmhook.detectors.face.finders import YunetFinder

    image = portrait(photo)
    before = image.copy()
    finder = YunetFinder(Face(face_yunet_model=yunet, face_min_confidence=0.4))
    faces = finder.find(image)
    assert faces

    blurred = Blur(Face(face_yunet_model=yunet)).blurred(image)

    assert finder.find(blurred) == []
    assert (image == before).all()  # the caller's own stays sharp
    box = faces[0].box
    outside = np.ones(image.shape[:2], bool)
    outside[
        max(0, box.y1 - box.height) : box.y2 + box.height,
        max(0, box.x1 - box.width) : box.x2 + box.width,
    ] = False
    assert (blurred[outside] == image[outside]).all()


def test_a_picture_without_faces_is_left_alone(image: np.ndarray, yunet: str) -> None:
    assert Blur(Face(face_yunet_model=yunet)).blurred(image) is image


def test_nothing_is_sent_when_faces_cannot_be_looked_for(image: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(
        DescriptionError, match=r"nothing is sent: .*sudo zmhook models get yunet"
    ) as told:
        Blur(Face(face_yunet_model=str(tmp_path / "none.onnx"))).blurred(image)
    assert told.value.short == "gemini skipped: faces cannot be blurred"
    (tmp_path / "other.onnx").write_bytes(b"no network")
    with pytest.raises(DescriptionError, match="is not a YuNet file"):
        Blur(Face(face_yunet_model=str(tmp_path / "other.onnx"))).blurred(image)
