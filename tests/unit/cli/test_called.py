"""When the hook was called."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from zmhook.cli import called


@pytest.fixture
def uptime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "uptime"
    path.write_text("1000.50 1980.00\n")
    monkeypatch.setattr(called, "UPTIME", path)
    monkeypatch.setattr(time, "monotonic", lambda: 500.0)
    return path


@pytest.mark.parametrize(("began", "when"), [("990.50", 490), ("1000.50", 500), ("100.5", -400)])
def test_the_shells_time_counts(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, began: str, when: float
) -> None:
    monkeypatch.setenv(called.VARIABLE, began)

    assert called.called() == pytest.approx(when)
    assert called.VARIABLE not in os.environ


@pytest.mark.parametrize("began", [None, "", "soon", "1001", "nan"])
def test_without_one_it_is_now(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, began: str | None
) -> None:
    if began is None:
        monkeypatch.delenv(called.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(called.VARIABLE, began)

    assert called.called() == 500


@pytest.mark.parametrize("text", ["", "much\n"])
def test_without_a_clock_it_is_now(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(called.VARIABLE, "990")
    uptime.write_text(text)

    assert called.called() == 500
    uptime.unlink()
    assert called.called() == 500
