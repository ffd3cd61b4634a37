"""How long a service wants to be left alone, as it says so in words, in JSON or in a header.

Services say it everywhere but in one place: `Retry-After`, `"retryDelay": "45s"`, `Please try again
in 9m38.016s`, `Retry in 45,5 s`, `resets in 00:12:30`, `resets at 2026-12-01T00:00:00Z`,
`X-RateLimit-Reset` in milliseconds since the epoch.
"""

from __future__ import annotations

import random
import re
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

LONGEST = 26 * 3600.0
"""Seconds; a moment that is farther away comes from a clock that is wrong, or is none."""

_FARTHEST = 32 * 86_400.0
"""Seconds. A date within a month may be meant; more than `LONGEST` is not waited for it."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_AMOUNT = (
    r"([0-9]{1,9}(?:[.,][0-9]{1,12})?)\s?"
    r"(milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
)
_EACH_AMOUNT = re.compile(_AMOUNT, re.IGNORECASE)
_IN_WORDS = re.compile(
    r"(?:retry|again|wait|available|resets?)\s{1,3}(?:(?:in|after|for|about|at least)\s{1,3}){0,3}"
    rf"((?:{_AMOUNT}[\s,]{{0,3}}(?:and\s)?){{1,4}})",
    re.IGNORECASE,
)
_CLOCK = r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9](?:[.,][0-9]{1,9})?))?(?![0-9:])"
_ON_CLOCK = re.compile(
    rf"(?:(?:retry|again|wait|available|resets?)\s{{1,3}}(?:in|after|for|about)\s{{1,3}}"
    rf"|retry[_-]?(?:after|delay|in)\\?[\"']?\s{{0,3}}[:=]\s{{0,3}}\\?[\"']?){_CLOCK}",
    re.IGNORECASE,
)
"""`00:12:30`, hours first, and `12:30`, minutes first; `at 12:30` is a time of day, and is not."""
_DATED = re.compile(
    r"(?:retry|again|wait|available|reset|until)[a-z_ -]{0,24}\\?[\"']?\s{0,3}[:=]?\s{0,3}\\?[\"']?"
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]{1,9})?"
    r"\s?([+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_IN_JSON = re.compile(
    r"retry[_-]?(?:after|delay|in)(?:_?(ms|seconds|s))?\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
    r"([0-9]{1,9}(?:\.[0-9]{1,12})?)(ms|s)?(?![0-9a-z.])",
    re.IGNORECASE,
)
_RESET = re.compile(
    r"(?:ratelimit-reset|resets?_?(?:at|time)|retry_?at)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?([0-9]{10,13})(?![0-9])",
    re.IGNORECASE,
)
_MILLISECONDS = 1e11
"""A number of the epoch's seconds is less, one of its milliseconds more."""


def wait_of(text: str, now: float | None = None) -> float | None:
    """Return the seconds that a text tells to wait; None when it tells nothing of the kind."""
    match = _IN_WORDS.search(text)
    if match:
        return sum(
            _number(amount[1]) * _unit(amount[2]) for amount in _EACH_AMOUNT.finditer(match[1])
        )
    match = _ON_CLOCK.search(text)
    if match:
        return _on_clock(match[1], match[2], match[3])
    match = _IN_JSON.search(text)
    if match:
        unit = (match[3] or match[1] or "s").lower()
        return float(match[2]) * (_UNITS["ms"] if unit == "ms" else 1.0)
    return _until_date(text, time.time() if now is None else now)


def reset_of(text: str, now: float | None = None) -> float | None:
    """Return when limits are reset, seconds since the epoch; None when that is not told."""
    match = _RESET.search(text)
    if not match:
        return None
    number = float(match[1])
    moment = number / 1000 if number > _MILLISECONDS else number
    left = moment - (time.time() if now is None else now)
    return moment if 0 < left <= LONGEST else None


def wait_of_header(text: str) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None for neither."""
    plain = text.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", plain):
        return float(plain)
    try:
        left = parsedate_to_datetime(plain).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return left if 0 < left <= LONGEST else None


def _until_date(text: str, now: float) -> float | None:
    """Return the seconds until a date that a text names (UTC where it names no zone)."""
    match = _DATED.search(text)
    if not match:
        return None
    zone = (match[3] or "+0000").replace(":", "")
    seconds = "" if match[2].count(":") > 1 else ":00"
    try:
        moment = datetime.strptime(f"{match[1]}T{match[2]}{seconds}{zone}", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    left = moment.astimezone(timezone.utc).timestamp() - now
    return min(left, LONGEST) if 0 < left <= _FARTHEST else None


def _on_clock(first: str, second: str, third: str | None) -> float:
    if third is None:
        return float(first) * 60 + float(second)
    return float(first) * 3600 + float(second) * 60 + _number(third)


def _number(text: str) -> float:
    """Read a number with a point, a decimal comma (`45,5`) or one of thousands (`1,500`)."""
    whole, comma, rest = text.partition(",")
    if comma and len(rest) == len("000") and whole != "0":
        return float(whole + rest)
    return float(text.replace(",", "."))


def _unit(name: str) -> float:
    short = name.lower()
    return _UNITS["ms"] if short.startswith(("ms", "milli")) else _UNITS[short[0]]


class Backoff:
    """Seconds to wait, twice as many after each failure, up to `most`; and a fifth more or less.

    The fifth keeps many who wait for the same thing from coming at once.
    """

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    def next(self) -> float:
        seconds = self._next
        self._next = min(self._next * 2, self._most)
        return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - nobody guesses at this
