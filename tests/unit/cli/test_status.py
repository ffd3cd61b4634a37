"""`zmhook status`: on or not, and the last event of each monitor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli import status as module
from zmhook.cli.main import main
from zmhook.detection import Drop
from zmhook.event import Event
from zmhook.history.record import record
from zmhook.settings import Settings, load


@pytest.fixture
def config(tmp_path: Path, short: Path, monkeypatch) -> Callable[..., str]:
    monkeypatch.setenv("ZMHOOK_RUN", str(short))

    def write(text: str = "models = hog\n") -> str:
        path = tmp_path / "o.ini"
        path.write_text(f"[general]\nbase_data_path = {tmp_path}/data\n{text}")
        return str(path)

    return write


@pytest.fixture
def decide(config, decision) -> Callable[..., None]:
    """Record decisions, as the hook does."""
    path = config()

    def make(event_id: int, monitor: int, *detections, **more) -> None:
        settings: Settings = load(path).general
        event = Event(id=event_id, monitor_id=monitor, monitor_name=f"cam{monitor}")
        record(decision(*detections, event=event, **more), settings)

    return make


def shown(capsys, path: str) -> dict:
    assert main(["status", "-c", path, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_nothing_has_happened_yet(config, capsys):
    path = config()
    assert shown(capsys, path) == {
        "starts": True, "service": None, "config_error": "", "problem": "",
        "jobs_waiting": 0, "jobs_failed": 0, "monitors": [],
    }  # fmt: skip
    assert main(["status", "-c", path]) == 0
    out = capsys.readouterr().out
    assert "zmhook is on: the next event starts the service" in out
    assert "No event was decided yet." in out
    assert "zmhook doctor checks everything" in out


def test_the_last_event_of_each_monitor(config, capsys, decide, found):
    decide(11, 1, found())
    decide(
        12,
        1,
        outcome="nothing",
        dropped=[Drop(detection=found("car"), rule="zone", reason="outside")],
    )
    decide(13, 2, outcome="undecided", errors=["the portal is away"])
    decide(14, 3, found())
    monitors = shown(capsys, config())["monitors"]
    assert [(each["event_id"], each["outcome"], each["result"]) for each in monitors] == [
        (12, "nothing", "1 dropped by zone"),
        (13, "undecided", "the portal is away"),
        (14, "alarm", "[s] detected:person:97%"),
    ]
    assert main(["status", "-c", config()]) == 0
    out = capsys.readouterr().out
    assert "2 cam2" in out
    assert "s ago" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_service_that_runs(config, capsys, monkeypatch):
    status = {
        "pid": 7, "version": "1.2.3", "uptime_s": 61.0, "config_error": "",
        "queue": {"waiting": 2}, "workers": [],
    }  # fmt: skip
    monkeypatch.setattr(module.running, "is_running", lambda _: True)
    reply = module.client.ServiceReply(200, json.dumps(status).encode())
    monkeypatch.setattr(module.client, "ask", lambda *_: reply)
    path = config()
    assert shown(capsys, path)["service"]["pid"] == 7
    main(["status", "-c", path])
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith(
        "zmhook is on: version 1.2.3 has been running for 1 min 1 s (process 7), 2 events wait"
    )


def test_a_service_with_a_problem(config, capsys, monkeypatch):
    monkeypatch.setattr(module.running, "is_running", lambda _: True)
    path = config()
    assert "no service answers" in shown(capsys, path)["service"]["problem"]
    main(["status", "-c", path])
    assert "zmhook is on, with a PROBLEM: " in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("text", ["[general]\nmodels = hog\n", "wait = soon\n", "weight = 1\n"])
def test_a_configuration_that_is_wrong(text, config, capsys, monkeypatch):
    path = config(text)
    assert main(["status", "-c", path, "--json"]) == 1
    assert "o.ini" in json.loads(capsys.readouterr().out)["config_error"]
    assert main(["status", "-c", path]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "zmhook is off: its configuration is wrong: " in out
    status = json.dumps({"pid": 7, "version": "1.2.3", "config_error": ""}).encode()
    monkeypatch.setattr(module.running, "is_running", lambda _: True)
    monkeypatch.setattr(module.client, "ask", lambda *_: module.client.ServiceReply(200, status))
    assert main(["status", "-c", path]) == 1
    assert "zmhook is on, with a PROBLEM: " in " ".join(capsys.readouterr().out.split())


def test_a_configuration_that_is_not_there(short, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("ZMHOOK_RUN", str(short))
    folders = [tmp_path / "data"]
    monkeypatch.setattr(module, "folders_of", lambda _: folders)
    monkeypatch.setattr(module, "_monitors", lambda _: ([], ""))
    assert main(["status", "-c", str(tmp_path / "none.ini")]) == 1
    assert "there is no such file" in " ".join(capsys.readouterr().out.split())


def test_no_history(config, capsys):
    path = config("models = hog\n[service]\nuse_service = no\n[history]\nrecord_history = no\n")
    found = shown(capsys, path)
    assert not found["starts"]
    assert "record_history" in found["problem"]
    main(["status", "-c", path])
    assert "zmhook is on: without a service" in capsys.readouterr().out
