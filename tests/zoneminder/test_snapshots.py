"""A camera's snapshots for events of a real ZoneMinder, which tells when they were."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from zmhook.detection import Box
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox
from zmhook.snapshots.store.store import Store

pytestmark = pytest.mark.zoneminder

ZONES = ["UTC", "America/New_York", "Asia/Kathmandu"]
"""Of this machine; the database has its own."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def config(zm, tmp_path: Path, model: Callable[[str], Path]) -> Callable[[str], Path]:
    def write(mode: str) -> Path:
        path = tmp_path / "objectconfig.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}\nportal = {zm.url}\nuser = admin\n"
            "password = admin\nsleep_between_attempts = 0.5\ndetect_pattern = dog\n"
            f"[yolo]\nweights = {model('yolov8n.onnx')}\nyolo_min_confidence = 0.5\n"
            f"[snapshots]\nframe_source = {mode}\nsnapshot_path = {tmp_path}/store\n"
            "snapshot_wait = 0\n[service]\nuse_service = no\n"
        )
        return path

    return write


@pytest.fixture
def detect(root: Path) -> Callable[..., dict[str, Any]]:
    """Call zm_detect.py for an event, in a zone; return the whole decision."""

    def call(config: Path, event: Any, *more: object, zone: str = "UTC") -> dict[str, Any]:
        ids = ["-e", event.id, "-m", event.monitor_id]
        script = root / "bin" / "zm_detect.py"
        done = subprocess.run(
            [sys.executable, script, "-c", config, "--json", *map(str, [*ids, *more])],
            env={"PATH": "/usr/bin:/bin", "TZ": zone},
            capture_output=True,
            timeout=120,
        )
        return json.loads(done.stdout)

    return call


def cut(picture: Path, box: Box, began: float, **more: object) -> BestSnapshot:
    """Cut a box out of the camera's picture, in twice the size that ZoneMinder records."""
    image = cv2.imread(str(picture))
    height, width = image.shape[:2]
    part = cv2.resize(image[box.y1 : box.y2, box.x1 : box.x2], None, fx=2, fy=2)
    given = {
        "camera": "front",
        "topic": "axis/front/track",
        "format": "axis.object_track.v1",
        "track_id": "t1",
        "taken": began + 1,
        "received": began + 3,
        "picture": cv2.imencode(".jpg", part)[1].tobytes(),
        "start": began - 1,
        "end": began + 2,
        "ended": True,
        "label": "Animal",
        "score": 0.5,
        "crop": SceneBox(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height),
        **more,
    }
    return BestSnapshot(**given)


def with_margin(box: Box, width: int, height: int) -> Box:
    wide, high = box.width / 10, box.height / 10
    return Box.clipped(box.x1 - wide, box.y1 - high, box.x2 + wide, box.y2 + high, width, height)


@pytest.mark.parametrize("zone", ZONES)
def test_the_track_of_the_events_time(
    zone: str, zm, config, detect, store, recorded_event, photo
) -> None:
    """Not the one of ten minutes before; boxes are in the pixels that ZoneMinder records."""
    event = recorded_event(photo("dog.jpg"))
    zm.show(photo("dog.jpg"))
    began = float(zm.sql(f"SELECT unix_timestamp(StartDateTime) FROM Events WHERE Id={event.id}"))
    known = detect(config("portal"), event)
    (dog,) = [Box(*one["box"]) for one in known["detections"]]
    crop = with_margin(dog, known["frame"]["width"], known["frame"]["height"])
    monitor = {"monitor_id": event.monitor_id}
    earlier = cut(zm.picture, crop, began - 600, track_id="earlier", score=0.9, **monitor)
    _, wanted = store.add([earlier, cut(zm.picture, crop, began, **monitor)])

    decision = detect(config("snapshots"), event, "--notes", zone=zone)

    assert decision["outcome"] == "alarm", decision["errors"]
    assert decision["frame"]["id"] == "track"
    assert decision["frame"]["origin"].endswith(wanted.file)
    size = decision["frame"]["width"], decision["frame"]["height"]
    assert size == (known["frame"]["width"], known["frame"]["height"])
    assert Box(*decision["detections"][0]["box"]).iou(dog) > 0.75
    assert zm.notes(event).startswith("[s] detected:dog:")
    assert "Forced Web:" in zm.notes(event)


def test_an_event_that_is_being_recorded(zm, config, detect, store, photo) -> None:
    zm.show(photo("dog.jpg"))
    event = zm.force_alarm("still")
    try:
        now = float(zm.sql("SELECT unix_timestamp()"))
        whole = Box(0, 0, 640, 480)
        store.add([cut(zm.picture, whole, now, monitor_id=event.monitor_id)])

        decision = detect(config("snapshots"), event)

        assert zm.is_open(event)
    finally:
        zm.end_alarm("still")

    assert decision["outcome"] == "alarm", decision["errors"]
    assert decision["frame"]["id"] == "track"


def test_no_track_of_the_events_time(zm, config, detect, store, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    store.add([cut(zm.picture, Box(0, 0, 640, 480), 1000.0, monitor_id=event.monitor_id)])

    assert detect(config("fallback"), event)["frame"]["id"] == "alarm"
    assert "sent no snapshot" in detect(config("snapshots"), event)["errors"][0]
