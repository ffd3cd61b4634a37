"""A stuck run is ended, and memory is bounded."""

from __future__ import annotations

import signal
import threading

import pytest

from zmhook.process import limits
from zmhook.process.limits import TimedCalls, TooManyPending


def test_it_fires_after_the_deadline(monkeypatch) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.01)
    fired = threading.Event()

    dog = limits.Watchdog(0.05, fired.set)

    assert fired.wait(5)
    dog.stop()


def test_stopped_it_stays_quiet(monkeypatch) -> None:
    monkeypatch.setattr(limits, "GRACE", 60)
    fired, before = threading.Event(), set(threading.enumerate())

    limits.Watchdog(0.05, fired.set).stop()

    for thread in set(threading.enumerate()) - before:
        thread.join()  # it ends at once, without having called
    assert not fired.is_set()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_kernel_ends_a_process_whose_threads_never_let_go(root) -> None:
    """An endless regular expression holds the interpreter; no Python code can stop it."""
    import subprocess
    import sys

    code = (
        f"import sys, re; sys.path.insert(0, {str(root / 'hook')!r})\n"
        "from zmhook.process import limits\n"
        "limits.GRACE = 0.01; limits.HARD_GRACE = 0.3\n"
        "limits.Watchdog(0.1, lambda: None)\n"
        "re.match('(a|aa)+$', 'a' * 200 + 'b')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)

    assert done.returncode == -signal.SIGALRM


# -- memory ----------------------------------------------------------------------------------------


def test_memory_is_bounded(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(limits.resource, "setrlimit", lambda kind, both: asked.append(both))
    for hard, soft in ((limits.resource.RLIM_INFINITY, 4 << 30), (1 << 30, 1 << 30)):
        monkeypatch.setattr(limits.resource, "getrlimit", lambda _, hard=hard: (hard, hard))
        limits.limit_memory()
        assert asked.pop() == (soft, hard)


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
