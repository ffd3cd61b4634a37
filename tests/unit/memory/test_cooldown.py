"""A label that has just rung stays quiet on its monitor, for no longer than is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.memory.cooldown import AHEAD, FILE, LONGEST, SCHEMA, Cooldown
from zmhook.settings import Settings
from zmhook.storage.shared_database import close_all, shared_database

NOW = 1_000_000.0


@pytest.fixture
def cooldown(configured: Callable[..., Settings]) -> Cooldown:
    return Cooldown.open(configured())


def test_what_never_rang_may_ring(cooldown: Cooldown) -> None:
    assert cooldown.left(1, "car", NOW, 60) == 0


@pytest.mark.parametrize(("after", "left"), [(0, 60), (59, 1), (60, 0), (10_000, 0)])
def test_what_rang_waits(cooldown: Cooldown, after: float, left: float) -> None:
    cooldown.record(1, ["car"], NOW, 0)
    assert cooldown.left(1, "car", NOW + after, 60) == left


def test_the_last_ring_counts(cooldown: Cooldown) -> None:
    cooldown.record(1, ["car"], NOW, 0)
    cooldown.record(1, ["car"], NOW + 50, 0)
    assert cooldown.left(1, "car", NOW + 60, 60) == 50


def test_of_two_events_at_once_one_rings(cooldown: Cooldown) -> None:
    assert cooldown.record(1, ["car", "Dog"], NOW, 60, event_id=7) == {}
    assert cooldown.record(1, ["dog", "cat"], NOW + 1, 60, event_id=8) == {"dog": 59}
    assert cooldown.left(1, "cat", NOW + 2, 60, event_id=7) == 59
    assert cooldown.left(1, "dog", NOW + 2, 60, event_id=8) == 58, "who lost has not rung"


def test_what_an_event_rang_does_not_keep_it_quiet(cooldown: Cooldown) -> None:
    assert cooldown.record(1, ["car"], NOW, 60, event_id=7) == {}
    assert cooldown.left(1, "car", NOW + 1, 60, event_id=7) == 0
    assert cooldown.record(1, ["car"], NOW + 1, 60, event_id=7) == {}
    assert cooldown.left(1, "car", NOW + 2, 60, event_id=8) == 59


def test_a_file_of_the_first_version_goes_on(configured: Callable[..., Settings]) -> None:
    settings = configured()
    old = shared_database(Path(settings.gate.state_path, FILE), SCHEMA[:1])
    old.use(lambda one: one.execute("INSERT INTO rings VALUES (1, 'car', ?)", [NOW]))
    old.close()
    close_all()
    assert Cooldown.open(settings).left(1, "car", NOW + 1, 60, event_id=7) == 59


def test_labels_and_monitors_are_apart(cooldown: Cooldown) -> None:
    cooldown.record(1, ["Car", "dog"], NOW, 0)
    asked = [(1, "car"), (1, "DOG"), (1, "person"), (2, "car")]
    assert [cooldown.left(*one, NOW, 60) for one in asked] == [60, 60, 0, 0]


def test_no_cooldown_is_none(cooldown: Cooldown) -> None:
    cooldown.record(1, ["car"], NOW, 0)
    assert cooldown.left(1, "car", NOW, 0) == 0


def test_a_clock_set_back_is_harmless(cooldown: Cooldown) -> None:
    cooldown.record(1, ["car"], NOW, 0)
    assert cooldown.left(1, "car", NOW - 1, 60) == 60, "another process's clock: never more"
    assert cooldown.left(1, "car", NOW - AHEAD - 1, 60) == 0
    cooldown.record(1, ["car"], NOW - 5000, 0)
    assert cooldown.left(1, "car", NOW - 4990, 60) == 50


def test_old_rings_are_not_kept(cooldown: Cooldown, configured: Callable[..., Settings]) -> None:
    cooldown.record(1, ["plate 1"], NOW - LONGEST - 1, 0)
    cooldown.record(1, ["plate 2"], NOW + AHEAD + 1, 0)
    cooldown.record(2, ["plate 3"], NOW, 0)
    database = shared_database(Path(configured().gate.state_path, FILE), ())
    rows = database.use(lambda one: one.execute("SELECT label FROM rings").fetchall())
    assert rows == [("plate 3",)]


def test_a_damaged_file_is_set_aside(
    configured: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    settings = configured()
    file = Path(settings.gate.state_path, FILE)
    file.parent.mkdir()
    file.write_bytes(b"nonsense" * 1000)
    cooldown = Cooldown.open(settings)
    now = time.time()
    cooldown.record(1, ["car"], now, 0)
    assert cooldown.left(1, "car", now, 60) == 60
    assert FILE in caplog.text
