from __future__ import annotations

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zmhook.errors import PictureError
from zmhook.image.decode import checked, decode, frame_of

LIMIT = 50_000_000
RED, GREEN = (230, 20, 10), (10, 200, 30)


def two_halves(width: int = 64, height: int = 32) -> Image.Image:
    """Left red, right green: tells channel order and orientation."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height))
    return image


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def bgr(image: np.ndarray, x: int, y: int) -> list[int]:
    return [int(value) for value in image[y, x]]


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (saved(two_halves(), quality=95), 8),
        (saved(two_halves().convert("CMYK"), quality=95), 8),
        (saved(two_halves(), progressive=True, quality=95), 8),
        (saved(two_halves(), "PNG"), 0),
        (saved(two_halves().convert("RGBA"), "PNG"), 0),
        (saved(two_halves().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), 2),
        (saved(two_halves(), "BMP"), 0),
        (saved(two_halves(), "WebP", lossless=True), 0),
        (saved(two_halves().convert("P", palette=Image.Palette.ADAPTIVE), "GIF"), 2),
    ],
    ids=["jpeg", "cmyk", "progressive", "png", "alpha", "palette", "bmp", "webp", "gif"],
)
def test_each_format_becomes_bgr(data: bytes, tolerance: int) -> None:
    image = decode(data, "x", LIMIT)
    assert image.dtype == np.uint8
    assert image.shape == (32, 64, 3)
    assert bgr(image, 5, 16) == pytest.approx(RED[::-1], abs=tolerance)
    assert bgr(image, 60, 16) == pytest.approx(GREEN[::-1], abs=tolerance)


def test_grey_has_three_equal_channels() -> None:
    image = decode(saved(Image.new("L", (9, 7), 100)), "x", LIMIT)
    assert image.shape == (7, 9, 3)
    assert (image == 100).all()


def test_sixteen_bits_are_reduced_to_eight() -> None:
    deep = Image.fromarray(np.full((5, 6), 0x80FF, np.uint16))
    image = decode(saved(deep, "PNG"), "x", LIMIT)
    assert image.shape == (5, 6, 3)
    assert image.dtype == np.uint8
    assert set(np.unique(image)) <= {128, 129}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_one_pixel(kind: str) -> None:
    assert decode(saved(Image.new("RGB", (1, 1), RED), kind), "x", LIMIT).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("orientation", "shape", "red_at"),
    [
        (1, (32, 64), (5, 16)),
        (3, (32, 64), (60, 16)),
        (6, (64, 32), (16, 5)),
        (8, (64, 32), (16, 60)),
    ],
)
def test_exif_orientation_is_applied(
    orientation: int, shape: tuple[int, int], red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(saved(two_halves(), exif=exif, quality=95), "x", LIMIT)
    assert image.shape[:2] == shape
    assert bgr(image, *red_at) == pytest.approx(RED[::-1], abs=8)


def test_every_truncation_is_told_and_may_be_asked_for_again(photo) -> None:
    data = photo("dog.jpg").read_bytes()
    for end in [*range(1024, len(data), 1024), len(data) - 2]:
        with pytest.raises(PictureError, match=r"^dog\.jpg: the JPEG is cut short") as caught:
            decode(data[:end], "dog.jpg", LIMIT)
        assert caught.value.retry
    assert decode(data, "dog.jpg", LIMIT).ndim == 3


def huge_png(width: int, height: int) -> bytes:
    """A PNG that only claims its size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def huge_jpeg(width: int, height: int) -> bytes:
    data = bytearray(saved(two_halves()))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("make", [huge_png, huge_jpeg])
def test_too_many_pixels_are_refused_before_decoding(make, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", decoded)
    with pytest.raises(PictureError, match=r"20000x20000 are more pixels than .* 50000000 allows"):
        decode(make(20_000, 20_000), "x", LIMIT)


def test_a_picture_of_just_the_limit() -> None:
    data = saved(two_halves(40, 25))
    assert decode(data, "x", 1000).shape == (25, 40, 3)
    with pytest.raises(PictureError):
        decode(data, "x", 999)


@pytest.mark.parametrize(
    ("data", "says", "retry"),
    [
        (b"", "x: is empty", True),
        (b"<html><title>ZM - Login</title>", "got 31 bytes of HTML", False),
        (b"%PDF-1.4", "expected a picture .* got 8 bytes of text", False),
        (b"\xff\xd8\xff\xd9", "the JPEG is damaged: it does not say its size", False),
        (huge_png(0, 0), "the PNG is damaged: it does not say its size", False),
        (huge_png(10, 10), "x: ", False),
    ],
    ids=["empty", "html", "pdf", "no size", "png 0x0", "png without data"],
)
def test_what_is_not_a_picture(data: bytes, says: str, retry: bool) -> None:
    with pytest.raises(PictureError, match=says) as caught:
        decode(data, "x", LIMIT)
    assert caught.value.retry is retry
    assert "\n" not in str(caught.value)


def test_words_are_quoted_of_answers_alone() -> None:
    data = b"<html><title>ZM - Login</title>"
    with pytest.raises(PictureError, match="got an HTML page titled 'ZM - Login'"):
        checked(data, "1", "x", LIMIT, is_answer=True)
    with pytest.raises(PictureError) as caught:
        checked(b'{"message": "S3CRET"}', "1", "x", LIMIT)
    assert "S3CRET" not in str(caught.value)


JPEG, PNG, WEBP, GIF, BMP = (
    saved(two_halves()),
    saved(two_halves(), "PNG"),
    saved(two_halves(), "WebP"),
    saved(two_halves(), "GIF"),
    saved(two_halves(), "BMP"),
)


@given(
    st.sampled_from([JPEG, PNG, WEBP, GIF, BMP]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
@settings(max_examples=300, deadline=None)
def test_damage_ends_in_a_picture_or_a_picture_error(
    data: bytes, changes: list[tuple[float, int]], end: float
) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    with contextlib.suppress(PictureError):
        image = decode(bytes(damaged[: round(end * len(damaged))]), "x", 1_000_000)
        assert image.ndim == 3
        assert image.dtype == np.uint8


def test_a_frame_keeps_the_file() -> None:
    frame = frame_of(checked(JPEG, "alarm", "here", LIMIT))
    assert (frame.id, frame.origin, frame.data) == ("alarm", "here", JPEG)
    assert (frame.width, frame.height) == (64, 32)
