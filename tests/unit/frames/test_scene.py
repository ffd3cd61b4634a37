"""The place of a snapshot in the scene, and what its camera says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.frame import Crop
from zmhook.frames.scene import crop_of
from zmhook.frames.window import Window
from zmhook.snapshots.snapshot import Classification, SceneBox, StoredSnapshot

NO_SIZE = Window(0.0)


def row(**more: object) -> StoredSnapshot:
    given = {
        "number": 5,
        "file": "0000/image_00005_Human.jpg",
        "size": 1000,
        "sha256": "0" * 64,
        "camera": "front",
        "topic": "t",
        "format": "f",
        "track_id": "t1",
        "taken": 0.0,
        "received": 0.0,
        "label": "Human",
        "score": 0.75,
        "crop": SceneBox(0.25, 0.5, 0.5, 0.75),
        **more,
    }
    return StoredSnapshot(**given)


def test_the_scene_has_the_size_that_the_crop_was_cut_from() -> None:
    crop = crop_of(row(), 480, 270, NO_SIZE)
    assert (crop.width, crop.height) == (1920, 1080)
    assert crop.box == Box(480, 540, 960, 810)
    assert crop.located


def test_the_events_size_where_it_is_known() -> None:
    """ZoneMinder records a smaller stream of the same camera; zones are in its pixels."""
    crop = crop_of(row(), 480, 270, Window(0.0, None, 640, 360))
    assert (crop.width, crop.height) == (640, 360)
    assert crop.box == Box(160, 180, 320, 270)


@pytest.mark.parametrize("size", [(640, 480), (1080, 1920)])
def test_an_event_of_another_shape_is_another_view(size: tuple[int, int]) -> None:
    crop = crop_of(row(), 480, 270, Window(0.0, None, *size))
    assert (crop.width, crop.height) == (1920, 1080)


def test_a_small_crop_cannot_tell_the_shape_so_well() -> None:
    tiny = SceneBox(0.5, 0.5, 0.5 + 10.4 / 1920, 0.5 + 9.6 / 1080)
    crop = crop_of(row(crop=tiny), 10, 10, Window(0.0, None, 1920, 1080))
    assert (crop.width, crop.height) == (1920, 1080)


@pytest.mark.parametrize(
    "crop",
    [
        None,
        SceneBox(0.5, 0.5, 0.5, 0.9),
        SceneBox(0.9, 0.5, 0.1, 0.9),
        SceneBox(0.5, 0.5, 0.500001, 0.500001),
        SceneBox(0.0, 0.0, 900.0, 900.0),
    ],
)
def test_a_picture_whose_place_is_not_told_is_its_own_scene(crop: SceneBox | None) -> None:
    found = crop_of(row(crop=crop, box=SceneBox(0.5, 0.5, 0.6, 0.6)), 480, 270, NO_SIZE)
    everything = Box(0, 0, 480, 270)
    assert (found.box, found.width, found.height, found.located) == (everything, 480, 270, False)
    assert found.source is not None
    assert (found.source.label, found.source.box) == ("person", everything)


def test_what_the_camera_says() -> None:
    said = crop_of(
        row(
            box=SceneBox(0.3, 0.55, 0.45, 0.7),
            colours=("red", "black"),
            classes=(Classification("Human", 0.75), Classification("Car", 0.2)),
            attributes={"hat": "yes", "camera": "another"},
        ),
        480,
        270,
        NO_SIZE,
    ).source
    assert said == Detection(
        label="person",
        confidence=0.75,
        box=Box(576, 594, 864, 756),
        model="camera",
        attributes={
            "hat": "yes",
            "camera": "front",
            "camera_class": "Human",
            "track": "t1",
            "snapshot": 5,
            "colours": "red, black",
        },
    )


def test_a_class_without_box_and_score() -> None:
    said = crop_of(row(score=None), 480, 270, NO_SIZE).source
    assert said is not None
    assert (said.confidence, said.box) == (0.0, Box(480, 540, 960, 810))
    assert "colours" not in said.attributes


def test_no_class() -> None:
    assert crop_of(row(label="", score=None), 480, 270, NO_SIZE).source is None


shares = st.floats(-0.2, 1.2, allow_nan=False)
scene_boxes = st.builds(SceneBox, shares, shares, shares, shares)


@given(st.none() | scene_boxes, st.none() | scene_boxes, st.integers(1, 500), st.integers(1, 500))
def test_whatever_a_camera_sends_is_a_crop(
    crop: SceneBox | None, box: SceneBox | None, width: int, height: int
) -> None:
    found = crop_of(row(crop=crop, box=box), width, height, Window(0.0, None, 1280, 720))
    assert within(found.box, found)
    assert found.source is not None
    assert within(found.source.box, found)


def within(box: Box, crop: Crop) -> bool:
    return 0 <= box.x1 < box.x2 <= crop.width and 0 <= box.y1 < box.y2 <= crop.height
