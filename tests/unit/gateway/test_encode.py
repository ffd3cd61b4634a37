"""What is sent of a frame, and what becomes of boxes that come back."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.errors import DetectorError, PortalError
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gateway.encode import JPEG, MOST_BYTES, PNG, EncodedImage, PortalImages, batches, encode
from zmhook.image.crop import reduced
from zmhook.net.tokens import TokenStore
from zmhook.settings import General
from zmhook.zoneminder.api import Portal

SIDE = st.integers(1, 4000)
ANY_NUMBER = st.floats() | st.integers(-(10**400), 10**400) | st.none() | st.booleans()


def encoded(frame, ending: str = ".jpg") -> bytes:
    return cv2.imencode(ending, frame.image)[1].tobytes()


def decoded(data: bytes):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def turned(data: bytes, orientation: int = 6) -> bytes:
    """Put EXIF into a JPEG that says how it is to be turned."""
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0" * 3
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


@pytest.mark.parametrize(("ending", "kind"), [(".jpg", JPEG), (".png", PNG)])
def test_a_file_that_shows_the_same_is_sent_as_it_is(frame, ending: str, kind: str) -> None:
    data = encoded(frame(), ending)
    made = encode(frame(data=data))
    assert (made.data, made.media_type) == (data, kind)
    assert made.sent_size == made.frame_size == (64, 48)


def test_a_file_that_is_turned_upright_is_sent_as_it_is(frame) -> None:
    data = turned(encoded(frame(48, 64)))
    upright = decoded(data)
    assert upright.shape == (48, 64, 3)
    assert encode(frame(data=data)).data == data


@pytest.mark.parametrize("ending", [".webp", ".bmp"])
def test_another_format_becomes_one_that_all_know(frame, ending: str) -> None:
    made = encode(frame(data=encoded(frame(), ending)))
    assert made.media_type == PNG
    assert (decoded(made.data) == frame().image).all()


@pytest.mark.parametrize("size", [(800, 600), (1600, 1200), (1919, 1079)])
def test_what_was_reduced_is_sent_as_the_models_would_see_it(frame, size: tuple[int, int]) -> None:
    whole = frame(2000, 1500 if size[1] != 1079 else 1125)
    given = reduced(whole.replaced(data=encoded(whole)), size[0])
    made = encode(given)
    assert made.media_type == PNG
    assert (decoded(made.data) == given.image).all()
    assert made.sent_size == made.frame_size == (given.width, given.height)


def test_what_was_cut_out_is_sent_as_it_is(frame) -> None:
    whole = frame(1000, 900)
    part = whole.replaced(image=whole.image[50:850, 100:900], data=b"")
    made = encode(part, crop_label="car")
    assert made.crop_label == "car"
    assert (decoded(made.data) == part.image).all()


def test_a_file_is_sent_as_it_is_up_to_what_servers_take(frame, caplog) -> None:
    data = encoded(frame(1000, 600))
    data += b"\0" * (MOST_BYTES - len(data))
    assert encode(frame(1000, 600, data=data)).data is data
    assert not caplog.records
    made = encode(frame(1000, 600, data=data + b"\0"))
    assert len(made.data) < MOST_BYTES
    assert decoded(made.data).shape == (600, 1000, 3)
    assert "is too large to be sent as it is (15000001 bytes)" in caplog.text


def test_what_a_server_does_not_take_loses_as_little_as_can_be(frame) -> None:
    given = frame(200, 100)
    given = given.replaced(image=cv2.GaussianBlur(given.image, (5, 5), 0))
    made = encode(given)
    assert made.within(len(made.data)) is made
    fine = made.within(len(made.data) - 1)
    assert fine.media_type == JPEG
    assert (fine.sent_size, fine.frame_size) == (made.sent_size, made.frame_size)
    assert np.abs(decoded(fine.data).astype(int) - given.image).max() <= 4
    less = made.within(len(fine.data) - 1)
    assert 0 < len(less.data) < len(fine.data)


@pytest.mark.parametrize("shape", [(0, 5, 3), (70_000, 5, 3)])
def test_what_cannot_be_encoded_is_told(frame, shape: tuple[int, int, int]) -> None:
    broken = frame().replaced(image=np.zeros(shape, np.float64))
    broken = broken.replaced(image=np.zeros((*shape[:2], 5), np.uint8))
    with pytest.raises(DetectorError, match="alarm: cannot be encoded for sending"):
        encode(broken)


@pytest.mark.parametrize(
    ("frame_id", "kind", "name"),
    [("alarm", JPEG, "alarm.jpg"), ("../5\r\n", PNG, "5.png"), ('"é', JPEG, "frame.jpg")],
)
def test_a_file_name_is_a_harmless_word(frame_id: str, kind: str, name: str) -> None:
    assert EncodedImage(frame_id, (1, 1), (1, 1), media_type=kind).file_name == name


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [([10] * 5, [3, 2]), ([60, 60], [1, 1]), ([200], [1]), ([], []), ([50, 50, 1], [2, 1])],
)
def test_requests_have_a_limit(sizes: list[int], groups: list[int]) -> None:
    images = [EncodedImage("a", (1, 1), (1, 1), b"x" * size) for size in sizes]
    divided = batches(images, 3, 100)
    assert [len(group) for group in divided] == groups
    assert [one for group in divided for one in group] == images


BOXES = [
    ([1, 2, 30, 40], Box(1, 2, 30, 40)),
    ([1.4, 1.6, 30.5, 40.2], Box(1, 2, 30, 40)),
    ([-5, -5, 1000, 1000], Box(0, 0, 64, 48)),
    ([60, 40, 60.2, 40.2], Box(60, 40, 61, 41)),
    ([64, 0, 70, 10], None),
    ([-9, 0, -1, 10], None),
    ([10, 10, 5, 20], None),
    ([10, 10, 20, 10], None),
    ([1, 2, 3], None),
    ("1234", None),
    (None, None),
    ([1, 2, 3, "4"], None),
    ([1, 2, 3, True], None),
    ([1, 2, 3, math.nan], None),
    ([1, 2, math.inf, 4], None),
    ([10**400, 2, 3, 4], None),
]


@pytest.mark.parametrize(("said", "expected"), BOXES)
def test_a_box_is_one_in_the_picture_or_none(said: object, expected: Box | None) -> None:
    assert EncodedImage("a", (64, 48), (64, 48)).frame_box(said) == expected


def test_a_box_of_a_larger_picture_is_made_the_frames() -> None:
    made = EncodedImage("a", (1600, 1200), (800, 600))
    assert made.frame_box([100, 200, 1600, 1200]) == Box(50, 100, 800, 600)
    assert made.frame_box([100, 200, 400, 300], (400, 300)) == Box(200, 400, 800, 600)


@given(st.lists(ANY_NUMBER, min_size=4, max_size=4), SIDE, SIDE, SIDE, SIDE)
def test_no_box_is_outside(said: list[object], a: int, b: int, c: int, d: int) -> None:
    box = EncodedImage("a", (a, b), (c, d)).frame_box(said)
    if box is not None:
        assert 0 <= box.x1 < box.x2 <= c
        assert 0 <= box.y1 < box.y2 <= d


PORTAL = "http://zm.example/zm"
ORIGIN = f"{PORTAL}: alarm of event 5"


@pytest.fixture
def portal_images(tmp_path):
    made = []

    def make(**general: Any) -> PortalImages:
        given = {"portal": PORTAL, "user": "ann", "base_data_path": str(tmp_path), **general}
        made.append(PortalImages(General(**given)))
        return made[-1]

    TokenStore(str(tmp_path), f"{PORTAL}/api", "ann").write("token=s3cret", 9e9)
    yield make
    for one in made:
        one.close()


def test_a_picture_of_the_portal(portal_images, frame, soon) -> None:
    one = portal_images(allow_self_signed=False).image(frame(origin=ORIGIN), soon)
    assert one.url == (f"{PORTAL}/index.php?view=image&eid=5&fid=alarm", "token=s3cret", True)
    assert (one.sent_size, one.frame_size, one.data) == ((64, 48), (64, 48), b"")


def test_a_certificate_that_we_do_not_check_is_not_checked_there(
    portal_images, frame, soon
) -> None:
    one = portal_images(allow_self_signed=True).image(frame(origin=ORIGIN), soon)
    assert one.url.verify is False


def test_what_was_reduced_here_is_not_what_the_portal_has(portal_images, frame, soon) -> None:
    assert portal_images().image(reduced(frame(1600, 1200, origin=ORIGIN), 800), soon) is None
    assert portal_images().image(reduced(frame(1600, 1200, origin=ORIGIN), 1600), soon) is not None


PART = Crop(box=Box(0, 0, 30, 30), width=64, height=48)
OF = Crop(
    box=Box(0, 0, 64, 48),
    width=64,
    height=48,
    source=Detection(label="a", confidence=1, box=Box(0, 0, 1, 1), model="m"),
)


@pytest.mark.parametrize(
    "more",
    [
        {"origin": "/var/cache/events/5/alarm.jpg"},
        {"origin": f"{PORTAL}: snapshot of event 5"},
        {"event": None},
        {"event": Event()},
        {"crop": PART},
        {"crop": OF},
    ],
)
def test_what_is_no_whole_picture_of_the_portal(portal_images, frame, soon, more: Any) -> None:
    assert portal_images().image(frame(**{"origin": ORIGIN, **more}), soon) is None


def test_without_a_portal_there_are_none(portal_images, frame, soon) -> None:
    assert portal_images(portal="").image(frame(origin=ORIGIN), soon) is None


def test_a_portal_that_lets_nobody_in(portal_images, frame, soon, monkeypatch, caplog) -> None:
    def fail(*_: object) -> None:
        raise PortalError("http://zm.example: is down")

    monkeypatch.setattr(Portal, "image_address", fail)
    assert portal_images().image(frame(origin=ORIGIN), soon) is None
    assert "is down; the image is sent instead of its URL" in caplog.text
