import base64

import cv2
import numpy as np
import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.pictures import decoded, picture
from zmhook.snapshots.snapshot import BestSnapshot

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
