from __future__ import annotations

import threading

import pytest

from zmhook.net.timed_call import TimedCalls, TooManyPending


def test_a_result_and_an_error_come_through() -> None:
    def fail() -> None:
        raise OSError("oh")

    calls = TimedCalls()
    assert calls.run(lambda: "van", 5) == "van"
    assert calls.run(lambda: None, 5) is None
    with pytest.raises(OSError, match="oh"):
        calls.run(fail, 5)


def test_late_calls_are_left_behind_but_not_without_number() -> None:
    calls, go, others = TimedCalls(most=2), threading.Event(), threading.enumerate()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            calls.run(go.wait, 0.01)
    with pytest.raises(TooManyPending):
        calls.run(go.wait, 0.01)
    go.set()
    for thread in set(threading.enumerate()) - set(others):
        assert thread.daemon
        thread.join()
    assert calls.run(lambda: "van", 5) == "van"
