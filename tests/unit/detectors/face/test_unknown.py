from __future__ import annotations

import logging
import re
import subprocess

import cv2
import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.face.unknown import UnknownFaces
from zmhook.settings import Face

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
