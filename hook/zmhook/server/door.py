"""Who may have what: paths, the login, and what is said to those who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.gateway.protocol import LOGIN
from zmhook.net.http_server import Request, Response
from zmhook.server.answers import MLAPI, Route, refused_to
from zmhook.server.login import WHY_NOBODY, Login
from zmhook.server.mlapi import Mlapi
from zmhook.server.ours import Ours
from zmhook.server.pyzm_serve import PyzmServe
from zmhook.server.server import Admitted
from zmhook.server.uploads import Nothing

if TYPE_CHECKING:
    from zmhook.net.http_server import Handler
    from zmhook.server.auth import Access
    from zmhook.server.exchange import Asked
    from zmhook.server.looks import Looks

LONGEST_TOKEN = 200
AGAIN = (("WWW-Authenticate", "Bearer"),)


class ListenDoor:
    """Lets in who is logged in; health and metrics (`public`) are anybody's."""

    def __init__(self, looks: Looks, access: Access, public: Handler) -> None:
        self._access = access
        self._public = public
        mlapi = Mlapi(looks)
        self._routes = {
            **PyzmServe(looks).routes(),
            **Ours(looks).routes(),
            **mlapi.routes(),
            LOGIN: Route("POST", Login(access).begin, is_public=True),
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
        if route.is_public:
            return route.begin(asked)
        if why := self._why_not(asked):
            asked.caller.become_stranger()
            return self.refuse(asked, 401, why, AGAIN)
        asked.caller.log_in()
        return route.begin(asked)

    def refuse(
        self, asked: Asked | None, status: int, why: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        return refused_to(asked, status, why, headers)

    def _route(self, path: str) -> Route | None:
        if path == f"{MLAPI}/health":
            return self._mlapi_health
        return self._routes.get(path.removeprefix(MLAPI))

    def _other(self, asked: Asked) -> Admitted:
        request = Request(asked.method, asked.path, asked.query, b"")
        return Admitted(Nothing(), 0, lambda: self._public(request))

    def _why_not(self, asked: Asked) -> str:
        users = self._access.users
        if users is None:
            return WHY_NOBODY
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return "log in first"
        if len(token) > LONGEST_TOKEN or not users.tokens.holds(token.strip()):
            return "the token does not hold (any more): log in again"
        return ""


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)
