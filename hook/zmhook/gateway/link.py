"""A gateway's address, and asking there as the user of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import GatewayError
from zmhook.gateway.account import Account
from zmhook.gateway.wire import Reply, Wire
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

UNAUTHORIZED, FORBIDDEN = 401, 403
TOKEN_REFUSED = (UNAUTHORIZED, 422)
"""mlapi answers 422 to a token that it cannot read, such as one from before it was set up anew."""


class Link:
    """Asks below one address; used by one thread at a time.

    A token that is refused is renewed once.
    """

    def __init__(self, settings: Settings, base: str) -> None:
        remote = settings.remote
        self.place = shown(base)
        self._base = base
        self._timeout = remote.ml_timeout
        self._wire = Wire(self.place, verify=remote.ml_verify)
        self._account = Account(settings, base)

    def ask(self, method: str, path: str, deadline: Deadline, **content: Any) -> Reply:
        """Return the answer to a request with our login; raises `GatewayError`."""
        reply = self._ask(method, path, deadline, content)
        if reply.status in TOKEN_REFUSED and self._account.user:
            self._account.forget()
            reply = self._ask(method, path, deadline, content)
        if reply.status in (UNAUTHORIZED, FORBIDDEN):
            raise self._account.refused(reply.place, reply.said(*self.secrets))
        return reply

    def peek(self, path: str, deadline: Deadline) -> Reply:
        """Return the answer to a GET with the token that there is; nobody is logged in for it."""
        url, token = f"{self._base}{path}", self._account.held()
        return self._wire.ask("GET", url, self._seconds(deadline), token=token)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._account.secrets

    def close(self) -> None:
        self._wire.close()

    def _ask(self, method: str, path: str, deadline: Deadline, content: dict[str, Any]) -> Reply:
        token = self._account.token(self._wire, self._seconds(deadline))
        url = f"{self._base}{path}"
        return self._wire.ask(method, url, self._seconds(deadline), token=token, **content)

    def _seconds(self, deadline: Deadline) -> float:
        seconds = min(self._timeout, deadline.left())
        if seconds <= 0:
            raise GatewayError(f"{self.place}: there was no time left to ask", "request")
        return seconds
