"""Who may have what: paths, the login, and what is said to those who may not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zmhook.remote.protocol import LOGIN, LoggedIn
from zmhook.service.http import Request, Response
from zmhook.service.listen.answers import Route, answer, refusal
from zmhook.service.listen.auth import TOKEN_SECONDS
from zmhook.service.listen.exchange import Asked, Refused
from zmhook.service.listen.mlapi import Mlapi
from zmhook.service.listen.ours import Ours
from zmhook.service.listen.pyzm_serve import PyzmServe
from zmhook.service.listen.server import Admitted
from zmhook.service.listen.uploads import Nothing, Whole

if TYPE_CHECKING:
    from zmhook.service.http import Handler
    from zmhook.service.listen.auth import Users
    from zmhook.service.listen.looks import Looks

MLAPI = "/api/v1"
"""Below this path is what mlapi has there; the rest is found with and without it."""
LARGEST_LOGIN = 4096
LONGEST_TOKEN = 200
AGAIN = (("WWW-Authenticate", "Bearer"),)


class ListenDoor:
    """Lets in who is logged in; health and metrics (`public`) are anybody's.

    Without `users` there is nobody to let in, for the reason `why_nobody`.
    """

    def __init__(
        self, looks: Looks, users: Users | None, public: Handler, why_nobody: str = ""
    ) -> None:
        self._users = users
        self._public = public
        self._why_nobody = why_nobody
        mlapi = Mlapi(looks)
        self._routes = {
            **PyzmServe(looks).routes(),
            **Ours(looks).routes(),
            **mlapi.routes(),
            LOGIN: Route("POST", self._log_in, is_public=True),
        }
        self._mlapi_health = Route("GET", mlapi.health, is_public=True)

    def admit(self, asked: Asked) -> Admitted | Response:
        """Say where the body may go, or refuse by the head alone."""
        route = self._route(asked.path)
        if route is None:
            return self._other(asked)
        if asked.method not in _methods(route):
            allowed = (("Allow", ", ".join(_methods(route))),)
            return self.refuse(asked, 405, f"expected {route.method}", allowed)
        if not route.is_public and (why := self._why_not(asked)):
            return self.refuse(asked, 401, why, AGAIN)
        return route.begin(asked)

    def refuse(
        self, asked: Asked | None, status: int, why: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """Say why not, in the way of those who ask at that path."""
        is_mlapi = asked is not None and (
            asked.path.startswith(MLAPI) or asked.path.startswith("/detect/")
        )
        return refusal(status, why, headers, name="msg" if is_mlapi else "detail")

    def _route(self, path: str) -> Route | None:
        if path == f"{MLAPI}/health":
            return self._mlapi_health
        return self._routes.get(path.removeprefix(MLAPI))

    def _other(self, asked: Asked) -> Admitted:
        request = Request(asked.method, asked.path, asked.query, b"")
        return Admitted(Nothing(), 0, lambda: self._public(request))

    def _why_not(self, asked: Asked) -> str:
        if self._users is None:
            return self._why_nobody
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return "log in first"
        if len(token) > LONGEST_TOKEN or not self._users.tokens.holds(token.strip()):
            return "the token does not hold (any more): log in again"
        return ""

    def _log_in(self, asked: Asked) -> Admitted | Response:
        if self._users is None:
            return self.refuse(asked, 503, self._why_nobody)
        users = self._users
        sink = Whole()

        def too_many() -> Response:
            later = str(math.ceil(users.failures.wait(asked.peer)))
            why = "too many failed logins: try again later"
            return self.refuse(asked, 429, why, (("Retry-After", later),))

        async def logged_in() -> Response:
            said = sink.json()
            user, password = said.get("username"), said.get("password")
            if not isinstance(user, str) or not isinstance(password, str):
                raise Refused(400, "expected username and password")
            if users.failures.wait(asked.peer):  # others were in flight with this one
                return too_many()
            token = users.log_in(user, password, asked.peer)
            if token is None:
                return self.refuse(asked, 401, "Invalid credentials")
            return answer(LoggedIn(access_token=token, expires=TOKEN_SECONDS))

        if users.failures.wait(asked.peer):
            return too_many()
        return Admitted(sink, LARGEST_LOGIN, logged_in)


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)
