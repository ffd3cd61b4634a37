"""What a service's refusal means: whether, and from when on, asking again may help."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone, tzinfo

from zmhook.describe.steps import FormRefused, is_about_form
from zmhook.describe.unanswered import Unanswered, clock_time

BAD_REQUEST, NOT_FOUND, TIMEOUT, UNPROCESSABLE, TOO_MANY = 400, 404, 408, 422, 429
SERVER_ERROR = 500
FORBIDDEN = (401, 403)
UNKNOWN_DELAY = 30.0
"""Seconds to wait after "too many" when nobody says how many."""
TRANSIENT_DELAY = 1.0
LONGEST_DELAY = 86_400.0

_PER_DAY = re.compile(r"per[ _-]?day", re.IGNORECASE)
_IN_SECONDS = re.compile(r"(?:retry|again) in ([0-9]{1,9}(?:\.[0-9]{1,9})?) ?s", re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}")
_ABOUT_FORM = (BAD_REQUEST, UNPROCESSABLE, SERVER_ERROR)
_PACIFIC_WINTER = timezone(timedelta(hours=-8))


def refusal(status: int, said: str, place: str, model: str) -> Unanswered:
    """Turn an HTTP status other than 200 and 429, and the server's words, into what it means."""
    short, text, until = "refused", f"{place} answers {status}: {said}", 0.0
    if status in _ABOUT_FORM and is_about_form(said):
        return FormRefused(short, f"{place} refuses the form of answer: {said}")
    if status in FORBIDDEN:
        return key_refused(said)
    if status == NOT_FOUND:
        short, text = "no such model", f"[gemini] gemini_model = {model} at {place}: {said}"
    elif status == TIMEOUT or status >= SERVER_ERROR:
        short, until = "no answer", time.time() + TRANSIENT_DELAY
    elif status < BAD_REQUEST:
        short = "no answer"
        text = f"{place} answers {status}: redirects are not followed ([gemini] gemini_url)"
    return Unanswered(short, text, until=until)


def key_refused(said: str) -> Unanswered:
    return Unanswered("the key is refused", f"[gemini] gemini_key is refused: {said}")


def too_many(said: str, quotas: str = "", delay: float | None = None) -> Unanswered:
    """Tell a minute's limit from a day's, which ends at midnight in California.

    `quotas` names those that are exceeded; `delay` is what the server says, in seconds. It says
    one for a day's limit, too, and does not mean it.
    """
    if _PER_DAY.search(f"{quotas} {said}"):
        return _wait("the day's quota is used up", "the day's quota is used up", said, midnight())
    if delay is None:
        found = _IN_SECONDS.search(said)
        delay = float(found[1]) if found else UNKNOWN_DELAY
    until = time.time() + min(delay, LONGEST_DELAY)
    return _wait("too many questions", "the quota is used up", said, until)


def _wait(short: str, what: str, said: str, until: float) -> Unanswered:
    text = f"{what} until {clock_time(until)}: {said}"
    return Unanswered(short, text, until=until)


def retry_after(header: str) -> float | None:
    """Return the seconds of a Retry-After header; a date, which no such service sends, is none."""
    return float(header) if _WHOLE.fullmatch(header.strip()) else None


def midnight(now: float | None = None) -> float:
    """Return when the day ends in California, where Google's daily quotas are reset."""
    moment = datetime.fromtimestamp(time.time() if now is None else now, timezone.utc)
    local = moment.astimezone(_pacific())
    end = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
    return end.timestamp()


def _pacific() -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo("America/Los_Angeles")
    except (ZoneInfoNotFoundError, OSError):  # a system without time zones: an hour late at most
        return _PACIFIC_WINTER
