from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from zmhook.describe import refusals
from zmhook.describe.refusals import midnight, refusal, retry_after, too_many
from zmhook.describe.steps import FormRefused

PLACE, MODEL = "http://127.0.0.1:1", "llava"


def utc(*moment: int) -> float:
    return datetime(*moment, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ((2026, 11, 21, 12), (2026, 11, 22, 8)),  # winter: UTC-8
        ((2026, 11, 22, 7, 59, 59), (2026, 11, 22, 8)),
        ((2026, 11, 22, 8), (2026, 11, 23, 8)),
        ((2026, 7, 1, 0), (2026, 7, 1, 7)),  # summer: UTC-7
        ((2026, 3, 8, 9), (2026, 3, 9, 7)),  # the day that has 23 hours
        ((2026, 11, 1, 8), (2026, 11, 2, 8)),  # the day that has 25
    ],
)
def test_the_day_ends_at_midnight_in_california(now: tuple, end: tuple) -> None:
    assert midnight(utc(*now)) == utc(*end)


def test_without_time_zones_it_is_an_hour_late_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.ZoneInfo", lambda _: ZoneInfo("No/Such"))
    assert midnight(utc(2026, 7, 1, 0)) == utc(2026, 7, 1, 8)


@pytest.mark.parametrize(
    ("quotas", "said", "daily"),
    [
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "Quota exceeded", True),
        ("PerMinutePerProject GenerateRequestsPerDay", "Quota exceeded", True),
        ("", "Rate limit reached for requests per day (RPD)", True),
        ("GenerateRequestsPerMinutePerProjectPerModel", "Quota exceeded", False),
        ("", "Too many requests", False),
    ],
)
def test_a_days_limit_is_told_from_a_minutes(quotas: str, said: str, daily: bool) -> None:
    """A day's comes with a delay of seconds, too, after which nothing is better."""
    error = too_many(said, quotas, 12.0)
    if daily:
        assert error.until == midnight()
        assert error.reason == "the day's quota is used up"
    else:
        assert error.until == pytest.approx(time.time() + 12, abs=5)
        assert error.reason == "too many questions"
    assert not error.counts


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Please retry in 29.5s.", 29.5),
        ("Please try again in 1.2s", 1.2),
        ("Try again in 7 seconds", 7),
        ("Too many", 30),
    ],
)
def test_the_wait_may_be_in_the_words_only(said: str, seconds: float) -> None:
    assert too_many(said).until == pytest.approx(time.time() + seconds, abs=3)


def test_no_wait_is_longer_than_a_day() -> None:
    assert too_many("", delay=1e9).until <= time.time() + 86_400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 30 ", 30.0), ("", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("-1", None)],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after(header) == seconds


@pytest.mark.parametrize(
    ("status", "said", "short", "again"),
    [
        (302, "", "no answer", False),
        (400, "Unable to process input image.", "refused", False),
        (401, "bad", "the key is refused", False),
        (403, "bad", "the key is refused", False),
        (404, "no llava", "no such model", False),
        (408, "late", "no answer", True),
        (413, "too large", "refused", False),
        (500, "oh", "no answer", True),
        (503, "overloaded", "no answer", True),
    ],
)
def test_other_statuses(status: int, said: str, short: str, again: bool) -> None:
    error = refusal(status, said, PLACE, MODEL)
    assert error.reason == short
    assert bool(error.until) is again
    assert not error.counts
    if again:
        assert error.until <= time.time() + refusals.TRANSIENT_DELAY


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_form_that_is_refused(status: int) -> None:
    error = refusal(status, "json_schema is not supported", PLACE, MODEL)
    assert isinstance(error, FormRefused)


def test_it_is_said_until_when() -> None:
    soon = time.localtime(time.time() + timedelta(seconds=12).total_seconds())
    assert time.strftime("%H:", soon) in str(too_many("Slow down.", delay=12.0))
