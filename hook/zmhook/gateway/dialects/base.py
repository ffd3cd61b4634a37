"""What a way of asking is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from zmhook.errors import GatewayError

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.gateway.link import Link
    from zmhook.gateway.question import Answer, Health, Question
    from zmhook.gateway.wire import Reply

UNAUTHORIZED = 401


class Dialect(Protocol):
    """Asks one server. Both methods raise `GatewayError`."""

    def status(self, link: Link, deadline: Deadline) -> Health | None:
        """Return how the server is, None when it does not speak this."""

    def look(self, link: Link, question: Question) -> Answer:
        """Return what the models see, or for each why it does not."""


def asked(link: Link, path: str, deadline: Deadline) -> Reply:
    """Return the answer to a GET; whoever asks for a login is given one."""
    reply = link.peek(path, deadline)
    return link.ask("GET", path, deadline) if reply.status == UNAUTHORIZED else reply


def in_time(link: Link, deadline: Deadline) -> None:
    """Raise `GatewayError` when there is no more time for the rest of a question."""
    if deadline.left() <= 0:
        raise GatewayError(f"{link.place}: did not answer all of it in time", "request")
