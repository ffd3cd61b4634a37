import base64

import cv2
import numpy as np
import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats import values
from zmhook.snapshots.formats.values import (
    AHEAD,
    LONGEST_TRACK,
    Clock,
    Times,
    box_of,
    decoded,
    picture,
    scene_box,
    seconds,
    settled,
)
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox


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


MANY = 50_000_000


def encoded(data, encode=base64.b64encode):
    return encode(data).decode()


def kind(text, max_pixels=MANY):
    with pytest.raises(PayloadError, match="front: ") as caught:
        picture(text, "front", max_pixels)
    assert "\n" not in str(caught.value)
    return caught.value.kind


@pytest.mark.parametrize("name", ["dog.jpg", "person.jpg", "fpo_test_plate_1.png"])
def test_photos_in_base64(photo, name):
    data = photo(name).read_bytes()
    assert picture(encoded(data), "front", MANY) == data


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5])
def test_either_alphabet_with_padding_or_without(length):
    data = b"\xfb\xff\xfe\x00\xff\xbf"[:length]
    for text in (encoded(data), encoded(data, base64.urlsafe_b64encode)):
        assert decoded(text, "front") == decoded(text.rstrip("="), "front") == data


def test_lines_and_a_data_address(jpeg):
    text = encoded(jpeg, base64.encodebytes)
    assert picture(text, "front", MANY) == jpeg
    assert picture("data:image/jpeg;base64," + encoded(jpeg), "front", MANY) == jpeg


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA*A", "AA=A", "=AAA", "AAA=AAAA", "AAA=====", "ä" * 8, "A\0AA", "===="]
)
def test_what_is_not_base64(text):
    with pytest.raises(PayloadError, match="base64 is cut short or damaged") as caught:
        decoded(text, "front")
    assert caught.value.kind == "a picture that is no base64"


@pytest.mark.parametrize("value", [None, 5, [], {}, b"/9j/"])
def test_what_is_not_a_text(value):
    assert kind(value) == "a picture that is no base64"


CUT = {"a picture that is no base64", "a picture cut short"}


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 1000, 100_000])
def test_a_text_that_is_cut_short(jpeg, cut):
    assert kind(encoded(jpeg + b"\0" * (-len(jpeg) % 3))[: -cut - 4]) in CUT


@pytest.mark.parametrize(
    "data", [b"GIF89a" + b"\0" * 20, b"BM" + b"\0" * 60, b"<html>", b"\xff\xd8"]
)
def test_what_is_neither_jpeg_nor_png(data):
    assert kind(encoded(data)) == "neither JPEG nor PNG"


def test_nothing_at_all():
    assert kind("") == "a picture cut short"


def test_a_picture_of_a_hundred_megapixels(jpeg):
    wide = bytearray(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    place = wide.index(b"\xff\xc0") + 5
    wide[place : place + 4] = (10_000).to_bytes(2, "big") * 2
    assert kind(encoded(bytes(wide))) == "a picture that cannot be read"


def test_the_limit_is_the_settings(jpeg):
    assert kind(encoded(jpeg), max_pixels=100) == "a picture that cannot be read"


def test_a_picture_on_a_topic(read, jpeg):
    [snapshot] = read(jpeg, received=1000000000.5)
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="raw",
        track_id=snapshot.track_id,
        taken=1000000000.5,
        received=1000000000.5,
        ended=True,
        picture=jpeg,
    )


def test_a_png_is_one_too(read, photo):
    data = photo("fpo_test_plate_1.png").read_bytes()
    [snapshot] = read(data)
    assert snapshot.picture is data


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("head", [b"", b"data:image/jpeg;base64,"])
def test_a_picture_in_base64(read, jpeg, encode, head):
    [snapshot] = read(head + encode(jpeg))
    assert snapshot.picture == jpeg


def test_the_same_picture_has_the_same_id_and_another_has_another(read, jpeg, photo):
    [first], [again] = read(jpeg, received=1e9), read(jpeg, received=2e9)
    [other] = read(photo("dog.jpg").read_bytes())
    assert first.track_id == again.track_id != other.track_id


def test_a_picture_that_the_broker_kept_is_of_any_age(read, jpeg):
    assert read(jpeg, retained=True) == []


@pytest.mark.parametrize("topic", ["home/front/snapshot", "snapshot", "a/b/front/snapshot"])
def test_a_topic_that_is_called_snapshot_need_not_be_frigates(read, jpeg, topic):
    [snapshot] = read(jpeg, topic)
    assert (snapshot.format, snapshot.label, snapshot.camera) == ("raw", "", topic)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_one_that_is_cut_short_is_broken(read, jpeg, share):
    with pytest.raises(PayloadError, match="cut short") as caught:
        read(jpeg[: int(len(jpeg) * share)])
    assert caught.value.kind == "a picture cut short"
