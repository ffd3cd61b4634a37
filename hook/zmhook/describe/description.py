"""Descriptions of pictures, why one is missing, and the services that are asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct, field

from zmhook.detection import ALARM, Box, Detection
from zmhook.errors import ServiceError
from zmhook.net.http_problem import HttpFailure, HttpProblem, problem_of
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.deadline import Deadline

Verdict = Literal["yes", "no", "unsure"]

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


class Subject(Struct, frozen=True, kw_only=True):
    """What is known about a picture: for the question's `{label}`, `{monitor}` and so on.

    `time` is when it was taken, seconds since the epoch.
    """

    label: str = ""
    monitor: str = ""
    camera: str = ""
    colours: tuple[str, ...] = ()
    time: float = 0.0


class Description(Struct, frozen=True, kw_only=True):
    """The answer: `confidence` 0..1; `alarm` whether somebody should be told.

    `box` is `x1, y1, x2, y2` as shares (0..1) of the picture that was asked about, None when the
    model gave none. `cached` says that the same picture was asked about before.
    """

    label: str
    description: str
    confidence: float
    alarm: Verdict
    attributes: dict[str, str] = field(default_factory=dict)
    box: tuple[float, float, float, float] | None = None
    model: str = ""
    cached: bool = False

    def detection(self, box: Box, model: str, **more: str) -> Detection:
        """Return it as a detection, with `more` attributes."""
        attributes: dict[str, str | float | int | bool] = {**self.attributes}
        attributes |= {"description": self.description, ALARM: self.alarm, **more}
        return Detection(
            label=self.label,
            confidence=self.confidence,
            box=box,
            model=model,
            kind="description",
            attributes=attributes,
        )


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


class Backend(Protocol):
    """One service that is asked. Heavy imports belong in `ask` or later."""

    model: str

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Return the answer's JSON text for a JPEG and a question.

        Raises `ModelSkipped` when there is none: no network, no key, no quota, blocked, empty.
        """

    def close(self) -> None:
        """Free connections. May be called twice."""


class FormFallback:
    """Forms of an answer, the strictest first; a form that was refused is not tried again."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = tuple(forms)
        self._now = 0

    def first_accepted(self, ask: Callable[[str], str]) -> str:
        """Return what `ask` makes of the first form that is not refused (`FormRefused`)."""
        for step in range(self._now, len(self._forms)):
            try:
                answer = ask(self._forms[step])
            except FormRefused:
                if step + 1 == len(self._forms):
                    raise
            else:
                self._now = step
                return answer
        raise AssertionError("there is no form")
