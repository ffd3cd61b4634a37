from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.face import finders
from zmhook.detectors.face.finders import (
    CnnFinder,
    HogFinder,
    YunetFinder,
    factor,
    make_finder,
    scaled,
)
from zmhook.errors import DetectorError, ModelFileError
from zmhook.settings import Face


def test_a_small_picture_keeps_its_size():
    assert factor(640, 480, 1600) == 1


def test_the_longest_side_is_reduced():
    assert factor(3200, 1800, 1600) == 0.5
    assert factor(1800, 3200, 1600) == 0.5


def test_upsampling_doubles_what_is_left():
    assert factor(640, 480, 1600, upsample=2) == 4
    assert factor(3200, 1800, 1600, upsample=1) == 1


@pytest.mark.parametrize("size", [(3840, 2160), (1920, 1080), (20000, 100)])
@pytest.mark.parametrize("upsample", [0, 1, 3])
def test_no_picture_gets_more_pixels_than_allowed(size, upsample):
    scale = factor(*size, 8000, upsample, 800_000)
    assert size[0] * scale * size[1] * scale <= 800_000 * 1.0001


def test_boxes_are_mapped_back_to_the_picture():
    small = scaled(np.zeros((1080, 1920, 3), np.uint8), 0.5)
    assert small.image.shape == (540, 960, 3)
    assert small.box(10, 20, 100, 200) == Box(20, 40, 200, 400)


def test_an_uneven_factor_is_mapped_back_by_the_real_sizes():
    small = scaled(np.zeros((101, 333, 3), np.uint8), 0.1)
    assert small.image.shape == (10, 33, 3)
    assert small.box(0, 0, 33, 10) == Box(0, 0, 333, 101)


def test_unchanged_size_hands_the_picture_on_as_it_is():
    picture = np.zeros((10, 20, 3), np.uint8)
    assert scaled(picture, 1.0).image is picture


def test_a_reduction_is_told_at_debug(caplog):
    with caplog.at_level(logging.DEBUG, "zmhook"):
        scaled(np.zeros((200, 400, 3), np.uint8), 0.5)
    assert "200x100 instead of 400x200" in caplog.text


# From YuNet and hog on the full pictures, which agree; x1, y1, x2, y2.
OBAMA = Box(366, 115, 620, 405)


@pytest.fixture(scope="session")
def cnn_finder():
    # Without upsampling it needs faces of 80 pixels, and a small picture takes it a second.
    return make_finder("cnn", Face(face_upsample_times=0, face_max_size=420))


def test_hog_yunet_and_cnn_find_the_same_face(image, hog_finder, yunet_finder, cnn_finder):
    picture = image("obama.jpg")
    boxes = []
    for finder in (hog_finder, yunet_finder, cnn_finder):
        (face,) = finder.find(picture)
        boxes.append(face.box)
        assert face.box.iou(OBAMA) > 0.7
        assert 0.5 < face.certainty <= 1
    assert boxes[0].iou(boxes[1]) > 0.6
    assert boxes[0].iou(boxes[2]) > 0.6
    assert boxes[1].iou(boxes[2]) > 0.6


@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder"])
def test_two_faces_are_found_surest_first(image, finder, request):
    faces = request.getfixturevalue(finder).find(image("two_people.jpg"))
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert sorted(face.box.x1 > 563 for face in faces) == [False, True]


@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder"])
def test_no_face_is_found_where_there_is_none(image, finder, request):
    assert request.getfixturevalue(finder).find(image("dog.jpg")) == []


def test_dlibs_square_from_yunets_box_is_hogs(image, hog_finder, yunet_finder):
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        picture = image(name)
        left, top, side = hog_finder.find(picture)[0].square
        left2, top2, side2 = yunet_finder.find(picture)[0].square
        hog = Box(round(left), round(top), round(left + side), round(top + side))
        yunet = Box(round(left2), round(top2), round(left2 + side2), round(top2 + side2))
        assert hog.iou(yunet) > 0.68


def test_a_face_over_the_edge_has_its_box_clipped_but_not_its_square(image, hog_finder):
    (face,) = hog_finder.find(image("obama_partial_face.jpg"))
    assert face.box.x1 == 0
    assert face.square[0] < -30


@pytest.fixture(scope="session")
def fifty_pixels(image):
    """obama.jpg so that his face, of 258 pixels, has 50."""
    return image("obama.jpg", width=round(910 * 50 / 258))


def test_a_face_of_50_pixels_needs_upsampling_with_hog(fifty_pixels, hog_finder, cache):
    assert hog_finder.find(fifty_pixels) == []
    (face,) = make_finder("hog", Face(face_upsample_times=1), cache).find(fifty_pixels)
    assert 40 <= face.box.width <= 62
    assert face.box.iou(Box(72, 22, 122, 80)) > 0.6


def test_a_face_of_50_pixels_is_found_by_yunet(fifty_pixels, yunet_finder):
    (face,) = yunet_finder.find(fifty_pixels)
    assert face.box.iou(Box(72, 22, 122, 80)) > 0.6


def test_face_max_size_reduces_what_is_searched_but_boxes_stay_in_the_picture(image, yunet):
    finder = make_finder("yunet", Face(face_yunet_model=yunet, face_max_size=320))
    (face,) = finder.find(image("obama.jpg"))
    assert face.box.iou(OBAMA) > 0.7


def test_face_min_confidence_is_the_least_score_of_yunet(image, yunet):
    strict = make_finder("yunet", Face(face_yunet_model=yunet, face_min_confidence=0.99))
    assert strict.find(image("obama.jpg")) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (8, 8), (19, 200)])
