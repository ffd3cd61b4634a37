from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.decide import Decided
from zmhook.detection import Decision, FrameInfo
from zmhook.errors import PictureError, ReportError
from zmhook.event import Event
from zmhook.frame import Frame, LazyImage
from zmhook.render.line import detection_line
from zmhook.report import artifacts
from zmhook.settings import General, Settings
from zmhook.storage import atomic

BLUE, GREEN, RED = range(3)


def in_folder(folder: Path | str) -> dict[str, Event]:
    return {"event": Event(id=7, path=str(folder))}


def settings(**general) -> Settings:
    return Settings(general=General(**general))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_event_gets_picture_and_objects(decided, tmp_path: Path) -> None:
    artifacts.write_to_event(decided(), settings(), str(tmp_path))
    assert names(tmp_path) == ["objdetect.jpg", "objects.json"]
    assert json.loads((tmp_path / "objects.json").read_bytes()) == {
        "labels": ["person"],
        "boxes": [[30, 40, 130, 200]],
        "frame_id": "snapshot",
        "confidences": [0.97],
        "image_dimensions": {"original": [480, 640], "resized": None},
    }
    picture = cv2.imread(str(tmp_path / "objdetect.jpg"))
    assert picture.shape == (480, 640, 3)
    foot_of_box = picture[199, 80].astype(int)  # one line, which JPEG blurs
    assert foot_of_box[GREEN] > foot_of_box[RED] + 40


def test_objects_of_version_5(decided, tmp_path: Path) -> None:
    artifacts.write_to_event(decided(), settings(json_format="v5"), str(tmp_path))
    assert json.loads((tmp_path / "objects.json").read_bytes()) == {
        "frame": "snapshot",
        "detections": [
            {
                "type": "object",
                "label": "person",
                "box": [30, 40, 130, 200],
                "confidence": "97.00%",
            }
        ],
    }


@pytest.mark.parametrize("json_format", ["v6", "v5"])
@pytest.mark.parametrize(
    ("frame_id", "expected"),
    [("alarm", "alarm"), ("12", "12"), ("track2", "snapshot"), ("file", "snapshot")],
)
def test_objects_name_a_frame_that_zoneminder_can_open(
    decision, found, tmp_path: Path, frame_id: str, expected: str, json_format: str
) -> None:
    told = decision(found(), frame=FrameInfo(id=frame_id, origin="x", width=640, height=480))
    given = Decided(told, Frame(np.zeros((480, 640, 3), np.uint8), frame_id, "x"))
    general = {"json_format": json_format, "show_camera_frame": True}
    artifacts.write_to_event(given, settings(**general), str(tmp_path))
    data = json.loads((tmp_path / "objects.json").read_bytes())
    assert data["frame_id" if json_format == "v6" else "frame"] == expected


def test_objects_tell_what_was_described(decision, found, described, tmp_path: Path) -> None:
    """Byte for byte what stands behind the line."""
    told = decision(found(), described())
    given = Decided(told, Frame(np.zeros((480, 640, 3), np.uint8), "snapshot", "x"))
    artifacts.write_to_event(given, settings(), str(tmp_path))
    line = detection_line(told, settings())
    assert (tmp_path / "objects.json").read_text() == line.partition("--SPLIT--")[2]
    assert "A man with a parcel." in line


def test_what_was_there_is_replaced(decided, tmp_path: Path) -> None:
    (tmp_path / "objdetect.jpg").write_bytes(b"old")
    artifacts.write_to_event(decided(), settings(), str(tmp_path))
    assert (tmp_path / "objdetect.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_debug_picture(decided, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "for it"
    artifacts.write_debug_image(decided(), settings(image_path=str(folder)))
    assert names(folder) == ["7-snapshot-debug.jpg"]
    picture = cv2.imread(str(folder / "7-snapshot-debug.jpg")).astype(int)
    side_of_dropped = picture[330, 300]
    assert side_of_dropped[RED] > side_of_dropped[GREEN] + 40


def test_debug_picture_without_an_event(decided, tmp_path: Path) -> None:
    given = decided(event=Event())
    given = Decided(given.decision, Frame(given.frame.image, "../a b", "x"))
    artifacts.write_debug_image(given, settings(image_path=str(tmp_path)))
    assert names(tmp_path) == ["___a_b-debug.jpg"]


@pytest.mark.parametrize(
    ("event", "name"), [(Event(id=7), "7-objdetect.jpg"), (Event(), "objdetect.jpg")]
)
def test_picture_for_the_caller(decided, tmp_path: Path, event: Event, name: str) -> None:
    artifacts.write_annotated(decided(event=event), settings(), str(tmp_path / "out"))
    assert names(tmp_path / "out") == [name]


# -- what goes wrong ---------------------------------------------------------------------------


def fails(write) -> str:
    with pytest.raises(ReportError) as caught:
        write()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_folder_is_gone(decided, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert fails(lambda: artifacts.write_to_event(decided(), settings(), gone)) == (
        f"{tmp_path}/gone/objects.json cannot be written: No such file or directory; "
        "the event's folder is gone, or is on another machine"
    )


def test_folder_is_a_file(decided, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = fails(
        lambda: artifacts.write_annotated(decided(), settings(), str(tmp_path / "file"))
    )
    assert message == f"{tmp_path}/file cannot be written: File exists"


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "No space left on device; free some space there"),
        (errno.EACCES, "Permission denied; let "),
        (errno.EROFS, "Read-only file system"),
    ],
)
def test_disk_says_no(decided, tmp_path: Path, monkeypatch, number: int, hint: str) -> None:
    (tmp_path / "objects.json").write_bytes(b"old")

    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fchmod", refuse)
    message = fails(lambda: artifacts.write_to_event(decided(), settings(), str(tmp_path)))
    assert message.startswith(f"{tmp_path}/objects.json cannot be written: {hint}")
    assert names(tmp_path) == ["objects.json"]
    assert (tmp_path / "objects.json").read_bytes() == b"old"


