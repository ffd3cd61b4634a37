"""What Google says when it does not answer.

Errors: google.rpc.Status with RetryInfo, QuotaFailure and ErrorInfo (google/rpc/
error_details.proto of github.com/googleapis/googleapis). A prompt that is blocked, and an answer
that is, come with HTTP status 200 (https://ai.google.dev/api/generate-content).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from zmhook.describe.refusals import TOO_MANY, key_refused, refusal, retry_after, too_many
from zmhook.describe.unanswered import Unanswered, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = re.compile(r"([0-9]{1,9}(\.[0-9]{1,9})?)s")
_FINE = ("STOP", "FINISH_REASON_UNSPECIFIED", "")
_CUT_SHORT = ("MAX_TOKENS", "CONTINUATION")


def refused(error: Any, model: str, place: str, key: str) -> Unanswered:
    """Turn the library's `APIError` into what it means for us."""
    said, payload = quoted(getattr(error, "message", ""), key), getattr(error, "details", None)
    if error.code == TOO_MANY:
        quotas, delay = hints(payload)
        return too_many(said, quotas, delay if delay is not None else retry_after(_header(error)))
    if any(one.get("reason") == "API_KEY_INVALID" for one in _details(payload)):
        return key_refused(said)
    return refusal(error.code, said, place, model)


def hints(payload: Any) -> tuple[str, float | None]:
    """Return the names of the quotas that an error's body names, and its RetryInfo's seconds."""
    found = list(_details(payload))
    quotas = " ".join(quota for one in found for quota in _quotas(one))
    delays = (_SECONDS.fullmatch(str(one.get("retryDelay", ""))) for one in found)
    return quotas, next((float(one[1]) for one in delays if one), None)


def without_text(answer: Any, candidate: Any, *, text: str) -> Unanswered | None:
    """Say why an answer of status 200 is none; None when it is one."""
    feedback = answer.prompt_feedback
    blocked = _name(feedback.block_reason) if feedback else ""
    if blocked:
        return _final("blocked", f"the picture or the question is blocked ({blocked})")
    finish = _name(candidate.finish_reason) if candidate else ""
    if finish in _CUT_SHORT:
        return _final("answer cut short", f"the answer is cut short ({finish})")
    if finish not in _FINE:
        return _final("blocked", f"the answer is blocked ({finish})")
    if not text.strip():
        return Unanswered("empty answer", "the answer is empty", counts=True)
    return None


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


def _quotas(detail: dict[str, Any]) -> Iterator[str]:
    for violation in _dicts(detail.get("violations")):
        yield f"{violation.get('quotaId', '')} {violation.get('quotaMetric', '')}"


def _header(error: Any) -> str:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return str(headers.get("retry-after", ""))
