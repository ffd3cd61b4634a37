"""How much time is left."""

from __future__ import annotations

import time

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded


def test_it_runs_out() -> None:
    deadline = Deadline(0.02)
    assert 0 < deadline.left() <= 0.02
    deadline.check("starting")
    deadline.sleep(10)
    assert deadline.left() == 0
    with pytest.raises(DeadlineExceeded, match=r"while fetching .*event_deadline"):
        deadline.check("fetching")


def test_sleep_is_no_longer_than_asked() -> None:
    started = time.monotonic()
    Deadline(60).sleep(0.01)
    assert time.monotonic() - started < 30
