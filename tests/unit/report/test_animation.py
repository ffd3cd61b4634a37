from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from msgspec import json, structs

from zmhook.errors import MissingPart, NotYet, ReportError
from zmhook.jobs.spool import Unit
from zmhook.jobs.work import Work
from zmhook.report import animation as module
from zmhook.report.animation import Film, as_gif, as_mp4, boxed, chosen, fitted, most_frames, run
from zmhook.settings import Animation, General, Settings

LONG_AGO = 1_700_000_000.0


@pytest.fixture
def events(tmp_path: Path) -> Callable[..., Path]:
    """Make an event's folder with so many frames, ten in a second, that ended at a time."""

    def make(count: int, end: float = LONG_AGO) -> Path:
        folder = tmp_path / "events" / "7"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            path = folder / f"{number:05}-capture.jpg"
            cv2.imwrite(str(path), np.full((120, 160, 3), 2 * number, np.uint8))
            taken = end - (count - number) / 10
            os.utime(path, (taken, taken))
        return folder

    return make


@pytest.fixture
def work(decided) -> Callable[..., Work]:
    def make(folder: Path | str, frame: str = "40", tries: int = 0, **animation) -> Work:
        given = decided(width=160, height=120)
        decision = structs.replace(
            given.decision,
            event=structs.replace(given.decision.event, path=str(folder)),
            frame=structs.replace(given.decision.frame, id=frame, width=160, height=120),
        )
        unit = Unit("1732212345678-0123abcd-m3", "animation", tries, 0.0)
        settings = Settings(animation=Animation(create_animation=True, **animation))
        return Work(decision, settings, unit=unit, frame=given.frame)

    return make


def frames(path: Path) -> list[np.ndarray]:
    capture, found = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        found.append(read[1])
    capture.release()
    return found


def test_a_film_around_the_frame_that_answered(events, work) -> None:
    folder = events(120)
    run(work(folder, "40"))
    found = frames(folder / "objdetect.mp4")
    rate = 5  # every second frame: a hundred are too many
    assert found[0].shape == (120, 160, 3)
    # A second of the picture with the boxes, then four seconds before to six after.
    first, others = found[:rate], found[rate:]
    assert np.abs(first[0].astype(int) - 128).max() > 60
    assert all(np.abs(one.astype(int) - first[0]).mean() < 5 for one in first)
    brightness = [round(float(one.mean()) / 2) for one in others]
    assert brightness == sorted(brightness)
    assert (brightness[0], brightness[-1]) == pytest.approx((1, 100), abs=4)


def test_both_kinds_and_the_width(events, work) -> None:
    folder = events(60)
    run(work(folder, animation_types=("mp4", "gif"), animation_width=80))
    assert frames(folder / "objdetect.mp4")[0].shape == (60, 80, 3)
    assert (folder / "objdetect.gif").read_bytes().startswith(b"GIF89a")
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_another_folder_is_on_another_machine(work, caplog) -> None:
    with caplog.at_level("DEBUG"):
        run(work("/no/such/folder"))
    assert "its folder is not on this machine" in caplog.text


def test_the_api_tells_the_folder(events, work, endpoint, tmp_path) -> None:
    folder = events(60)
    row = {"event": {"Event": {"Id": "7", "FileSystemPath": str(folder)}}}
    endpoint.answers.append((200, {}, json.encode(row)))
    made = work("")
    general = General(portal=endpoint.url, base_data_path=str(tmp_path))
    made.settings = structs.replace(made.settings, general=general)
    run(made)
    assert (folder / "objdetect.mp4").exists()


def test_frames_that_are_not_there_yet(events, work) -> None:
    with pytest.raises(NotYet, match="are there yet"):
        run(work(events(0)))


def test_the_end_is_waited_for_while_the_event_goes_on(events, work) -> None:
    folder = events(60, end=time.time())
    with pytest.raises(NotYet, match="frames after the alarm"):
        run(work(folder, "40", tries=1, animation_max_tries=3))
    assert not (folder / "objdetect.mp4").exists()
    run(work(folder, "40", tries=2, animation_max_tries=3))  # what there is has to do
    assert (folder / "objdetect.mp4").exists()


def test_frames_that_cannot_be_read(events, work) -> None:
    folder = events(60)
    for path in folder.iterdir():
        path.write_bytes(b"\xff\xd8")
        os.utime(path, (LONG_AGO, LONG_AGO))
    with pytest.raises(NotYet, match="cannot be read yet"):
        run(work(folder))


def test_a_folder_that_cannot_be_written(events, work, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = events(60)
    monkeypatch.setattr(module.atomic, "write_to_event", full)
    with pytest.raises(ReportError, match=r"objdetect\.mp4: cannot be written: No space") as caught:
        run(work(folder))
    assert not isinstance(caught.value, NotYet)


class Range(NamedTuple):
    first: int
    last: int
    at: int
    rate: float


@pytest.mark.parametrize(
    ("footage", "most", "expected"),
    [
        (Range(1, 1000, 500, 10.0), 200, (460, 560, 101)),
        (Range(1, 1000, 500, 10.0), 51, (460, 560, 51)),
        (Range(1, 1000, 500, 30.0), 80, (380, 680, 76)),
        (Range(1, 30, 2, 10.0), 80, (1, 30, 30)),
        (Range(7, 7, 7, 10.0), 80, (7, 7, 1)),
    ],
)
def test_which_frames(footage: Range, most: int, expected: tuple[int, int, int]) -> None:
    numbers = chosen(footage, most)
    assert (numbers[0], numbers[-1], len(numbers)) == expected
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("width", "height", "most"), [(640, 360, 80), (3840, 2160, 5), (20_000, 20_000, 2)]
)
def test_large_frames_are_few(width: int, height: int, most: int) -> None:
    class Large(NamedTuple):
        shape: tuple[int, int, int]

    assert most_frames(Large((height, width, 3))) == most


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
