"""Running the hook: its arguments, its environment, its exit code, its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.event import Event
from zmhook.watch import hooks
from zmhook.watch.hooks import Finished, Hooks, find_script

EVENT = Event(id=12, monitor_id=3, monitor_name="Front; door", cause="$(id)", path="/e/3/12")


@pytest.fixture
def runner(tmp_path: Path) -> Callable[[str], Hooks]:
    def make(body: str) -> Hooks:
        script = tmp_path / "hook.sh"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        return Hooks("/etc/zm/other.ini", script)

    return make


def ended(own: Hooks) -> list[Finished]:
    until = time.monotonic() + 20
    while not (finished := own.finished()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return finished


def test_the_arguments_are_those_of_a_notification_server(runner, tmp_path: Path) -> None:
    own = runner(f'printf "%s|" "$@" "$ZMHOOK_CONFIG" >{tmp_path}/said; exit 0')
    own.start(EVENT, 30)
    assert len(own) == 1
    assert ended(own) == [Finished(EVENT, "alarm")]
    said = (tmp_path / "said").read_text()
    assert said == "12|3|Front; door|$(id)|/e/3/12|/etc/zm/other.ini|"
    assert len(own) == 0


def test_texts_that_no_argument_may_hold(runner, tmp_path: Path) -> None:
    own = runner(f'printf "%s|" "$@" >{tmp_path}/said; exit 1')
    event = Event(id=12, monitor_id=3, monitor_name="Front\0door", cause="a\nb \ud800", path="")
    own.start(event, 30)
    assert ended(own) == [Finished(event, "nothing")]
    assert (tmp_path / "said").read_text() == "12|3|Frontdoor|a\nb ?||"


@pytest.mark.parametrize(
    ("code", "outcome"), [(0, "alarm"), (1, "nothing"), (2, "undecided"), (127, "failed")]
)
def test_the_exit_code_is_the_outcome(code: int, outcome: str, runner) -> None:
    own = runner(f"exit {code}")
    own.start(EVENT, 30)
    assert ended(own) == [Finished(EVENT, outcome)]


def test_a_hook_that_takes_too_long_is_ended(runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SPARE_SECONDS", 0.0)
    own = runner("sleep 600")
    own.start(EVENT, 0.0)
    assert ended(own) == [Finished(EVENT, "failed")]


def test_only_some_run_at_a_time(runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MOST_AT_ONCE", 2)
    own = runner("sleep 600")
    own.start(EVENT, 30)
    assert own.has_room
    own.start(EVENT, 30)
    assert not own.has_room
    assert 0 < own.seconds_left() <= 30 + hooks.SPARE_SECONDS
    own.kill()
    assert [one.outcome for one in own.finished()] == ["failed", "failed"]
    assert own.has_room


def test_the_hook_of_a_checkout_is_found(root: Path) -> None:
    assert find_script() == root / "zm_event_start.sh"
