from __future__ import annotations

import logging
import math
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from zmhook.detection import Box
from zmhook.detectors.base import find
from zmhook.detectors.face import encoding
from zmhook.detectors.face.detector import (
    FaceDetector,
    UnknownFaces,
    known_confidence,
    unknown_confidence,
)
from zmhook.errors import MissingPart
from zmhook.frame import Frame
from zmhook.settings import Face, Settings


@pytest.fixture
def detect(settings, image, known_faces):
    """Look at a photo with a detector of its own; returns the detections."""

    def run(name, width=None, **face):
        detector = FaceDetector(settings(**face))
        detector.load()
        (found,) = detector.detect([Frame(image(name, width), "snapshot", "test")])
        detector.close()
        return found

    return run


def test_it_is_what_models_calls_face():
    assert find("face") is FaceDetector
    assert FaceDetector.name == "face"
    assert FaceDetector(Settings()).requires == frozenset()


def test_it_may_wait_for_people_and_look_only_there():
    face = Face(face_pre_existing_labels=("person",), face_crop_to=("person", "dog"))
    detector = FaceDetector(Settings(face=face))
    assert detector.requires == {"person"}
    assert detector.crop_to == {"person", "dog"}


@pytest.mark.parametrize("way", ["hog", "yunet"])
def test_another_picture_of_a_known_person_is_that_person(detect, way):
    (found,) = detect("obama2.jpg", face_model=way)
    assert (found.label, found.kind, found.model) == ("obama", "face", "face")
    assert found.attributes["distance"] == pytest.approx(0.35, abs=0.05)
    assert found.attributes["picture"] == "obama/1.jpg"
    assert 0.8 < found.confidence < 0.95
    assert found.box.iou(Box(180, 270, 470, 590)) > 0.6


def test_cnn_names_the_same_person(detect):
    (found,) = detect("obama2.jpg", 300, face_model="cnn", face_upsample_times=0)
    assert found.label == "obama"


def test_somebody_else_is_unknown(detect, known_faces, tmp_path, caplog):
    (known_faces / "biden" / "1.jpg").unlink()
    with caplog.at_level(logging.DEBUG, "zmhook"):
        (found,) = detect("biden.jpg", 500)
    assert found.label == "unknown face"
    assert found.attributes["distance"] > 0.7
    assert "picture" not in found.attributes
    assert 0.6 < found.confidence < 0.9
    assert "obama/1.jpg is nearest" in caplog.text
    assert len(list((tmp_path / "unknown_faces").iterdir())) == 1


def test_two_people_are_both_named_surest_first(detect):
    found = detect("two_people.jpg")
    assert {one.label for one in found} == {"obama", "biden"}
    assert found[0].confidence >= found[1].confidence
    (obama,) = [one for one in found if one.label == "obama"]
    assert obama.box.x2 < 563


def test_a_face_of_50_pixels_is_known(detect):
    for face in ({"face_model": "yunet"}, {"face_model": "hog", "face_upsample_times": 1}):
        (found,) = detect("obama2.jpg", round(626 * 50 / 290), **face)
        assert found.label == "obama"


def test_half_a_face_is_known(detect):
    (found,) = detect("obama_partial_face.jpg")
    assert found.label == "obama"
    assert found.box.x1 == 0


def test_no_face_needs_no_known_people_and_no_encoder(detect, known_faces, monkeypatch):
    monkeypatch.setattr(encoding, "Encoder", None)
    assert detect("dog.jpg") == []
    assert not (known_faces / "faces.npz").exists()


def test_a_stricter_threshold_makes_strangers(detect):
    (found,) = detect("obama2.jpg", face_recog_dist_threshold=0.2)
    assert found.label == "unknown face"


def test_where_nobody_is_known_the_finder_says_how_sure_it_is(detect, tmp_path, known_faces):
    (found,) = detect("obama.jpg", known_images_path=str(tmp_path / "none"), unknown_face_name="x")
    assert found.label == "x"
    assert found.confidence == pytest.approx(found.attributes["score"], abs=1e-3)
    assert "distance" not in found.attributes


def test_strangers_are_kept_only_when_asked(detect, tmp_path):
    detect("obama2.jpg", face_recog_dist_threshold=0.2, save_unknown_faces=False)
    assert not (tmp_path / "unknown_faces").exists()


def test_that_a_stranger_cannot_be_kept_changes_nothing(detect, tmp_path, caplog):
    (tmp_path / "unknown_faces").write_text("")
    with caplog.at_level(logging.WARNING, "zmhook"):
        (found,) = detect("obama2.jpg", face_recog_dist_threshold=0.2)
    assert found.label == "unknown face"
    assert "cannot be kept" in caplog.text


def test_each_frame_has_its_own_answer(settings, image, known_faces):
    detector = FaceDetector(settings())
    names = ("dog.jpg", "obama.jpg", "biden.jpg")
    detector.load()
    found = detector.detect([Frame(image(name, 400), "1", name) for name in names])
    assert [[one.label for one in each] for each in found] == [[], ["obama"], ["biden"]]


