"""A label that has just rung stays quiet on its monitor, for no longer than is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.settings import Settings
from zmhook.state.cooldown import AHEAD, FILE, LONGEST, Cooldown
from zmhook.state.kept import kept

NOW = 1_000_000.0


@pytest.fixture
def cooldown(configured: Callable[..., Settings]) -> Cooldown:
    return Cooldown.open(configured())


def test_what_never_rang_may_ring(cooldown: Cooldown) -> None:
    assert cooldown.left(1, "car", NOW, 60) == 0


@pytest.mark.parametrize(("after", "left"), [(0, 60), (59, 1), (60, 0), (10_000, 0)])
def test_what_rang_waits(cooldown: Cooldown, after: float, left: float) -> None:
    cooldown.rung(1, ["car"], NOW)
    assert cooldown.left(1, "car", NOW + after, 60) == left


def test_the_last_ring_counts(cooldown: Cooldown) -> None:
    cooldown.rung(1, ["car"], NOW)
    cooldown.rung(1, ["car"], NOW + 50)
    assert cooldown.left(1, "car", NOW + 60, 60) == 50


def test_labels_and_monitors_are_apart(cooldown: Cooldown) -> None:
    cooldown.rung(1, ["Car", "dog"], NOW)
    asked = [(1, "car"), (1, "DOG"), (1, "person"), (2, "car")]
    assert [cooldown.left(*one, NOW, 60) for one in asked] == [60, 60, 0, 0]


def test_no_cooldown_is_none(cooldown: Cooldown) -> None:
    cooldown.rung(1, ["car"], NOW)
    assert cooldown.left(1, "car", NOW, 0) == 0


def test_a_clock_set_back_is_harmless(cooldown: Cooldown) -> None:
    cooldown.rung(1, ["car"], NOW)
    assert cooldown.left(1, "car", NOW - 1, 60) == 60, "another process's clock: never more"
    assert cooldown.left(1, "car", NOW - AHEAD - 1, 60) == 0
    cooldown.rung(1, ["car"], NOW - 5000)
    assert cooldown.left(1, "car", NOW - 4990, 60) == 50


def test_old_rings_are_not_kept(cooldown: Cooldown, configured: Callable[..., Settings]) -> None:
    cooldown.rung(1, ["plate 1"], NOW - LONGEST - 1)
    cooldown.rung(1, ["plate 2"], NOW + AHEAD + 1)
    cooldown.rung(2, ["plate 3"], NOW)
    database = kept(Path(configured().gate.state_path, FILE), ())
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
    cooldown.rung(1, ["car"], now)
    assert cooldown.left(1, "car", now, 60) == 60
    assert FILE in caplog.text
