"""The copy of dlib's detector that spares each process its unpacking."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest

from zmhook.detectors.face.finders import dlib_finders
from zmhook.detectors.face.finders.dlib_finders import CNN_MAX_PIXELS, CnnFinder, HogFinder
from zmhook.settings import Face

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
    monkeypatch.setattr(dlib_finders, "SUBDETECTORS", 4)
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
from zmhook.detectors.face.finders.dlib_finders import CnnFinder
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
    assert shape[0] * shape[1] <= CNN_MAX_PIXELS
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
