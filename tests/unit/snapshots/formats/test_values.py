import pytest

from zmhook.snapshots.formats import values
from zmhook.snapshots.formats.values import (
    AHEAD,
    LONGEST_TRACK,
    Clock,
    Times,
    box_of,
    scene_box,
    seconds,
    settled,
)
from zmhook.snapshots.snapshot import SceneBox


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (-2.5, -2.5),
        ("3.5", 3.5),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("1" * 1000, None),
        ([1], None),
        ({}, None),
    ],
)
def test_a_number_is_finite(value, number):
    assert values.number(value) == number


@pytest.mark.parametrize(
    ("value", "score"), [(0, 0.0), (1, 1.0), (1.01, None), (-0.01, None), (74.4, None), ("x", None)]
)
def test_a_fraction_is_from_nought_to_one(value, score):
    assert values.fraction(value) == score


@pytest.mark.parametrize(
    ("value", "channel"),
    [(1, 1), (0, 0), ("2", 2), (1.0, 1), (1.5, None), (-1, None), (10**9, None), (None, None)],
)
def test_a_channel_is_a_small_whole_number(value, channel):
    assert values.channel(value) == channel


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Human", "Human"),
        (" license plate ", "license plate"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..\\x", ".._x"),
        ("a\nb\0c\x1b[31m", "a b c [31m"),
        ("\u202egnp", "gnp"),
        ("x" * 1_000_000, "x" * 64),
        (5, ""),
        (None, ""),
    ],
)
def test_a_label_is_no_path_and_short(value, label):
    assert values.label(value) == label


def test_an_id_is_text_of_a_bounded_length():
    assert values.identity("abc") == "abc"
    assert values.identity(25) == "25"
    assert values.identity(True) == values.identity(None) == values.identity(1.5) == ""
    assert values.identity(10**4300) == ""


def test_long_ids_stay_apart():
    one, other = values.identity("x" * 5000 + "1"), values.identity("x" * 5000 + "2")
    assert len(one) == len(other) == 64
    assert one != other


def test_members_of_another_kind_are_left_out():
    assert values.mappings([{"a": 1}, 2, None, "x", []]) == [{"a": 1}]
    assert values.mappings({"a": 1}) == values.mappings(None) == []
    assert values.mapping([1]) == {}


MOMENT = 1715613699.320982


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-13T15:21:39.320982Z",
        "2024-05-13T15:21:39.320982+00:00",
        "2024-05-13T17:21:39.320982+02:00",
        "2024-05-13 15:21:39.320982Z",
        "2024-05-13T15:21:39.320982",
        MOMENT,
        "1715613699.320982",
        1715613699320.982,
        1715613699320982,
        1715613699320982000,
    ],
)
def test_a_time_is_seconds_since_the_epoch(value):
    assert seconds(value) == pytest.approx(MOMENT, abs=1e-5)


@pytest.mark.parametrize("fraction", ["", ".3", ".320982", ".320982123"])
def test_any_number_of_digits(fraction):
    assert seconds(f"2024-05-13T15:21:39{fraction}Z") == pytest.approx(MOMENT, abs=0.4)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2024-13-13T15:21:39Z",
        "1970-01-01T00:00:10Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999-14:00",
        "2" * 100_000,
        0,
        -5,
        True,
        [],
        float("nan"),
        10**400,
    ],
)
def test_what_cannot_be_a_time_is_none(value):
    assert seconds(value) is None


def test_a_cameras_clock_may_be_off():
    assert Clock(2.5).ours(MOMENT) == MOMENT - 2.5
    assert Clock(-2.5).ours(MOMENT) == MOMENT + 2.5
    assert Clock(2.5).ours("x") is None


def test_times_in_order_stay_as_they_are():
    assert settled(103.0, 100.0, 105.0, 106.0) == Times(103.0, 100.0, 105.0)


def test_a_little_ahead_is_nothing():
    assert settled(100.0, None, 100.0 + AHEAD, 100.0).ahead == 0.0


def test_all_are_put_back_by_as_much_as_the_last_is_ahead():
    assert settled(3700.0, 3600.0, 3703.0, 103.0) == Times(100.0, 0.0, 103.0, 3600.0)


def test_without_the_pictures_time_the_end_stands_for_it_and_then_the_arrival():
    assert settled(None, 1.0, 5.0, 6.0).taken == 5.0
    assert settled(None, 1.0, None, 6.0).taken == 6.0


def test_a_beginning_after_the_end_is_none():
    assert settled(100.0, 103.0, 101.0, 110.0) == Times(100.0, None, 101.0)


def test_an_end_before_the_beginning_is_none():
    assert settled(100.0, 99.0, 90.0, 110.0) == Times(100.0, 99.0, None)


@pytest.mark.parametrize("far", [-2 * LONGEST_TRACK, 2 * LONGEST_TRACK, 2e11])
def test_one_strange_time_does_not_move_the_others(far):
    start = 1e9
    assert settled(start, start + far, None, start + 1) == Times(start, None, None)
    assert settled(start, None, start + far, start + 1) == Times(start, None, None)


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
