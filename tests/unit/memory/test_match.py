"""Telling what was there before: by label and place, at any size and side of the picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.memory.match import iou, is_compared, match, match_all, reason
from zmhook.memory.past_object import PastObject
from zmhook.settings import Extent, Settings
from zmhook.settings.gate import LabelLimits

SIZE = (1000, 800)
Make = Callable[..., Settings]


def seen(x1: int, y1: int, x2: int, y2: int, label: str = "car", **fields) -> Detection:
    fields.setdefault("model", "yolo")
    return Detection(label=label, confidence=0.7, box=Box(x1, y1, x2, y2), **fields)


def past(x1: int, y1: int, x2: int, y2: int, label: str = "car", **fields) -> PastObject:
    fields = {"width": 1000, "height": 800, "first_seen": 0.0, "last_seen": 0.0, **fields}
    return PastObject(label=label, box=Box(x1, y1, x2, y2), **fields)


# -- by place ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "is_same"),
    [
        ((100, 100, 200, 200), True),
        ((103, 100, 203, 200), True),  # 3 % outside
        ((105, 100, 205, 200), True),  # just 5 %
        ((106, 100, 206, 200), False),
        ((100, 100, 194, 200), False),  # inside, but 6 % of the earlier one are outside
        ((300, 300, 400, 400), False),
        ((200, 100, 300, 200), False),  # edges touch
    ],
)
def test_by_the_part_outside(configured: Make, box: tuple[int, ...], is_same: bool) -> None:
    settings = configured(past_det_min_iou=0.0)
    known = past(100, 100, 200, 200)
    assert (match(seen(*box), SIZE, [known], settings) is known) == is_same


@pytest.mark.parametrize(("x", "is_same"), [(111, True), (112, True), (113, False)])
def test_by_overlap(configured: Make, x: int, is_same: bool) -> None:
    """88 of 112 columns are shared: 0.786."""
    settings = configured(past_det_min_iou=88 / 112, past_det_max_diff_area=Extent(0, "%"))
    found = match(seen(x, 100, x + 100, 200), SIZE, [past(100, 100, 200, 200)], settings)
    assert (found is not None) == is_same


@pytest.mark.parametrize(("limit", "is_same"), [(999, False), (1000, True)])
def test_by_pixels(configured: Make, limit: int, is_same: bool) -> None:
    settings = configured(past_det_min_iou=0.0, past_det_max_diff_area=Extent(limit, "px"))
    found = match(seen(110, 100, 210, 200), SIZE, [past(100, 100, 200, 200)], settings)
    assert (found is not None) == is_same


def test_what_shares_nothing_is_new_whatever_the_limit(configured: Make) -> None:
    settings = configured(past_det_min_iou=0.0, past_det_max_diff_area=Extent(100, "%"))
    assert match(seen(300, 300, 400, 400), SIZE, [past(0, 0, 100, 100)], settings) is None


def test_somebody_in_front_of_something_large_is_new(configured: Make) -> None:
    """All of the small box lies in the large one."""
    small, large = seen(140, 120, 170, 190, "person"), past(100, 100, 300, 300, "person")
    assert match(small, SIZE, [large], configured()) is None


def test_a_label_has_a_limit_of_its_own(configured: Make) -> None:
    settings = configured(
        labels={"car": LabelLimits(past_det_max_diff_area=Extent(20, "%"))}, past_det_min_iou=0.0
    )
    known = [past(100, 100, 200, 200), past(100, 100, 200, 200, "dog")]
    assert match(seen(115, 100, 215, 200), SIZE, known, settings) is known[0]
    assert match(seen(115, 100, 215, 200, "dog"), SIZE, known, settings) is None


def test_of_several_the_one_that_overlaps_most(configured: Make) -> None:
    known = [past(100, 100, 203, 200), past(100, 100, 200, 200), past(100, 100, 202, 200)]
    assert match(seen(100, 100, 200, 200), SIZE, known, configured()) is known[1]


# -- by label ------------------------------------------------------------------------------------


def test_another_label_is_another_thing(configured: Make) -> None:
    settings = configured(aliases=(("car", "truck"), ("bus", "truck")))
    here = (100, 100, 200, 200)
    assert match(seen(*here), SIZE, [past(*here, "dog")], settings) is None
    assert match(seen(*here), SIZE, [past(*here, "truck")], settings) is not None
    assert match(seen(*here, "truck"), SIZE, [past(*here, "bus")], settings) is not None
    assert match(seen(*here), SIZE, [past(*here, "bus")], settings) is None, "not by way of truck"


def test_capitals_do_not_matter(configured: Make) -> None:
    settings = configured(aliases=(("car", "truck"),))
    assert match(seen(0, 0, 9, 9, "Car"), SIZE, [past(0, 0, 9, 9, "TRUCK")], settings)


def test_what_rings_each_time_is_never_known(configured: Make) -> None:
    settings = configured(ignore_past_detection_labels=("person",))
    assert match(seen(0, 0, 9, 9, "Person"), SIZE, [past(0, 0, 9, 9, "person")], settings) is None
    assert match(seen(0, 0, 9, 9, "dog"), SIZE, [past(0, 0, 9, 9, "dog")], settings) is not None


def test_a_description_is_no_thing(configured: Make) -> None:
    assert not is_compared(seen(0, 0, 9, 9, kind="description"), configured())
    assert is_compared(seen(0, 0, 9, 9, kind="face"), configured())


# -- many ----------------------------------------------------------------------------------------


def test_many_at_once_are_each_what_they_are_alone(configured: Make) -> None:
    """More than are worked on at a time."""
    settings = configured(aliases=(("car", "truck"),))
    labels = ("car", "truck", "dog")
    known = [
        past(x, y, x + 40, y + 30, labels[(x + y) % 3])
        for x in range(0, 900, 50)
        for y in range(0, 700, 100)
    ]
    found = [
        seen(x, y, x + 41, y + 30, labels[(x * y) % 3])
        for x in range(0, 900, 50)
        for y in range(0, 700, 100)
    ]
    together = match_all(found, SIZE, known, settings)
    assert together == [match(one, SIZE, known, settings) for one in found]
    assert 0 < sum(one is not None for one in together) < len(found)


def test_nothing_is_compared_with_nothing(configured: Make) -> None:
    assert match_all([], SIZE, [past(0, 0, 9, 9)], configured()) == []
    assert match_all([seen(0, 0, 9, 9)], SIZE, [], configured()) == [None]


# -- the scene changed as a whole ----------------------------------------------------------------

corner = st.integers(0, 300)
side = st.integers(20, 200)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), corner, corner, side, side)
jitter = st.integers(-12, 12)
near = st.builds(
    lambda box, *by: (box, tuple(max(0, a + b) for a, b in zip(box, by, strict=True))),
    boxes,
    jitter,
    jitter,
    jitter,
    jitter,
).filter(lambda scene: scene[1][0] < scene[1][2] and scene[1][1] < scene[1][3])
scenes = near | st.tuples(boxes, boxes)
"""Two boxes: the same thing a little moved, or any two."""
same_function = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def is_known(scene, configured: Make, size=SIZE, past_size=SIZE) -> bool:
    box, earlier = scene
    known = past(*earlier, width=past_size[0], height=past_size[1])
    settings = configured(past_det_max_diff_area=Extent(20.0, "%"), past_det_min_iou=0.6)
    return match(seen(*box), size, [known], settings) is not None


def near_a_limit(scene) -> bool:
    """Whether a rounding error could decide."""
    box, earlier = (Box(*one) for one in scene)
    overlap = box.iou(earlier)
    shared = overlap * (box.area + earlier.area) / (1 + overlap)
    return abs(overlap - 0.6) < 1e-3 or abs(shared / max(box.area, earlier.area) - 0.8) < 1e-3


@same_function
@given(scenes)
def test_mirrored(configured: Make, scene) -> None:
    mirrored = [(1000 - x2, y1, 1000 - x1, y2) for x1, y1, x2, y2 in scene]
    upside_down = [(x1, 800 - y2, x2, 800 - y1) for x1, y1, x2, y2 in scene]
    expected = is_known(scene, configured)
    assert is_known(mirrored, configured) == is_known(upside_down, configured) == expected


@same_function
@given(scenes, st.integers(0, 400), st.integers(0, 300))
def test_shifted(configured: Make, scene, dx: int, dy: int) -> None:
    shifted = [(x1 + dx, y1 + dy, x2 + dx, y2 + dy) for x1, y1, x2, y2 in scene]
    assert is_known(shifted, configured) == is_known(scene, configured)


@same_function
@given(scenes, st.integers(2, 5), st.integers(1, 5))
def test_scaled(configured: Make, scene, across: int, down: int) -> None:
    """Both pictures larger, or the one of now alone; also stretched in one direction."""
    assume(not near_a_limit(scene))
    larger = [(x1 * across, y1 * down, x2 * across, y2 * down) for x1, y1, x2, y2 in scene]
    size = (1000 * across, 800 * down)
    expected = is_known(scene, configured)
    assert is_known(larger, configured, size, size) == expected
    assert is_known((larger[0], scene[1]), configured, size, SIZE) == expected


@same_function
@given(scenes)
def test_the_other_way_round(configured: Make, scene) -> None:
    assert is_known(scene[::-1], configured) == is_known(scene, configured)


@same_function
@given(boxes)
def test_the_same_place_is_known(configured: Make, box) -> None:
    assert is_known((box, box), configured)


# -- the reason ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "ago"),
    [(14 * 60 + 59, "14 min"), (59, "59 s"), (7200, "2 h"), (200_000, "2 d"), (-5, "0 s")],
)
def test_the_reason_names_the_event(seconds: float, ago: str) -> None:
    known = past(100, 100, 200, 200, event_id=1021, first_seen=1000.0, last_seen=1e9)
    text = reason(seen(100, 100, 200, 193), SIZE, known, 1000.0 + seconds)
    assert text == f"static, IoU 0.93 with event 1021, {ago} ago"


def test_the_reason_without_an_event() -> None:
    assert reason(seen(0, 0, 9, 9), SIZE, past(0, 0, 9, 9), 60.0) == "static, IoU 1.00, 1 min ago"


def test_iou_is_that_of_the_boxes_in_one_size() -> None:
    half = past(50, 50, 100, 100, width=500, height=400)
    assert iou(seen(100, 100, 200, 150), SIZE, half) == pytest.approx(0.5)
