"""The many ways in which services say when to come back."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from zmhook.net.retry import LONGEST, Backoff, reset_of, wait_of, wait_of_header

NOW = datetime(2026, 11, 30, 23, 0, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 1m26.4s", 86.4),
        ("Retry in 45,5 s", 45.5),
        ("Please retry in 1,500 ms", 1.5),
        ("try again in 1 hour, 5 minutes", 3900),
        ("Rate limit resets in 00:12:30", 750),
        ("try again in 12:30", 750),
        ('"retry_after": "01:00:00"', 3600),
        ("Retry-After: 00:00:40", 40),
        ('"retry_after": 13', 13),
        ("resets at 2026-12-01T00:00:00Z", 3600),
        ("Try again after 2026-12-01 00:00 UTC", 3600),
        ('{"reset_at": "2026-12-01T01:30:00.250+02:00"}', 1800),
        ('X-RateLimit-Reset": "2026-11-30T23:10:00Z"', 600),
        ("wait until 2026-12-15T00:00:00Z", LONGEST),
        ("resets at 2026-11-30T22:00:00Z", None),
        ("resets at 2027-11-30T22:00:00Z", None),
        ("resets at 2026-13-41T22:00:00Z", None),
        ("available at 12:30", None),
        ("the model of 2026-12-01T00:00:00Z", None),
        ("nothing of the kind", None),
    ],
)
def test_how_long_to_wait(text: str, seconds: float | None) -> None:
    expected = seconds if seconds is None else pytest.approx(seconds)
    assert wait_of(text, NOW) == expected


@pytest.mark.parametrize("name", ["X-RateLimit-Reset", "reset_at", "resetTime"])
def test_a_moment_of_the_epoch(name: str) -> None:
    assert reset_of(f'"{name}": {int(NOW) + 60}', NOW) == NOW + 60


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 30 ", 30.0), ("", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("-1", None)],
)
def test_the_header(header: str, seconds: float | None) -> None:
    assert wait_of_header(header) == seconds


def test_twice_as_long_each_time_up_to_the_most() -> None:
    backoff = Backoff(1.0, 5.0)
    waits = [backoff.next() for _ in range(5)]
    for wait, expected in zip(waits, (1, 2, 4, 5, 5), strict=True):
        assert 0.8 * expected <= wait <= 1.2 * expected
    backoff.reset()
    assert backoff.next() <= 1.2
