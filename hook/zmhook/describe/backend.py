"""What a service that describes pictures is, and the form of answer to ask it for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from zmhook.describe.description_error import FormRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.deadline import Deadline


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
