"""Signals that are waited for."""

from __future__ import annotations

import os
import signal

from zmhook.process.signals import Signals


def test_they_come_one_after_the_other() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Signals([signal.SIGUSR1, signal.SIGHUP]) as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.wait(10) == signal.SIGUSR1
        assert signals.wait(10) == signal.SIGHUP
        assert signals.wait(0) is None
    assert signal.getsignal(signal.SIGUSR1) == before
