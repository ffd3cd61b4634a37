"""From the strictest form of an answer that can be asked for to what a server really takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zmhook.describe.unanswered import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ABOUT_FORM = re.compile(
    r"schema|response_?(format|mime|json)|json[ _]?(object|mode)|grammar|structured|guided",
    re.IGNORECASE,
)


class FormRefused(Unanswered):
    """The server does not take the form of answer that was asked for."""


def is_about_form(message: str) -> bool:
    """Tell a refusal of the form from that of a key, a model or a picture."""
    return bool(_ABOUT_FORM.search(message))


class Steps:
    """Forms, the strictest first; what a server has refused is not asked for again."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = tuple(forms)
        self._now = 0

    def climb(self, ask: Callable[[str], str]) -> str:
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