def test_detections_are_plain_data(detect):
    assert json.decode(json.encode(detect("two_people.jpg")))


def test_a_person_whose_folder_is_not_utf8_can_be_told(detect, known_faces):
    import os

    (known_faces / "obama").rename(known_faces / os.fsdecode(b"b\xf6b"))
    (found,) = detect("obama2.jpg")
    assert found.label == "b\ufffdb"
    json.encode(found)


def test_close_may_be_called_twice_and_detect_loads_again(settings, image, known_faces):
    detector = FaceDetector(settings())
    detector.load()
    detector.close()
    detector.close()
    assert len(detector.detect([Frame(image("obama.jpg", 400), "1", "x")])[0]) == 1


def test_without_dlib_load_names_the_extra_even_with_yunet(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingPart, match=r"\.\[face\]"):
        FaceDetector(settings()).load()


def test_making_one_imports_nothing_heavy(root):
    import subprocess

    code = (
        "import sys\n"
        "from zmhook.detectors.face.detector import FaceDetector\n"
        "from zmhook.settings import Settings\n"
        "FaceDetector(Settings())\n"
        "print(sorted({'numpy', 'cv2', 'dlib'} & set(sys.modules)))\n"
    )
    env = {"PYTHONPATH": str(root / "hook")}
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, env=env, capture_output=True, check=True).stdout == b"[]\n"


distances = st.floats(0, 2)
thresholds = st.floats(0.01, 2)


def test_the_documented_points():
    assert known_confidence(0, 0.6) == 1
    assert known_confidence(0.6, 0.6) == 0.5
    assert known_confidence(math.inf, 0.6) == 0
    assert known_confidence(0.3, 0.6) == pytest.approx(0.94, abs=0.005)
    assert known_confidence(0.5, 0.6) == pytest.approx(0.67, abs=0.01)
    assert unknown_confidence(0.7, 0.6, 1) == pytest.approx(0.65, abs=0.005)
    assert unknown_confidence(0.9, 0.6, 1) == pytest.approx(0.83, abs=0.01)


@given(distances, distances, thresholds)
def test_a_larger_distance_never_makes_us_surer(one, other, threshold):
    near, far = sorted((one, other))
    assert 0 <= known_confidence(far, threshold) <= known_confidence(near, threshold) <= 1
    assert (
        unknown_confidence(near, threshold, 0.9) <= unknown_confidence(far, threshold, 0.9) <= 0.9
    )


def test_where_nobody_is_known_the_finder_has_the_word():
    assert unknown_confidence(math.inf, 0.6, 0.87) == 0.87


BOX = Box(100, 80, 160, 150)


@pytest.fixture
def picture():
    gradient = np.arange(200 * 300, dtype=np.uint32).reshape(200, 300) // 300
    return np.dstack([gradient, gradient, gradient]).astype(np.uint8)


def make(folder, **face):
    return UnknownFaces(Face(unknown_images_path=str(folder), **face))


def test_the_face_and_the_leeway_around_it_are_kept(tmp_path, picture):
    path = make(tmp_path / "new" / "folder", save_unknown_faces_leeway_pixels=10).keep(picture, BOX)
    kept = cv2.imread(str(path))
    assert kept.shape == (90, 80, 3)
    assert abs(int(kept[0, 0, 0]) - 70) <= 3  # the row it was cut at


def test_the_leeway_ends_at_the_pictures_edge(tmp_path, picture):
    path = make(tmp_path, save_unknown_faces_leeway_pixels=500).keep(picture, BOX)
    assert cv2.imread(str(path)).shape == (200, 300, 3)


def test_names_sort_by_time_and_are_never_the_same(tmp_path, picture):
    unknown = make(tmp_path)
    names = [unknown.keep(picture, BOX).name for _ in range(5)]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"\d{8}-\d{6}\.\d{6}-[0-9a-f]{8}\.jpg", name) for name in names)
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_the_oldest_are_removed_and_nothing_else(tmp_path, picture):
    others = ["Jan01-10h00m00s-old.jpg", "notes.txt"]
    for name in others:
        (tmp_path / name).write_text("")
    old = [f"2020010{day}-000000.000000-00000000.jpg" for day in (1, 2, 3)]
    for name in old:
        (tmp_path / name).write_text("")
    path = make(tmp_path, unknown_faces_max_files=2).keep(picture, BOX)
    assert {one.name for one in tmp_path.iterdir()} == {*others, old[2], path.name}


def test_a_folder_that_cannot_be_made_is_one_warning(tmp_path, picture, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, "zmhook"):
        assert make(tmp_path / "file" / "x").keep(picture, BOX) is None
    (record,) = caplog.records
    assert "an unknown face cannot be kept in" in record.getMessage()
    assert "Not a directory" in record.getMessage()


def test_a_full_disk_is_one_warning_and_leaves_nothing(tmp_path, picture, caplog):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("needs root, to mount a full disk")
    try:
        noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
        with caplog.at_level(logging.WARNING, "zmhook"):
            assert make(tmp_path).keep(noise, Box(0, 0, 400, 400)) is None
        (record,) = caplog.records
        assert "No space left on device" in record.getMessage()
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
