"""Which request gets which response: paths, the login, and errors in the client's format."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import json

from zmhook.gateway.protocol import LOGIN, LoginResponse
from zmhook.net.http_connection import HttpError, RawBody, Request, Response
from zmhook.net.http_server import PendingResponse
from zmhook.server.auth import TOKEN_SECONDS
from zmhook.server.uploads import JSON, NoBody, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.net.http_server import Handler
    from zmhook.server.auth import Access, Users

MLAPI = "/api/v1"
"""mlapi's own paths are below this one. All other paths work with and without it."""
BUSY = 503
COME_AGAIN = (("Retry-After", "1"),)
LOG_IN = (("WWW-Authenticate", "Bearer"),)
LARGEST_LOGIN = 4096
LONGEST_TOKEN = 200
NO_PASSWORD = "the server has no password to log in with"  # noqa: S105 - a message


class Route(NamedTuple):
    """What answers requests for a path: at once, or when the body is there."""

    method: str
    begin: Callable[[Request], PendingResponse | Response]
    is_public: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


class TokenRouter:
    """Serves `routes` to clients with a token, and health and metrics (`public`) to anybody."""

    def __init__(self, routes: Mapping[str, Route], access: Access, public: Handler) -> None:
        self._access = access
        self._public = public
        login = Route("POST", self._begin_login, is_public=True)
        self._routes = {**routes, LOGIN: login}

    def route(self, request: Request) -> PendingResponse | Response:
        """Return where the body goes, or refuse by the head alone."""
        route = self._routes.get(request.path) or self._routes.get(request.path.removeprefix(MLAPI))
        if route is None and request.length != 0:
            return error_response(request, 404, "there is nothing at this address")
        if route is None:
            return PendingResponse(NoBody(), 0, lambda: self._public(request))
        if request.method not in route.methods:
            allow = (("Allow", ", ".join(route.methods)),)
            return error_response(request, 405, f"expected {route.method}", allow)
        if route.is_public:
            return route.begin(request)
        if reason := self._token_problem(request):
            request.distrust()
            return error_response(request, 401, reason, LOG_IN)
        request.trust()
        return route.begin(request)

    def error_response(self, request: Request | None, status: int, message: str) -> Response:
        return error_response(request, status, message)

    def _token_problem(self, request: Request) -> str:
        users = self._access.users
        if users is None:
            return NO_PASSWORD
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "log in first"
        if len(token) > LONGEST_TOKEN or not users.tokens.is_valid(token.strip()):
            return "the token does not hold (any more): log in again"
        return ""

    def _begin_login(self, request: Request) -> PendingResponse | Response:
        """Refuse by the head alone whoever has to wait."""
        users, body = self._access.users, RawBody()
        if users is None:
            return error_response(request, BUSY, NO_PASSWORD)
        if too_many := _too_many(request, users):
            return too_many
        return PendingResponse(body, LARGEST_LOGIN, lambda: self._log_in(request, users, body))

    async def _log_in(self, request: Request, users: Users, body: RawBody) -> Response:
        login = json_object(body)
        user, password = login.get("username"), login.get("password")
        if not isinstance(user, str) or not isinstance(password, str):
            raise HttpError(400, "expected username and password")
        # Others may have failed while this one was on its way.
        if too_many := _too_many(request, users):
            return too_many
        token = users.log_in(user, password, request.client)
        if token is None:
            return error_response(request, 401, "Invalid credentials")
        request.trust()
        return json_response(LoginResponse(access_token=token, expires=TOKEN_SECONDS))


def json_response(
    content: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    return Response(status, json.encode(content), JSON, headers=headers)


def error_response(
    request: Request | None,
    status: int,
    message: str,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """Return an error in the format of the clients that use this path."""
    is_mlapi = request is not None and request.path.startswith((MLAPI, "/detect/"))
    name = "msg" if is_mlapi else "detail"
    return json_response({name: message}, status, COME_AGAIN if status == BUSY else headers)


def _too_many(request: Request, users: Users) -> Response | None:
    wait = users.failures.wait(request.client)
    if not wait:
        return None
    retry = (("Retry-After", str(math.ceil(wait))),)
    return error_response(request, 429, "too many failed logins: try again later", retry)
