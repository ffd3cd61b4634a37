from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zmhook.image.header import Header, read_header


def saved(kind: str, size: tuple[int, int] = (31, 17), **options: object) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, (size[1], size[0], 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {}),
        ("WebP", {}),
        ("WebP", {"lossless": True}),
        ("WebP", {"exif": b"Exif\0\0MM\0*"}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_size_and_completeness_of_each_format(kind: str, options: dict[str, object]) -> None:
    data = saved(kind, **options)
    assert read_header(data) == Header(kind, 31, 17, complete=True)
    for end in range(30, len(data) - 2, 41):
        cut = read_header(data[:end])
        assert cut is not None
        assert not cut.complete, end


def test_top_down_bmp() -> None:
    data = bytearray(saved("BMP"))
    data[22:26] = struct.pack("<i", -17)
    assert read_header(bytes(data)) == Header("BMP", 31, 17, complete=True)


def test_the_end_of_a_thumbnail_is_not_the_end() -> None:
    thumbnail = saved("JPEG", (8, 8))
    exif = b"Exif\0\0" + thumbnail
    picture = saved("JPEG", (200, 100))
    data = picture[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + picture[2:]
    assert read_header(data) == Header("JPEG", 200, 100, complete=True)
    cut = read_header(data[: len(exif) + 2000])
    assert cut == Header("JPEG", 200, 100, complete=False)


@pytest.mark.parametrize("tail", [b"\0" * 500, b"\r\n", b"trailer of a camera"])
def test_what_follows_the_end_does_not_matter(tail: bytes) -> None:
    header = read_header(saved("JPEG") + tail)
    assert header
    assert header.complete


def test_padding_before_a_marker() -> None:
    data = saved("JPEG")
    assert read_header(data[:2] + b"\xff\xff" + data[2:]) == Header("JPEG", 31, 17, complete=True)


@pytest.mark.parametrize("data", [b"", b"\xff", b"<html>", b"RIFF____WAVE", b"\x89PNG"])
def test_other_bytes(data: bytes) -> None:
    assert read_header(data) is None


@given(
    st.binary(max_size=300), st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM"])
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_header(rest: bytes, magic: bytes) -> None:
    header = read_header(magic + rest)
    assert header
    assert header.width >= 0
    assert header.height >= 0


def test_endless_markers_and_long_padding_end_soon() -> None:
    for data in (b"\xff\xe0\0\2" * 500_000, b"\xff" * 3_000_000):
        header = read_header(b"\xff\xd8" + data)
        assert header
        assert not header.complete


def test_same_size_as_the_decoder_on_a_real_photo(photo) -> None:
    data = photo("dog.jpg").read_bytes()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    header = read_header(data)
    assert header
    assert (header.height, header.width) == image.shape[:2]
    assert header.complete
