"""One event through all stations. A real ZoneMinder: tests/zoneminder/test_doctor.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.detection import Drop
from zmhook.doctor.database import ZmDatabase
from zmhook.doctor.trail import checks
from zmhook.event import Event
from zmhook.history.record import record
from zmhook.jobs.spool import FAILED, Spool


class Api:
    """Knows event 12 of monitor 1."""

    def __init__(self, endpoint_type, folder: Path) -> None:
        self.endpoint = endpoint_type()
        self.endpoint.answer = self.answer
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.notes = ""
        self.has_pictures = True

    def answer(self, posted) -> tuple[int, dict[str, str], bytes]:
        if "view=image" in posted.path:
            data = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
            return (200, {}, data) if self.has_pictures else (404, {}, b"")
        row = {
            "Id": "12", "MonitorId": "1", "Cause": "Motion", "Notes": self.notes, "Frames": "9",
            "StartDateTime": "2026-07-29 17:05:03", "FileSystemPath": str(self.folder),
        }  # fmt: skip
        if "/events/12.json" in posted.path:
            return 200, {}, json.dumps({"event": {"Event": row}}).encode()
        return 404, {}, b'{"success": false, "data": {"name": "Invalid event"}}'


@pytest.fixture
def api(endpoint_type, tmp_path: Path):
    made = Api(endpoint_type, tmp_path / "events" / "12")
    yield made
    made.endpoint.close()


@pytest.fixture
def follow(patient, api) -> Callable[..., dict]:
    def examine(text: str = "", event: int = 12) -> dict:
        made = patient(f"models = hog\nportal = {api.endpoint.url}/zm\nmax_attempts = 1\n{text}")
        database = ZmDatabase(made.settings.general.base_zm_conf_path)
        (check,) = checks(made, event, database)
        return {each.name: each for each in check.run()}

    return examine


@pytest.fixture
def decide(patient, api, decision) -> Callable[..., None]:
    """Record a decision on event 12, as the hook does."""

    def make(*detections, **more) -> None:
        settings = patient().settings
        event = Event(id=12, monitor_id=1)
        made = decision(*detections, **{"event": event, **more})
        record(made, settings)

    return make


def test_an_event_that_nobody_knows(follow):
    findings = follow(event=99)
    assert [*findings] == ["ZoneMinder"]
    assert findings["ZoneMinder"].state == "fault"


def test_the_hook_was_not_called(follow):
    findings = follow()
    assert findings["ZoneMinder"].text.startswith("monitor 1, began 2026-07-29")
    assert findings["pictures"].text == "alarm 64x48, snapshot 64x48"
    assert findings["hook"].state == "warning"
    assert "stops here" in findings["hook"].text
    assert "zmhook detect 12" in findings["hook"].cure
    assert findings["decision"].text == "if the hook is called now: nothing"


def test_no_picture(follow, api):
    api.has_pictures = False
    findings = follow()
    assert findings["pictures"].state == "fault"
    assert findings["decision"].state == "fault"


def test_nothing_was_detected(follow, decide, found):
    decide(
        outcome="nothing",
        dropped=[Drop(detection=found("car"), rule="zone", reason="outside drive")],
    )
    findings = follow()
    assert findings["hook"].state == "ok"
    assert findings["decision"].text == (
        "stops here: nothing to report; dropped: car by zone (outside drive)"
    )
    assert "zmhook explain 12" in findings["decision"].cure


def test_no_decision_could_be_made(follow, decide):
    decide(outcome="undecided", errors=["the portal is away"])
    finding = follow()["decision"]
    assert finding.state == "fault"
    assert "undecided: the portal is away" in finding.text


def test_an_alarm_and_all_that_follows(follow, decide, found, api):
    decide(found())
    (api.folder / "objdetect.jpg").touch()
    api.notes = "[s] detected:person:97% Motion: All"
    findings = follow("write_notes = yes\n")
    states = {name: each.state for name, each in findings.items()}
    assert states == dict.fromkeys(
        ("ZoneMinder", "pictures", "hook", "decision", "picture", "notes", "messages"), "ok"
    )


def test_what_follows_an_alarm_and_is_missing(follow, decide, found, patient):
    decide(found())
    findings = follow("write_notes = yes\n[notify]\nnotify_mqtt = yes\n")
    assert findings["picture"].state == "fault"
    assert findings["notes"].state == "warning"
    spool = Spool.of(patient().settings.general.base_data_path)
    entry = spool.add(b"{}", b"", ["mqtt"], 1)
    waiting = follow()["messages"]
    assert (waiting.state, waiting.text) == ("warning", "stops here: waiting: mqtt")
    (unit,) = spool.units()
    assert unit.entry == entry
    spool.give_up([unit])
    assert follow()["messages"].state == "fault"
    assert [unit.job for unit in spool.units(FAILED)] == ["mqtt"]


def test_without_a_portal(patient, tmp_path: Path):
    made = patient("models = hog\n[history]\nrecord_history = no\n")
    (check,) = checks(made, 12, ZmDatabase(str(tmp_path)))
    findings = {each.name: each for each in check.run()}
    assert findings["ZoneMinder"].state == "unchecked"
    assert "record_history is off" in findings["hook"].text
    assert "set [general] portal" in findings["decision"].text
