"""Getting a token for a password; pyzm's clients and mlapi's ask for it alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zmhook.gateway.protocol import LoggedIn
from zmhook.server.answers import answer, refused_to
from zmhook.server.auth import TOKEN_SECONDS
from zmhook.server.exchange import Asked, Refused
from zmhook.server.server import Admitted
from zmhook.server.uploads import Whole

if TYPE_CHECKING:
    from zmhook.net.http_server import Response
    from zmhook.server.auth import Access, Users

LARGEST = 4096
WHY_NOBODY = "the server has no password to log in with"


class Login:
    """Answers `/login`."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def begin(self, asked: Asked) -> Admitted | Response:
        """Refuse by the head alone whoever has to wait."""
        users, sink = self._access.users, Whole()
        if users is None:
            return refused_to(asked, 503, WHY_NOBODY)
        too_many = _too_many(asked, users)
        return too_many or Admitted(sink, LARGEST, lambda: self._answer(asked, users, sink))

    async def _answer(self, asked: Asked, users: Users, sink: Whole) -> Response:
        said = sink.json()
        user, password = said.get("username"), said.get("password")
        if not isinstance(user, str) or not isinstance(password, str):
            raise Refused(400, "expected username and password")
        # Others may have failed while this one was on its way.
        if too_many := _too_many(asked, users):
            return too_many
        token = users.log_in(user, password, asked.peer)
        if token is None:
            return refused_to(asked, 401, "Invalid credentials")
        asked.caller.log_in()
        return answer(LoggedIn(access_token=token, expires=TOKEN_SECONDS))


def _too_many(asked: Asked, users: Users) -> Response | None:
    wait = users.failures.wait(asked.peer)
    if not wait:
        return None
    later = (("Retry-After", str(math.ceil(wait))),)
    return refused_to(asked, 429, "too many failed logins: try again later", later)
