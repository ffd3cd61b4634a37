"""Why a picture has no description, and what that means for the next requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.errors import ServiceError
from zmhook.net.http_problem import HttpFailure, problem_of
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from zmhook.net.http_problem import HttpProblem

NAME = "gemini"
"""What the model is called in lines and reports, whichever service answers in its place."""

_LONGEST = 200
_ADVICE = {
    HttpFailure.ADDRESS: "check [gemini] gemini_url",
    HttpFailure.NAME: "is there a network, and DNS?",
    HttpFailure.REFUSED: "does it run, and is the port right?",
    HttpFailure.TLS: "does that port speak https?",
    HttpFailure.TIMEOUT: "is it overloaded? ([gemini] gemini_timeout)",
}


class DescriptionError(ServiceError):
    """A large model gave no description."""

    model = NAME


class FormRefused(DescriptionError):
    """The server does not take the form of answer that was asked for."""


def unreachable(error: Exception, url: str, seconds: float) -> DescriptionError:
    """Explain what a library raised instead of a response."""
    return without_response(problem_of(error, url, seconds=seconds))


def without_response(problem: HttpProblem) -> DescriptionError:
    text = f"{problem.address}: {problem.with_advice(_ADVICE)}"
    return DescriptionError(problem.short, text)


def nothing_said(*, thought: bool) -> DescriptionError:
    """Say that there is no text; `thought`: that there are thoughts instead."""
    if thought:
        text = "the model thought and gave no answer"
        return DescriptionError("only thoughts, no answer", text, counts=True)
    return DescriptionError("empty answer", "the answer is empty", counts=True)


def quoted(text: object, secret: str = "") -> str:
    """Return what a server says as one short line, without the secret should it repeat it."""
    return one_line(masked(str(text or ""), [secret]), _LONGEST)
