from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.errors import MissingPart
from zmhook.report import film as module
from zmhook.report.film import Film, as_gif, as_mp4, boxed, fitted


def plain(level: int, width: int = 64, height: int = 48):
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def film() -> Film:
    """White, then ten darker and darker frames."""
    return Film(plain(255), [plain(200 - 20 * number) for number in range(10)], 10.0)


def levels(data: bytes, path: Path) -> list[int]:
    """Return how bright each frame of a video is."""
    path.write_bytes(data)
    capture, found = cv2.VideoCapture(str(path)), []
    while (frame := capture.read())[0]:
        found.append(round(float(frame[1].mean())))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10, abs=0.5)
    capture.release()
    return found


SHOWN = [255] * 10 + [200 - 20 * number for number in range(10)]


def test_a_film_for_browsers(film: Film, tmp_path: Path) -> None:
    if not module.shutil.which("ffmpeg"):
        pytest.skip("optional: no ffmpeg here")
    data = as_mp4(film)
    assert levels(data, tmp_path / "film.mp4") == pytest.approx(SHOWN, abs=6)
    assert b"avc1" in data  # H.264
    assert data.index(b"moov") < data.index(b"mdat")  # it plays before all of it is there


def test_a_film_without_ffmpeg(film: Film, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FFMPEG", "no-such-program")
    data = as_mp4(film)
    assert levels(data, tmp_path / "film.mp4") == pytest.approx(SHOWN, abs=6)
    assert b"avc1" not in data


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
def test_an_ffmpeg_that_is_of_no_use(script: str, film, tmp_path, monkeypatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "FFMPEG", str(program))
    monkeypatch.setattr(module, "ENCODING_SECONDS", 0.2)
    assert len(levels(as_mp4(film), tmp_path / "film.mp4")) == 20


@pytest.mark.parametrize(("fast", "each"), [(False, 100), (True, 50)])
def test_a_gif(fast: bool, each: int, film: Film, tmp_path: Path) -> None:
    from PIL import Image, ImageSequence

    path = tmp_path / "film.gif"
    path.write_bytes(as_gif(film, fast=fast))
    with Image.open(path) as picture:
        frames = [
            (frame.info["duration"], frame.convert("RGB").getpixel((5, 5)))
            for frame in ImageSequence.Iterator(picture)
        ]
        assert picture.info["loop"] == 0
    assert [duration for duration, _ in frames] == [1000, *[each] * 10]
    assert frames[0][1] == (255, 255, 255)
    assert frames[-1][1] == (20, 20, 20)


def test_a_gif_without_pillow(film: Film, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPart, match="Pillow"):
        as_gif(film, fast=False)


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((640, 480), 320, (320, 240)),
        ((641, 481), 640, (640, 480)),
        ((100, 75), 640, (100, 74)),
        ((1, 1), 640, (2, 2)),
        ((1000, 1), 500, (500, 2)),
    ],
)
def test_sides_are_even_and_no_picture_is_made_larger(size, width: int, expected) -> None:
    height, wide, _ = fitted(plain(9, *size), width).shape
    assert (wide, height) == expected


def test_another_form_gets_black_sides() -> None:
    found = boxed(plain(200, 40, 40), 80, 20)
    assert found.shape == (20, 80, 3)
    assert found[10, 40].tolist() == [200, 200, 200]
    assert found[10, 5].tolist() == found[10, 75].tolist() == [0, 0, 0]
    same = plain(9)
    assert boxed(same, 64, 48) is same


def test_nothing_is_called_through_a_shell(film: Film, monkeypatch) -> None:
    calls = []

    def run(command: object, **more: object) -> None:
        calls.append((command, more))
        raise OSError

    monkeypatch.setattr(module.shutil, "which", lambda _: "/usr/bin/ffmpeg")
    monkeypatch.setattr(subprocess, "run", run)
    as_mp4(film)
    ((command, more),) = calls
    assert isinstance(command, list)
    assert more["timeout"] == module.ENCODING_SECONDS
    assert "shell" not in more
