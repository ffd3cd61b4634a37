"""Monitors as an API shows them. A real ZoneMinder: tests/zoneminder/test_doctor.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.doctor import monitors as module
from zmhook.doctor.finding import Finding, fault
from zmhook.doctor.monitors import Camera, checks, folder_problem, summed_up
from zmhook.settings import General, Settings


class FakeApi:
    """An API with two monitors, of which `hidden` are not shown; `answers` are by a path's part."""

    def __init__(self, endpoint_type, tmp_path: Path) -> None:
        self.endpoint = endpoint_type()
        self.endpoint.answer = self.answer
        self.folder = tmp_path / "events" / "12"
        self.folder.mkdir(parents=True)
        self.hidden: set[int] = set()
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.changes: list[bytes] = []

    def answer(self, posted) -> tuple[int, dict[str, str], bytes]:
        for part, (status, body) in self.answers.items():
            if part in f"{posted.method} {posted.path}":
                return status, {}, body
        if posted.method == "PUT":
            self.changes.append(posted.body)
            return 200, {}, b'{"message": "Error"}'
        return 200, {}, self.found(posted.path)

    def found(self, path: str) -> bytes:
        event = {"Id": "12", "MonitorId": "1", "FileSystemPath": str(self.folder)}
        if "view=image" in path:
            return cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
        if "monitors.json" in path:
            shown = {1, 2} - self.hidden
            rows = [{"Monitor": {"Id": str(n), "Name": f"m{n}"}} for n in sorted(shown)]
            return json.dumps({"monitors": rows}).encode()
        if "zones.json" in path:
            return json.dumps({"zones": [{"Zone": {"MonitorId": "1"}}]}).encode()
        if "events/index" in path:
            return json.dumps({"events": [{"Event": event}]}).encode()
        return json.dumps({"event": {"Event": event}}).encode()


@pytest.fixture
def api(endpoint_type, tmp_path: Path):
    made = FakeApi(endpoint_type, tmp_path)
    yield made
    made.endpoint.close()


@pytest.fixture
def found(patient, api) -> Callable[..., dict]:
    def examine(text: str = "", known: dict[int, str] | None = None) -> dict:
        made = patient(f"models = hog\nportal = {api.endpoint.url}/zm\n{text}")
        (check,) = checks(made, lambda: known or {})
        return {each.name: each for each in check.run()}

    return examine


def test_all_is_well_and_nothing_is_changed(found, api):
    findings = found()
    assert [each.state for each in findings.values()] == ["ok", "ok"]
    text = findings["monitor 1"].text
    assert text == "m1: event 12: snapshot 64x48, 1 zone, its folder is readable here, editable"
    assert api.changes == [b"", b""]


def test_a_monitor_that_the_user_may_not_see(found, api):
    api.hidden = {2}
    findings = found("user =\n", {1: "m1", 2: "yard"})
    hidden = findings["monitor 2"]
    assert hidden.state == "fault"
    assert "may not see it" in hidden.text
    assert "allow this monitor" in hidden.cure
    assert findings["monitor 1"].state == "ok"


def test_monitors_of_the_configuration_count_too(found):
    assert found("[monitor-7]\nwait = 1\n")["monitor 7"].state == "fault"


def test_the_same_of_many_monitors_is_one_line(found, api):
    known = {number: f"m{number}" for number in range(1, 203)}
    findings = found("user =\n", known)
    hidden = findings["monitors"]
    assert [*findings] == ["monitors", "monitor 1", "monitor 2"]
    assert hidden.state == "fault"
    assert hidden.text.startswith("200 monitors (3 m3, 4 m4, 5 m5 and 197 more): ZoneMinder's")


def test_events_differ_in_their_numbers_only():
    def fault_of(number: int, why: str) -> Finding:
        return fault(f"monitor {number}", f"event {number * 7}: {why}", f"chmod /events/{number}")

    numbers = range(1, 8)
    cameras = [Camera(number, "yard") for number in numbers]
    alike = [*summed_up(zip(cameras, [fault_of(n, "a") for n in numbers], strict=True))]
    assert len(alike) == 1
    assert alike[0].text == "7 monitors (1 yard, 2 yard, 3 yard and 4 more): event 7: a"
    different = [fault_of(n, "a" if n % 2 else "b") for n in numbers]
    assert len([*summed_up(zip(cameras, different, strict=True))]) == len(numbers)


def test_when_there_is_no_time_left_it_says_so(found, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", -1.0)
    assert [each.state for each in found().values()] == ["unchecked"] * 2


def test_no_right_to_edit(found, api):
    api.answers["PUT "] = (401, b'{"success": false}')
    finding = found()["monitor 1"]
    assert finding.state == "ok"
    assert "which only write_notes needs" in finding.text
    finding = found("write_notes = yes\n")["monitor 1"]
    assert finding.state == "fault"
    assert finding.cure.endswith("Events: Edit")


def test_an_event_without_a_picture(found, api):
    api.answers["view=image"] = (404, b"")
    finding = found()["monitor 1"]
    assert finding.state == "warning"
    assert "event 12 has no picture (yet)" in finding.text


def test_no_event_and_no_monitor(found, api):
    api.answers["events/index"] = (200, b'{"events": []}')
    finding = found()["monitor 1"]
    assert finding.state == "unchecked"
    assert "no event yet" in finding.text
    api.hidden = {1, 2}
    assert found()["monitors"].text == "ZoneMinder has no monitor yet"


def test_nobody_answers(found, api):
    api.answers["monitors.json"] = (500, b"")
    assert found()["monitors"].state == "unchecked"


def test_the_list_is_refused(found, api):
    api.answers["monitors.json"] = (401, b"{}")
    finding = found()["monitors"]
    assert finding.state in ("fault", "unchecked")


def test_a_folder_that_is_not_ours(tmp_path: Path, monkeypatch):
    settings = Settings()
    assert folder_problem(str(tmp_path / "none"), settings) is None
    assert folder_problem(str(tmp_path), settings) is None
    monkeypatch.setattr(module.os, "access", lambda _, mode: mode != module.os.W_OK)
    problem = folder_problem(str(tmp_path), settings)
    assert problem is not None
    assert "may not write objdetect.jpg" in problem.text
    quiet = Settings(general=General(write_image_to_zm=False))
    assert folder_problem(str(tmp_path), quiet) is None
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    problem = folder_problem(str(tmp_path), quiet)
    assert problem is not None
    assert "may not read" in problem.text
