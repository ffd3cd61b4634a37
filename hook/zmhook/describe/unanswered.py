"""A question without an answer, and what that means for the next ones."""

from __future__ import annotations

import time

from zmhook.errors import ModelSkipped
from zmhook.printable import one_line
from zmhook.text.redact import masked

NAME = "gemini"
"""What the model is called in lines and reports, whichever service answers in its place."""

_LONGEST = 200


class Unanswered(ModelSkipped):
    """There is no answer, and the message says why.

    `counts`: the service took the question, so it is one of the budget's. `final`: it would be
    answered the same again (blocked). `until`: asking before that time, in seconds since the
    epoch, is of no use; 0 when nothing is known. `ours`: it is our own limit that refuses.
    """

    def __init__(
        self,
        short: str,
        message: str,
        *,
        counts: bool = False,
        final: bool = False,
        until: float = 0.0,
        ours: bool = False,
    ) -> None:
        self.reason = short
        self.detail = message
        self.counts = counts
        self.final = final
        self.until = until
        self.ours = ours
        super().__init__(NAME, short, f"{NAME}: {message}")


def quoted(text: object, secret: str = "") -> str:
    """Return what a server says as one short line, without the secret should it repeat it."""
    return one_line(masked(str(text or ""), [secret]), _LONGEST)


def clock_time(moment: float) -> str:
    """Return a time of day, with the date when it is not today's."""
    local, today = time.localtime(moment), time.localtime()
    same_day = local[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M", local)
