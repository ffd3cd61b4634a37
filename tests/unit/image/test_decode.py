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
from zmhook.frame import Frame, Picture, reduction
from zmhook.image.decode import checked, decode, frame_of, reducible_size

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


# -- reduced decoding ----------------------------------------------------------------------------

WIDE = 1600, 1000
HALF = 800, 500


def large(**options: object) -> bytes:
    return saved(two_halves(*WIDE), quality=95, **options)


def _detailed() -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (63, 100, 3), np.uint8)
    return saved(Image.fromarray(noise).resize((1600, 1008)))


DETAILED = _detailed()


def picture_of(data: bytes) -> Picture:
    return checked(data, "alarm", "here", LIMIT)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much of a picture was decoded, each time: the flags for OpenCV."""
    flags: list[int] = []
    real = cv2.imdecode

    def decoded(data: np.ndarray, flag: int) -> np.ndarray:
        flags.append(flag)
        return real(data, flag)

    monkeypatch.setattr(cv2, "imdecode", decoded)
    return flags


@pytest.mark.parametrize(
    ("size", "least", "number"),
    [
        ((3840, 2160), (3840, 2160), 1),
        ((3840, 2160), (1921, 1080), 1),
        ((3840, 2160), (1920, 1081), 1),
        ((3840, 2160), (1920, 1080), 2),
        ((3840, 2160), (960, 540), 4),
        ((3840, 2160), (640, 360), 4),
        ((3840, 2160), (480, 270), 8),
        ((3840, 2160), (1, 1), 8),
        ((3841, 2161), (1921, 1081), 2),
        ((1920, 1080), (960, 540), 2),
        ((1280, 720), (1, 1), 1),
    ],
)
def test_the_most_that_a_picture_is_reduced_by(
    size: tuple[int, int], least: tuple[int, int], number: int
) -> None:
    assert reduction(size, least) == number


def test_a_reduced_picture_is_decoded_in_full_when_that_is_needed(decodings: list[int]) -> None:
    frame = frame_of(picture_of(large()), HALF)
    assert decodings == [cv2.IMREAD_REDUCED_COLOR_2]
    assert (frame.size, frame.width, frame.height) == (WIDE, *WIDE)
    assert frame.at_least(HALF).shape == (500, 800, 3)
    assert len(decodings) == 1
    assert np.array_equal(frame.image, decode(large(), "x", LIMIT))
    assert frame.image is frame.at_least(None)
    assert decodings[1:] == [cv2.IMREAD_COLOR, cv2.IMREAD_COLOR]


def test_a_picture_that_is_needed_in_full_is_reduced_for_others(decodings: list[int]) -> None:
    frame = frame_of(picture_of(large()))
    assert frame.at_least((400, 250)).shape == (250, 400, 3)
    assert decodings == [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_4]


@pytest.mark.parametrize(
    "data",
    [
        saved(two_halves(1400, 1000)),
        saved(two_halves(*WIDE), "PNG"),
        saved(two_halves(*WIDE), "WebP"),
    ],
    ids=["small", "png", "webp"],
)
def test_other_pictures_are_decoded_once_and_in_full(data: bytes, decodings: list[int]) -> None:
    picture = picture_of(data)
    frame = frame_of(picture, (1, 1))
    assert reducible_size(picture) is None
    assert frame.at_least((1, 1)) is frame.image
    assert decodings == [cv2.IMREAD_COLOR]


@pytest.mark.parametrize("least", [HALF, (500, 800), (1, 1), None])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_picture_is_upright(orientation: int, least: tuple[int, int] | None) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = picture_of(large(exif=exif))
    frame, full = frame_of(picture, least), decode(picture.data, "x", LIMIT)
    assert frame.size == (full.shape[1], full.shape[0])
    assert frame.size == (WIDE if orientation < 5 else WIDE[::-1])
    small = frame.at_least((frame.width // 2, frame.height // 2))
    assert small.shape[:2] == (frame.height // 2, frame.width // 2)
    for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)):
        there = bgr(small, int(x * small.shape[1]), int(y * small.shape[0]))
        assert there == pytest.approx(bgr(full, int(x * frame.width), int(y * frame.height)), abs=8)


@pytest.mark.parametrize("size", [(1601, 999), (1301, 1302), (1302, 1301), (1300, 1300)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_odd_sizes_are_known_in_full(size: tuple[int, int], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    frame = frame_of(picture_of(saved(two_halves(*size), exif=exif)), (1, 1))
    assert frame.size == (size if orientation == 1 else size[::-1])
    assert frame.image.shape == (frame.height, frame.width, 3)


@pytest.mark.parametrize("kind", ["CMYK", "L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_kind_of_jpeg_is_reduced(kind: str, progressive: bool) -> None:
    data = saved(two_halves(*WIDE).convert(kind), progressive=progressive, quality=95)
    frame = frame_of(picture_of(data), HALF)
    small, full = frame.at_least(HALF), frame.image
    assert small.shape == (500, 800, 3)
    assert bgr(small, 10, 10) == pytest.approx(bgr(full, 20, 20), abs=8)
    assert bgr(small, 790, 490) == pytest.approx(bgr(full, 1580, 980), abs=8)


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_damage_is_told_in_the_same_words(changes: list[tuple[float, int]]) -> None:
    damaged = bytearray(DETAILED)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    assert outcome(bytes(damaged), None) == outcome(bytes(damaged), (1, 1))


def test_a_picture_that_is_cut_short_or_empty_inside() -> None:
    end = DETAILED.index(b"\xff\xda") + 20
    for data in (DETAILED[: len(DETAILED) // 2], DETAILED[:end] + b"\xff\xd9", b"\xff\xd8\xff\xd9"):
        assert outcome(data, None) == outcome(data, HALF)


def outcome(data: bytes, least: tuple[int, int] | None) -> str | tuple[int, int]:
    """Return the size of the picture, or the words of the error."""
    try:
        frame: Frame = frame_of(picture_of(data), least)
    except PictureError as error:
        return str(error)
    assert frame.image.shape == (frame.height, frame.width, 3)
    return frame.size
