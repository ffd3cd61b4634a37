"""What Google says when it does not answer.

Errors: google.rpc.Status with RetryInfo, QuotaFailure and ErrorInfo (google/rpc/
error_details.proto of github.com/googleapis/googleapis). A prompt that is blocked, and an answer
that is, come with HTTP status 200 (https://ai.google.dev/api/generate-content).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from zmhook.describe.refusals import key_refused, retry_after
from zmhook.describe.unanswered import Unanswered, quoted
from zmhook.net.error_body import complaint_in, error_in, told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.describe.refusals import Refusals

_SECONDS = re.compile(r"([0-9]{1,9}(\.[0-9]{1,9})?)s")
_FINE = ("STOP", "FINISH_REASON_UNSPECIFIED", "")
_CUT_SHORT = ("MAX_TOKENS", "CONTINUATION")
_BLOCKED = re.compile(r"SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII|JAILBREAK|MODEL_ARMOR")
"""Reasons for which the same is refused again; others, such as OTHER, are a model's hiccups."""
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


def refused(error: Any, refusals: Refusals, key: str) -> Unanswered:
    """Turn the library's `APIError` into what it means for us."""
    payload = getattr(error, "details", None)
    told = told_by(error.code, payload, str(getattr(error, "message", "") or ""))
    if any(one.get("reason") == "API_KEY_INVALID" for one in _details(payload)):
        return key_refused(quoted(told.message, key))
    delay = hints(payload)
    return refusals.of(told, delay if delay is not None else retry_after(_header(error)))


def hints(payload: Any) -> float | None:
    """Return the seconds of the RetryInfo of an error's body."""
    delays = (_SECONDS.fullmatch(str(one.get("retryDelay", ""))) for one in _details(payload))
    return next((float(one[1]) for one in delays if one), None)


def of_another_kind(body: Any, refusals: Refusals, key: str) -> Unanswered | None:
    """Say what an answer of status 200 is that is none of Google's; None when it is one."""
    is_googles = isinstance(body, dict) and (not body or not _KNOWN.isdisjoint(body))
    if is_googles and (body.get("candidates") or body.get("promptFeedback")):
        return None
    error = error_in(body) or complaint_in(body)
    if error is not None:
        return refusals.of(error, hints(body))
    if is_googles:
        return None
    return refusals.not_understood(json.dumps(body), key)


def without_text(answer: Any, candidate: Any, *, text: str, thought: bool) -> Unanswered | None:
    """Say why an answer of status 200 is none; None when it is one.

    `thought`: there is something in it that is not the answer.
    """
    feedback = answer.prompt_feedback
    blocked = _name(feedback.block_reason) if feedback else ""
    if blocked:
        return _refused("the picture or the question", blocked)
    finish = _name(candidate.finish_reason) if candidate else ""
    if finish in _CUT_SHORT:
        return _final("answer cut short", f"the answer is cut short ({finish})")
    if finish not in _FINE:
        return _refused("the answer", finish)
    if not text.strip():
        return nothing_said(thought=thought)
    return None


def nothing_said(*, thought: bool) -> Unanswered:
    """Say that there is no text; `thought`: that there are thoughts instead."""
    if thought:
        text = "the model thought and gave no answer"
        return Unanswered("only thoughts, no answer", text, counts=True)
    return Unanswered("empty answer", "the answer is empty", counts=True)


def _refused(what: str, why: str) -> Unanswered:
    if _BLOCKED.search(why):
        return _final("blocked", f"{what} is blocked ({why})")
    return Unanswered("no answer", f"the model ended without an answer ({why})", counts=True)


def _final(short: str, text: str) -> Unanswered:
    return Unanswered(short, text, counts=True, final=True)


def _name(value: Any) -> str:
    """Return an enumeration's value as its server spells it."""
    return quoted(getattr(value, "value", value) or "")


def _details(payload: Any) -> Iterator[dict[str, Any]]:
    """Give the entries of `error.details`, in whatever the body really is."""
    for one in payload if isinstance(payload, list) else [payload]:
        error = one.get("error", one) if isinstance(one, dict) else None
        details = error.get("details") if isinstance(error, dict) else None
        yield from _dicts(details)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _header(error: Any) -> str:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return str(headers.get("retry-after", ""))