def test_user_without_a_name(decided, tmp_path: Path, monkeypatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    def refuse(*_) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(artifacts.getpass, "getuser", nobody)
    monkeypatch.setattr(atomic.os, "fchmod", refuse)
    message = fails(lambda: artifacts.write_to_event(decided(), settings(), str(tmp_path)))
    assert message.endswith(f"Permission denied; let this user write to {tmp_path}")


def test_picture_too_large_for_a_jpeg(tmp_path: Path, decision) -> None:
    frame = Frame(np.zeros((1, 70_000, 3), np.uint8), "snapshot", "x")
    given = Decided(decision(), frame)
    message = fails(lambda: artifacts.write_annotated(given, settings(), str(tmp_path)))
    assert message == "the picture cannot be written: 70000x1 pixels are too many for a JPEG"
    assert names(tmp_path) == []


def test_no_picture(tmp_path: Path) -> None:
    given = Decided(Decision(event=Event(), outcome="undecided"), None)
    assert "no picture" in fails(
        lambda: artifacts.write_annotated(given, settings(), str(tmp_path))
    )


# -- write_image_width ---------------------------------------------------------------------------


def test_the_picture_is_reduced_and_its_boxes_stay_where_they_are(decided, tmp_path: Path) -> None:
    artifacts.write_to_event(decided(), settings(write_image_width=320), str(tmp_path))
    picture = cv2.imread(str(tmp_path / "objdetect.jpg")).astype(int)
    assert picture.shape == (240, 320, 3)
    # The box is 30, 40, 130, 200 in the full picture.
    assert picture[99, 40, GREEN] > picture[99, 40, RED] + 40
    objects = json.loads((tmp_path / "objects.json").read_bytes())
    assert objects["boxes"] == [[30, 40, 130, 200]]
    assert objects["image_dimensions"] == {"original": [480, 640], "resized": None}


@pytest.mark.parametrize("width", [0, 640, 20_000])
def test_a_picture_that_is_no_wider_keeps_its_size(decided, width: int, tmp_path: Path) -> None:
    artifacts.write_to_event(decided(), settings(write_image_width=width), str(tmp_path))
    assert cv2.imread(str(tmp_path / "objdetect.jpg")).shape == (480, 640, 3)


@pytest.mark.parametrize("width", [1, 8, 33])
def test_any_width_can_be_written(decided, width: int, tmp_path: Path) -> None:
    artifacts.write_to_event(decided(), settings(write_image_width=width), str(tmp_path))
    assert cv2.imread(str(tmp_path / "objdetect.jpg")).shape[1] == width


def test_debug_pictures_keep_their_size(decided, tmp_path: Path) -> None:
    reduced = settings(write_image_width=320, image_path=str(tmp_path))
    path = artifacts.write_debug_image(decided(), reduced)
    assert cv2.imread(str(path)).shape == (480, 640, 3)


def lazy(decode: Callable[[int], np.ndarray]) -> Frame:
    half = np.full((540, 960, 3), 128, np.uint8)
    return Frame(LazyImage((1920, 1080), decode, {2: half}), "snapshot", "x")


def test_what_was_decoded_reduced_is_enough_for_a_reduced_picture(decided, tmp_path: Path) -> None:
    def decode(number: int) -> np.ndarray:
        pytest.fail(f"decoded again, by {number}")

    given = decided()._replace(frame=lazy(decode))
    artifacts.write_to_event(given, settings(write_image_width=960), str(tmp_path))
    assert cv2.imread(str(tmp_path / "objdetect.jpg")).shape == (540, 960, 3)


def test_a_picture_that_cannot_be_decoded_in_full(decided, tmp_path: Path) -> None:
    def decode(number: int) -> np.ndarray:
        raise PictureError(f"x: is damaged ({number})")

    given = decided()._replace(frame=lazy(decode))
    with pytest.raises(ReportError, match=r"x: is damaged \(1\)"):
        artifacts.write_to_event(given, settings(), str(tmp_path))
