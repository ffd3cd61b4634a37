"""How long a service wants to be left alone, as it says so in words, in JSON or in a header.

Services say it everywhere but in one place: `Retry-After`, `"retryDelay": "45s"`, `Please try again
in 9m38.016s`, `Please retry after 33 seconds`, `X-RateLimit-Reset` in milliseconds since the epoch.
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

LONGEST = 26 * 3600.0
"""Seconds; a moment that is farther away comes from a clock that is wrong, or is none."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_AMOUNT = (
    r"([0-9]{1,9}(?:\.[0-9]{1,12})?)\s?"
    r"(milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
)
_ONE = re.compile(_AMOUNT, re.IGNORECASE)
_IN_WORDS = re.compile(
    r"(?:retry|again|wait|available|resets?)\s{1,3}(?:(?:in|after|for|about|at least)\s{1,3}){0,3}"
    rf"((?:{_AMOUNT}[\s,]{{0,3}}(?:and\s)?){{1,4}})",
    re.IGNORECASE,
)
_IN_JSON = re.compile(
    r"retry[_-]?(?:after|delay|in)(?:_?(ms|seconds|s))?\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
    r"([0-9]{1,9}(?:\.[0-9]{1,12})?)(ms|s)?(?![0-9a-z.])",
    re.IGNORECASE,
)
_RESET = re.compile(
    r"x-ratelimit-reset\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?([0-9]{10,13})(?![0-9])", re.IGNORECASE
)
_MILLISECONDS = 1e11
"""A number of the epoch's seconds is less, one of its milliseconds more."""


def wait_of(text: str) -> float | None:
    """Return the seconds that a text tells to wait; None when it tells nothing of the kind."""
    found = _IN_WORDS.search(text)
    if found:
        return sum(float(one[1]) * _unit(one[2]) for one in _ONE.finditer(found[1]))
    found = _IN_JSON.search(text)
    if found:
        unit = (found[3] or found[1] or "s").lower()
        return float(found[2]) * (_UNITS["ms"] if unit == "ms" else 1.0)
    return None


def reset_of(text: str, now: float | None = None) -> float | None:
    """Return when limits are reset, seconds since the epoch; None when that is not told."""
    found = _RESET.search(text)
    if not found:
        return None
    told = float(found[1])
    moment = told / 1000 if told > _MILLISECONDS else told
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


def _unit(name: str) -> float:
    short = name.lower()
    return _UNITS["ms"] if short.startswith(("ms", "milli")) else _UNITS[short[0]]
