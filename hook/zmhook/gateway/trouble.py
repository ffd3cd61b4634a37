"""Why a gateway gave no answer, and what that says about the next question."""

from __future__ import annotations

from typing import Literal

Blame = Literal["server", "busy", "login", "question", "picture"]


class GatewayError(Exception):
    """One line without secrets, beginning with the gateway's address.

    `blame` says what is wrong: the `server` (it is left alone for a while), that it is `busy` (for
    `after` seconds), the `login`, this `question` alone, or that it cannot fetch the `picture` that
    it was sent the address of.
    """

    def __init__(self, text: str, blame: Blame = "server", after: float = 0.0) -> None:
        self.blame = blame
        self.after = after
        super().__init__(text)
