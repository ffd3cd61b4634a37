"""What the service says of itself. A real one: tests/integration/test_doctor.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook import __version__
from zmhook.doctor import service as module
from zmhook.doctor.service import checks, hook_script
from zmhook.service import client

STATUS = {"pid": 7, "version": __version__, "queue": {"waiting": 0, "size": 100}}


@pytest.fixture
def found(patient, monkeypatch, short: Path) -> Callable[..., dict]:
    monkeypatch.setenv("ZMHOOK_RUN", str(short))

    def examine(status: dict | None = None, text: str = "models = hog\n", ping: str = "") -> dict:
        if status is not None:
            script = short / "zm_event_start.sh"
            script.write_text(f"#!/bin/sh\n{ping or 'echo zmhook 1'}\n")
            script.chmod(0o755)
            monkeypatch.setattr(module, "hook_script", lambda: script)
            monkeypatch.setattr(module.running, "is_running", lambda _: True)
            reply = client.ServiceReply(200, json.dumps({**STATUS, **status}).encode())
            monkeypatch.setattr(client, "ask", lambda *_: reply)
        every = [each for check in checks(patient(text)) for each in check.run()]
        return {each.name: each for each in every}

    return examine


def test_it_need_not_run(found):
    assert found()["service"].text == "not running: the first event starts it"
    off = found(text="models = hog\n[service]\nuse_service = no\n")["service"]
    assert off.state == "ok"
    assert "switched off" in off.text


def test_it_runs_and_the_hook_reaches_it(found):
    findings = found({})
    assert {name: each.state for name, each in findings.items()} == dict.fromkeys(
        ("service", "queue", "hook", "jobs"), "ok"
    )
    assert " reaches it in " in findings["hook"].text


def test_the_hook_does_not_reach_it(found):
    hook = found({}, ping="echo no >&2; exit 2")["hook"]
    assert hook.state == "fault"
    assert "does not reach the running service" in hook.text
    assert "service restart" in hook.cure


def test_another_version_and_a_full_queue(found):
    findings = found({"version": "0.0.1", "queue": {"waiting": 100, "size": 100}})
    assert findings["service"].state == "fault"
    assert f"version 0.0.1 is running, and {__version__} is installed" in findings["service"].text
    assert findings["queue"].state == "fault"


def test_an_edit_that_is_not_in_force(found):
    assert "the last edit" in found({"config_error": "o.ini: bad"})["service"].text


def test_it_hangs(found, monkeypatch, short: Path):
    monkeypatch.setattr(module.running, "is_running", lambda _: True)
    findings = found()
    assert findings["service"].state == "fault"
    assert "no service answers" in findings["service"].text


def test_jobs(found, monkeypatch):
    backlog = {"error": "", "waiting": 3, "failed": 1, "set_aside": 0, "overdue_s": None}
    monkeypatch.setattr(module, "backlog", lambda _: backlog)
    jobs = found()["jobs"]
    assert (jobs.state, jobs.text) == ("warning", "3 wait, 1 failed within a day")
    backlog["error"] = "state/spool: Permission denied"
    assert found()["jobs"].state == "fault"


def test_the_script_of_this_checkout(root: Path):
    assert hook_script() == root / "zm_event_start.sh"
