import base64

import cv2
import numpy as np
import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.pictures import decoded, picture

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
