"""A moment as people read it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from zmhook.text.local_time import local_time


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_it_is_that_of_this_machine():
    assert local_time(0) == "1970-01-01 01:00:00"
    assert local_time(1785337503.9) == "2026-07-29 17:05:03"
