"""The broker and the collector. A real broker: tests/integration/test_doctor.py."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor.broker import checks
from zmhook.snapshots import status
from zmhook.snapshots.status import Last, Totals

TOPICS = "models = hog\n[mqtt-topic-front]\ntopic = axis/front\n"


@pytest.fixture
def collector(patient, tmp_path: Path) -> Callable[..., list]:
    """Examine a collector that has written this of itself."""

    def examine(**more: object) -> list:
        made = patient(TOPICS)
        folder = tmp_path / "data" / "snapshots"
        folder.mkdir(exist_ok=True)
        given = {
            "pid": os.getpid(), "at": time.time(), "broker": "127.0.0.1:1883",
            "topics": ("axis/#",),
            "connected": True, "since": time.time(), "counts": Totals(since=time.time()), **more,
        }  # fmt: skip
        status.write(folder, status.CollectorStatus(**given))
        (check,) = [each for each in checks(made) if each.name == "collector"]
        return [*check.run()]

    return examine


def test_without_mqtt_nothing_is_tried(patient):
    assert checks(patient()) == []
    names = [check.name for check in checks(patient("models = hog\n[notify]\nnotify_mqtt = yes\n"))]
    assert names == ["broker"]


def test_nobody_listens(patient):
    pytest.importorskip("paho")
    made = patient("models = hog\n[notify]\nnotify_mqtt = yes\n[mqtt]\nmqtt_port = 9\n")
    (finding,) = checks(made)[0].run()
    assert finding.state == "fault"
    assert "broker 127.0.0.1:9: Connection refused" in finding.text
    assert "systemctl status mosquitto" in finding.cure


def test_a_collector_without_cameras(collector):
    running, cameras = collector()
    assert running.state == "ok"
    assert cameras.state == "unchecked"
    assert "no camera has sent a snapshot" in cameras.text


def test_cameras_and_their_last_message(collector):
    now = time.time()
    cameras = {
        "front": Last(9, "Human", now, 9),
        "yard": Last(2, "Car", now - 3 * 86400, 2),
    }
    _, front, yard = collector(counts=Totals(since=now, cameras=cameras))
    assert (front.state, yard.state) == ("ok", "warning")
    assert "is the camera on" in yard.cure


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ended": True}, "no collector of best snapshots is running"),
        ({"problem": "broker b: refused"}, "broker b: refused"),
        ({"connected": False}, "not connected to 127.0.0.1:1883"),
        ({"store_problem": "disk full"}, "disk full"),
    ],
)
def test_what_a_collector_may_lack(more: dict, words: str, collector):
    (finding,) = collector(**more)
    assert finding.state == "fault"
    assert words in finding.text
    assert "systemctl start zmhook-snapshots" in finding.cure


def test_no_collector_at_all(patient):
    (check,) = [each for each in checks(patient(TOPICS)) if each.name == "collector"]
    (finding,) = check.run()
    assert finding.state == "fault"
