"""The copy of dlib's detector that spares each process its unpacking."""

from __future__ import annotations

from pathlib import Path

import dlib
import pytest

from zmhook.detectors.face.finders import hog
from zmhook.detectors.face.finders.hog import HogFinder
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
    monkeypatch.setattr(hog, "SUBDETECTORS", 4)
    HogFinder(FACE, str(tmp_path))
    assert made == [1]


def test_without_a_folder_for_it_the_detector_works_all_the_same(tmp_path, image):
    blocked = tmp_path / "file"
    blocked.write_text("")
    finder = HogFinder(FACE, str(blocked / "cache"))
    assert len(finder.find(image("two_people.jpg"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
