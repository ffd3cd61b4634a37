import pytest

from zmhook.snapshots.formats.boxes import box_of, nearest, scene_box
from zmhook.snapshots.snapshot import SceneBox


def box(left, top, right, bottom):
    return {"left": left, "top": top, "right": right, "bottom": bottom}


def test_a_box_is_left_top_right_bottom():
    assert scene_box(box(0.1, 0.2, 0.3, 0.4)) == SceneBox(0.1, 0.2, 0.3, 0.4)


def test_it_is_clipped_to_the_scene():
    assert scene_box(box(-0.5, -1, 1.5, 2)) == SceneBox(0, 0, 1, 1)


@pytest.mark.parametrize(
    "value",
    [
        box(0.3, 0.2, 0.1, 0.4),
        box(0.1, 0.4, 0.3, 0.2),
        box(0.1, 0.2, 0.1, 0.4),
        box(1.1, 0.2, 1.3, 0.4),
        box(-0.3, 0.2, -0.1, 0.4),
        box(0.1, 0.2, float("nan"), 0.4),
        box(0.1, 0.2, float("inf"), 0.4),
        box(0.1, 0.2, None, 0.4),
        box(0.1, 0.2, [], 0.4),
        {"left": 0.1},
        [0.1, 0.2, 0.3, 0.4],
        None,
        "x",
    ],
)
def test_one_that_is_none_is_left_out(value):
    assert scene_box(value) is None


def test_the_first_of_the_names_that_has_one():
    content = {"crop_box": None, "bounding_box": box(0.1, 0.2, 0.3, 0.4)}
    assert box_of(content, "crop_box", "bounding_box") == SceneBox(0.1, 0.2, 0.3, 0.4)
    assert box_of({}, "crop_box") is None


def path(*boxes):
    return [{"timestamp": place, "bounding_box": one} for place, one in enumerate(boxes)]


@pytest.mark.parametrize(
    ("crop", "timestamp"),
    [
        (SceneBox(0.08, 0.08, 0.32, 0.32), 0),  # with the margin of a tenth on each side
        (SceneBox(0.1, 0.1, 0.3, 0.3), 0),  # without
        (SceneBox(0.78, 0.78, 1.0, 1.0), 2),  # at the scene's edge, cut off
    ],
)
def test_the_crop_is_a_boxes_with_a_margin_or_without(crop, timestamp):
    boxes = path(box(0.1, 0.1, 0.3, 0.3), box(0.12, 0.1, 0.32, 0.3), box(0.8, 0.8, 0.999, 0.999))
    assert nearest(boxes, crop).timestamp == timestamp


def test_a_path_without_boxes_has_no_nearest():
    assert nearest([], SceneBox(0, 0, 1, 1)) is None
    assert nearest(path(None, box(1, 1, 0, 0)), SceneBox(0, 0, 1, 1)) is None
