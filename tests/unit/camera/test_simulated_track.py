"""Tracks through photos."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from zmhook.camera.simulated_track import SimulatedTrack, cut, photos, tracks
from zmhook.errors import CameraError, FrameError
from zmhook.image.header import read_header
from zmhook.snapshots.snapshot import SceneBox


def some(files: list[Path], count: int, **known: Any) -> list[SimulatedTrack]:
    seen = tracks(files, random.Random(1), count, lambda: 1e9, **known)
    return [track for together in seen for track in together]


def test_each_photo_has_its_turn(photo: Callable[[str], Path]) -> None:
    found = some([photo("dog.jpg"), photo("person.jpg")], 4, label="Car")
    assert len(found) == 4
    assert all(read_header(one.picture) for one in found)
    assert len({one.track_id for one in found}) == 4


def test_the_same_dice_cut_the_same(photo: Callable[[str], Path]) -> None:
    assert some([photo("dog.jpg")], 3) == some([photo("dog.jpg")], 3)


def test_a_cut_shows_that_part_of_the_scene() -> None:
    scene = np.zeros((100, 200, 3), np.uint8)
    scene[20:60, 50:150] = (0, 0, 255)
    picture = cv2.imdecode(
        np.frombuffer(cut(scene, SceneBox(0.25, 0.2, 0.75, 0.6)), np.uint8), cv2.IMREAD_COLOR
    )
    assert picture.shape == (40, 100, 3)
    assert picture[:, :, 2].min() > 200


@pytest.mark.parametrize(
    "crop", [SceneBox(0.999, 0.999, 1.0, 1.0), SceneBox(0.0, 0.0, 0.001, 0.001)]
)
def test_no_cut_is_too_small_to_see_something(crop: SceneBox) -> None:
    header = read_header(cut(np.zeros((100, 200, 3), np.uint8), crop))
    assert header
    assert (header.width, header.height) == (24, 24)


def test_a_tiny_photo_is_cut_as_a_whole() -> None:
    header = read_header(cut(np.zeros((10, 12, 3), np.uint8), SceneBox(0.4, 0.4, 0.5, 0.5)))
    assert header
    assert (header.width, header.height) == (12, 10)


def test_photos_of_a_folder_come_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.jpg").mkdir()
    assert [one.name for one in photos([str(tmp_path)])] == ["a.jpg", "b.PNG"]


def test_paths_without_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no such file or folder"):
        photos([str(tmp_path / "nowhere")])
    with pytest.raises(CameraError, match="there are no pictures"):
        photos([str(tmp_path)])


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_text("hello")
    with pytest.raises(FrameError, match=r"a\.jpg"):
        some([file], 1)
