"""Waiting longer and longer."""

from __future__ import annotations

from zmhook.net.backoff import Backoff


def test_twice_as_long_each_time_up_to_the_most() -> None:
    backoff = Backoff(1.0, 5.0)
    waits = [backoff.next() for _ in range(5)]
    for wait, expected in zip(waits, (1, 2, 4, 5, 5), strict=True):
        assert 0.8 * expected <= wait <= 1.2 * expected
    backoff.reset()
    assert backoff.next() <= 1.2
