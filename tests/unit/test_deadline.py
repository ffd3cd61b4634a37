"""How much time is left."""

from __future__ import annotations

import time

import pytest

from zmhook.deadline import Deadline, answered, reserve, usable, waited
from zmhook.errors import DeadlineExceeded


def test_it_runs_out() -> None:
    deadline = Deadline(0.02)
    assert 0 < deadline.left() <= 0.02
    deadline.check("starting")
    deadline.sleep(10)
    assert deadline.left() == 0
    with pytest.raises(DeadlineExceeded, match=r"while fetching .*event_deadline"):
        deadline.check("fetching")


def test_sleep_is_no_longer_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    Deadline(60).sleep(0.01)
    assert slept == [0.01]


def test_it_may_have_begun_before() -> None:
    assert Deadline(60, since=time.monotonic() - 100).left() == 0
    assert Deadline(60, since=time.monotonic() - 10).left() <= 50


@pytest.mark.parametrize(("whole", "part"), [(3600, 2), (30, 2), (15, 1), (1, 1 / 15)])
def test_the_answer_needs_time_for_its_way_out(whole: float, part: float) -> None:
    assert reserve(whole) == pytest.approx(part)
    assert usable(whole) == pytest.approx(whole - part)


@pytest.mark.parametrize(("whole", "left"), [(3600, 1.5), (30, 1.5), (12, 1), (4, 1), (1, 0.25)])
def test_a_hook_gives_up_while_it_can_still_answer_itself(whole: float, left: float) -> None:
    assert whole - waited(whole) == pytest.approx(left)
    assert 0 < answered(whole) < waited(whole)
    assert answered(whole) <= usable(whole)