@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder", "cnn_finder"])
def test_a_tiny_picture_has_no_face(image, finder, size, request):
    width, height = size
    tiny = image("obama.jpg")[:height, :width]
    assert request.getfixturevalue(finder).find(tiny) == []


FACE = Face(face_upsample_times=0)


def kept(folder: Path) -> Path:
    return folder / f"frontal-face-dlib-{dlib.__version__}.svm"


def test_the_copy_finds_exactly_what_the_original_does(tmp_path, image):
    original = HogFinder(FACE, str(tmp_path))
    assert kept(tmp_path).is_file()
    copy = HogFinder(FACE, str(tmp_path))
    for name in ("obama.jpg", "two_people.jpg"):
        assert copy.find(image(name)) == original.find(image(name))


def test_the_copy_is_used(tmp_path, monkeypatch):
    HogFinder(FACE, str(tmp_path))
    monkeypatch.delattr(dlib, "get_frontal_face_detector")
    HogFinder(FACE, str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"<html>", None])
def test_a_damaged_copy_is_made_again(tmp_path, image, data):
    HogFinder(FACE, str(tmp_path))
    good = kept(tmp_path).read_bytes()
    kept(tmp_path).write_bytes(good[: len(good) // 2] if data is None else data)
    assert len(HogFinder(FACE, str(tmp_path)).find(image("two_people.jpg"))) == 2
    assert kept(tmp_path).read_bytes() == good


def test_a_copy_with_another_number_of_parts_is_made_again(tmp_path, monkeypatch):
    HogFinder(FACE, str(tmp_path))
    made = []
    original = dlib.get_frontal_face_detector
    monkeypatch.setattr(dlib, "get_frontal_face_detector", lambda: made.append(1) or original())
    monkeypatch.setattr(finders, "SUBDETECTORS", 4)
    HogFinder(FACE, str(tmp_path))
    assert made == [1]


def test_without_a_folder_for_it_the_detector_works_all_the_same(tmp_path, image):
    blocked = tmp_path / "file"
    blocked.write_text("")
    finder = HogFinder(FACE, str(blocked / "cache"))
    assert len(finder.find(image("two_people.jpg"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


GIGABYTE = 1_000_000

# Not getrusage: what it says of a new process begins at the size of the one that started it.
FOUR_K = """
import re, sys
from pathlib import Path
import cv2
from zmhook.detectors.face.finders import CnnFinder
from zmhook.settings import Face
picture = cv2.resize(cv2.imread(sys.argv[1]), (3840, 2160))
faces = CnnFinder(Face(face_max_size=8000, face_upsample_times=1)).find(picture)
status = Path("/proc/self/status").read_text()
print(len(faces), re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""


@pytest.mark.parametrize("size", [(3840, 2160), (1920, 1080), (1280, 720), (9000, 300)])
@pytest.mark.parametrize("upsample", [0, 1, 3])
def test_no_picture_is_given_to_it_with_more_pixels_than_its_memory_allows(size, upsample):
    seen = []
    finder = CnnFinder(Face(face_max_size=8000, face_upsample_times=upsample))
    finder._detector = lambda picture, times: seen.append((picture.shape, times)) or []
    finder.find(np.zeros((size[1], size[0], 3), np.uint8))
    ((shape, times),) = seen
    assert shape[0] * shape[1] <= CnnFinder.max_pixels
    assert times == 0


@pytest.mark.integration
def test_a_4k_picture_with_upsampling_stays_below_a_gigabyte(root, photo):
    done = subprocess.run(
        [sys.executable, "-c", FOUR_K, str(photo("two_people.jpg"))],
        env={"PYTHONPATH": str(root / "hook"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    faces, kilobytes = map(int, done.stdout.split())
    assert faces == 2
    assert kilobytes < GIGABYTE


def test_a_missing_file_names_the_setting_and_the_command(tmp_path):
    path = tmp_path / "yunet.onnx"
    with pytest.raises(ModelFileError) as raised:
        YunetFinder(Face(face_yunet_model=str(path)))
    message = str(raised.value)
    assert "face_yunet_model" in message
    assert str(path) in message
    assert "'sudo zmhook models get yunet'" in message


@pytest.mark.parametrize("data", [b"", b"<html></html>"])
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"face_yunet_model: .*yunet\.onnx") as raised:
        YunetFinder(Face(face_yunet_model=str(path)))
    assert "\n" not in str(raised.value)


def test_a_truncated_file_is_refused(tmp_path, yunet):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(Path(yunet).read_bytes()[:50_000])
    with pytest.raises(ModelFileError, match="not a YuNet file"):
        YunetFinder(Face(face_yunet_model=str(path)))


def test_an_onnx_file_of_another_network_is_refused(model):
    with pytest.raises(ModelFileError, match="not a YuNet file"):
        YunetFinder(Face(face_yunet_model=str(model("yolox_nano_416.onnx"))))


def test_what_opencv_raises_while_finding_becomes_one_line(yunet):
    finder = YunetFinder(Face(face_yunet_model=yunet))
    real = finder._detector

    class OfAnotherSize:
        def setInputSize(self, size):  # noqa: N802 - OpenCV's name
            real.setInputSize((32, 32))

        def detect(self, image):
            return real.detect(image)

    finder._detector = OfAnotherSize()
    with pytest.raises(DetectorError, match=r"with yunet failed: .*[Ss]ize") as raised:
        finder.find(np.zeros((100, 100, 3), np.uint8))
    assert "\n" not in str(raised.value)
