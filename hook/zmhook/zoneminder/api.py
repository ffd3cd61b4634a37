"""ZoneMinder's portal and API: pictures, event rows, notes.

The portal answers many failures with status 200, so an answer is judged by its content. Verified
against ZoneMinder 1.36 and 1.38.4: a rejected token is a page titled "ZM - Error" (API: 401), no
login is a redirect to `view=login`, an unread privacy notice one to `view=privacy`, a frame that is
not stored yet an empty body, an event that does not exist yet 404. So is one whose monitor the user
may not see (1.38): only the event's row tells them apart.
"""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from zmhook.errors import FrameUnavailable, LoginError, PortalError
from zmhook.image import sniff
from zmhook.image.header import read_header
from zmhook.net.http_problem import HttpFailure, HttpProblem, through_proxy
from zmhook.net.tokens import TokenStore, expiry_of
from zmhook.net.urls import shown, with_query
from zmhook.text.bounded_json import Unreadable, lenient
from zmhook.text.redact import masked
from zmhook.zoneminder import rights
from zmhook.zoneminder.event_row import event_row, is_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest

    from zmhook.deadline import Deadline
    from zmhook.net.http import HttpClient, HttpResponse
    from zmhook.settings import General

log = logging.getLogger(__name__)

_SECRET_IN_TEXT = re.compile(r"\b(token|auth|pass|password)=[^&\s'\"]+", re.IGNORECASE)

MAX_JSON = 8 << 20
"""Bytes of an answer of the API; empty lists become twenty times as large in memory."""
MOST_QUOTED = 64 << 10
"""Bytes of an unexpected response that are judged and quoted."""

MAX_BODY = 64 << 20
"""Bytes of any response, the largest of which are pictures."""
_ADVICE = {
    HttpFailure.ADDRESS: "expected http://host/zm or https://host/zm",
    HttpFailure.NAME: "check [general] portal and this machine's DNS",
    HttpFailure.REFUSED: "is the web server running, and the port right?",
    HttpFailure.CERTIFICATE: (
        "install its authority on this machine, or set [general] allow_self_signed = yes if that"
        " is to be expected"
    ),
    HttpFailure.TLS: "does that port speak https?",
    HttpFailure.PROTOCOL: "is the port right?",
    HttpFailure.TOO_LARGE: "is that address ZoneMinder's?",
    HttpFailure.TIMEOUT: (
        "is the address right, and the server not overloaded? ([general] portal_timeout)"
    ),
}

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, SERVER_ERROR = 200, 401, 403, 404, 500


class Portal:
    """One ZoneMinder, asked as the user of the settings.

    Logs in when it must, and keeps the login for later processes. Every method raises
    `PortalError` (or `LoginError`, its subclass) with one line that names what the portal said
    and what to check; with a `deadline`, `DeadlineExceeded` too. Nothing is asked twice, except
    once more after a new login: patience is the caller's.
    """

    def __init__(self, general: General) -> None:
        self.general = general
        self.address = shown(_portal_url(general))
        self._tokens = TokenStore(general.base_data_path, _api_url(general), general.user)
        self._credentials: str | None = None
        self._opened: HttpClient | None = None
        self._may_see: set[int] = set()
        self._may_not_see: dict[int, str] = {}

    def image(self, event_id: int, frame_id: str, deadline: Deadline | None = None) -> bytes:
        """Return the picture file `snapshot`, `alarm` or a frame number, as it came.

        It begins like a picture; whether it is whole is not checked here. Raises
        `FrameUnavailable` when the portal has none (yet), `LoginError` when it never will.
        """
        what = f"{frame_id} of event {event_id}"
        if event_id in self._may_not_see:
            raise LoginError(f"{self.address}: gives no {what}: {self._may_not_see[event_id]}")
        url = self._image_url(event_id, frame_id)
        response = self._ask("GET", url, what, deadline, right=rights.EVENTS)
        if response.status == OK and read_header(response.body):
            self._may_see.add(event_id)
            return response.body
        if response.status == NOT_FOUND and not response.body:
            self._check_it_may_come(event_id, what, deadline)
        raise self._no_image(response, what)

    def _check_it_may_come(self, event_id: int, what: str, deadline: Deadline | None) -> None:
        """Raise `LoginError` for an event that the user may not see; its row is asked for once."""
        if not self.general.user or event_id in self._may_see:
            return
        self._may_see.add(event_id)
        try:
            self.event(event_id, deadline)
        except LoginError as error:
            self._may_not_see[event_id] = str(error)
            raise LoginError(
                f"{self.address}: gives no {what}: {error}", status=NOT_FOUND
            ) from None
        except PortalError as error:
            log.debug("whether this user may see event %d is not known: %s", event_id, error)

    def image_origin(self, event_id: int, frame_id: str) -> str:
        """Return what a frame of that picture says where it came from."""
        return f"{self.address}: {frame_id} of event {event_id}"

    def image_address(
        self, event_id: int, frame_id: str, deadline: Deadline | None = None
    ) -> tuple[str, str]:
        """Return the picture's address and what has to be added to its query, which is secret."""
        return self._image_url(event_id, frame_id), self._login(deadline)[0]

    def event(self, event_id: int, deadline: Deadline | None = None) -> dict[str, Any]:
        """Return the event's row, by ZoneMinder's column names, with `FileSystemPath`.

        `event_row` reads it. It has the event's number: of an event that the user may not see 1.38
        gives a row without.
        """
        what = f"event {event_id}"
        response = self._fetch(f"events/{event_id}.json", what, deadline, rights.EVENTS)
        try:
            row: dict[str, Any] = self._json(response, what)["event"]["Event"]
        except (KeyError, TypeError):
            row = {}
        if not isinstance(row, dict) or not row:
            raise self._unexpected(response, what, "an event's row")
        if not is_of(row, event_id):
            raise self._not_its_row(response, row, event_id)
        self._may_see.add(event_id)
        return row

    def events_after(
        self, event_id: int, most: int, deadline: Deadline | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows of events with a higher number, the newest first.

        At most `most`, of which ZoneMinder gives at most 100. `event_row` reads each.
        """
        query = f"Id%20%3E:{event_id}.json?sort=Id&direction=desc&limit={most}"
        url = f"{_api_url(self.general)}/events/index/{query}"
        what = "new events"
        response = self._ask("GET", url, what, deadline, right=rights.EVENTS)
        try:
            return [dict(row["Event"]) for row in self._json(response, what)["events"]]
        except (KeyError, TypeError, ValueError):
            raise self._unexpected(response, what, "a list of events") from None

    def monitor(self, monitor_id: int, deadline: Deadline | None = None) -> dict[str, Any]:
        """Return the monitor's row, by ZoneMinder's column names."""
        what = f"monitor {monitor_id}"
        response = self._fetch(f"monitors/{monitor_id}.json", what, deadline, rights.MONITOR)
        try:
            row: dict[str, Any] = self._json(response, what)["monitor"]["Monitor"]
        except (KeyError, TypeError):
            raise self._unexpected(response, what, "a monitor's row") from None
        return row

    def zones(self, monitor_id: int, deadline: Deadline | None = None) -> list[dict[str, Any]]:
        """Return the monitor's zones, by ZoneMinder's column names.

        Of the monitor's number in the query 1.36 takes no notice, so all are asked for.
        """
        what = "the zones"
        response = self._fetch("zones.json", what, deadline, rights.ZONES)
        try:
            rows = [row["Zone"] for row in self._json(response, what)["zones"]]
            return [row for row in rows if str(row["MonitorId"]) == str(monitor_id)]
        except (KeyError, TypeError):
            raise self._unexpected(response, what, "a list of zones") from None

    def event_folder(self, event_id: int) -> str:
        """Return the event's folder, as the machine that runs ZoneMinder sees it."""
        folder = event_row(self.event(event_id)).folder
        if not folder:
            raise PortalError(
                f"{self.address}: its API does not tell the folder of event {event_id}"
            )
        return folder

    def set_notes(self, event_id: int, text: str) -> None:
        """Replace the event's notes. What the database cannot store ends in status 500."""
        url = f"{_api_url(self.general)}/events/{event_id}.json"
        what = f"the notes of event {event_id}"
        data = {"Event[Notes]": text}
        response = self._ask("PUT", url, what, None, data, right=rights.NOTES)
        if self._json(response, what).get("message") != "Saved":
            raise self._error(response, f"{what} were not saved: {self._described(response)}")

    def may_edit(self, event_id: int) -> bool:
        """Say whether the user may change the event: a change of nothing is refused, or not."""
        url = f"{_api_url(self.general)}/events/{event_id}.json"
        try:
            self._ask("PUT", url, f"event {event_id}", None, right=rights.NOTES)
        except LoginError:
            return False
        return True

    def json(
        self, path: str, what: str, *, api: bool = True, right: str = rights.API
    ) -> dict[str, Any]:
        """Return the JSON object at a path of the API, or (`api=False`) of the portal itself."""
        base = _api_url(self.general) if api else _portal_url(self.general)
        return self._json(self._ask("GET", f"{base}/{path}", what, None, right=right), what)

    def close(self) -> None:
        if self._opened:
            self._opened.close()
            self._opened = None

    # -- asking --------------------------------------------------------------------------------

    def _fetch(self, path: str, what: str, deadline: Deadline | None, right: str) -> HttpResponse:
        url = f"{_api_url(self.general)}/{path}"
        return self._ask("GET", url, what, deadline, right=right)

    def _ask(
        self,
        method: str,
        url: str,
        what: str,
        deadline: Deadline | None,
        data: Mapping[str, str] | None = None,
        *,
        right: str,
    ) -> HttpResponse:
        """Send a request with the login; log in again once when a kept login is not accepted.

        `right` is what the user needs for it (`rights`).
        """
        credentials, is_new = self._login(deadline)
        response = self._send(method, with_query(url, credentials), what, deadline, data)
        if self.general.user and not is_new and (_wants_login(response) or _is_page(response)):
            log.debug("%s: the kept login is not accepted; logging in", self.address)
            self._credentials = self._new_login(deadline)
            url = with_query(url, self._credentials)
            response = self._send(method, url, what, deadline, data)
        if _wants_login(response):
            raise self._not_let_in(response, what, right)
        return response

    def _send(
        self,
        method: str,
        url: str,
        what: str,
        deadline: Deadline | None,
        data: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Return what ZoneMinder answers; raise where something else stands in the way."""
        seconds = self.general.portal_timeout
        if deadline:
            deadline.check(f"asking {self.address} for {what}")
            seconds = min(seconds, deadline.left())
        try:
            response = self._client().request(method, url, seconds, auth=self._basic, data=data)
        except HttpProblem as problem:
            if deadline:
                deadline.check(f"waiting for {self.address} to give {what}")
            text = f"{problem.address}: {problem.with_advice(_ADVICE)}"
            raise PortalError(text, retry=problem.retry) from None
        response = response._replace(body=sniff.without_warnings(response.body))  # PHP's, before it
        self._check_way(response)
        return response

    def _image_url(self, event_id: int, frame_id: str) -> str:
        query = f"view=image&eid={event_id}&fid={quote(frame_id)}"
        return f"{_portal_url(self.general)}/index.php?{query}"

    def _client(self) -> HttpClient:
        if self._opened is None:
            from zmhook.net.http import HttpClient

            verify = not self.general.allow_self_signed
            self._opened = HttpClient(limit=MAX_BODY, verify=verify, compressed=True)
        return self._opened

    def _basic(self, request: PreparedRequest) -> PreparedRequest:
        from zmhook.net.http import basic

        return basic(self.general.basic_user, self.general.basic_password.reveal())(request)

    def _check_way(self, response: HttpResponse) -> None:
        target = response.location
        if response.status == UNAUTHORIZED and "WWW-Authenticate" in response.headers:
            raise LoginError(
                f"{response.address}: the web server itself asks for a user (HTTP basic"
                " authentication): check [general] basic_user and basic_password"
            )
        if "view=privacy" in target or (_is_page(response) and b'value="privacy"' in response.body):
            raise self._error(
                response,
                "shows its privacy notice in place of everything else: log in to the web page"
                " as this user and accept it, or switch off ZoneMinder's option SHOW_PRIVACY",
            )
        if target and "view=login" not in target:
            raise self._error(
                response,
                f"redirects to {shown(self._masked(target))}: set [general] portal and"
                " api_portal to the addresses it leads to",
            )

    # -- logging in ----------------------------------------------------------------------------

    def _login(self, deadline: Deadline | None) -> tuple[str, bool]:
        """Return what lets a request in, and whether that was fetched just now."""
        if not self.general.user:
            return "", False
        if self._credentials is None:
            self._credentials = self._tokens.read()
        if self._credentials is not None:
            return self._credentials, False
        self._credentials = self._new_login(deadline)
        return self._credentials, True

    def _new_login(self, deadline: Deadline | None) -> str:
        if not self.general.password:
            raise LoginError("[general] user is set, but password is empty: set it too")
        from pyzm.zm.auth import AuthManager

        manager = AuthManager(
            session=_LoginSession(self, deadline),
            api_url=_api_url(self.general),
            user=self.general.user,
            password=self.general.password.reveal(),
        )
        try:
            manager.login()
        except (ValueError, TypeError, AttributeError):  # it takes the fields as they come
            raise PortalError(
                f"{self.address}: its answer to the login cannot be understood"
            ) from None
        # ZoneMinder gives a token that is null when its authentication is switched off.
        credentials: str = manager.get_auth_string().removesuffix("token=None")
        # The form of older versions may hold the password: that is not kept on disk.
        if not credentials or credentials.startswith("token="):
            self._tokens.write(credentials, expiry_of(credentials))
        return credentials

    def _log_in(
        self, url: str, data: Mapping[str, str], deadline: Deadline | None
    ) -> dict[str, Any]:
        """Return the JSON object that a login is answered with."""
        response = self._send("POST", url, "a login", deadline, data)
        if _wants_login(response):
            raise LoginError(
                f"{response.address}: refused to log in user '{self.general.user}'"
                f" ({self._described(response)}): check [general] user and password, and that"
                " ZoneMinder lets this user use the API"
            )
        return self._json(response, "a login")

    def _not_let_in(self, response: HttpResponse, what: str, right: str) -> LoginError:
        text, user = self._described(response), self.general.user
        if not user:
            return LoginError(
                f"{response.address}: asks for a login ({text}), but [general] user is empty:"
                " set user and password"
            )
        return LoginError(
            f"{response.address}: user '{user}' could log in, but is not given {what} ({text}):"
            f" the user needs {right}",
            status=response.status,
        )

    def _not_its_row(
        self, response: HttpResponse, row: Mapping[str, Any], event_id: int
    ) -> PortalError:
        user = self.general.user
        if row.get("Id") or not user:
            return self._unexpected(response, f"event {event_id}", "the row of that event")
        return LoginError(
            f"{response.address}: user '{user}' could log in, but is not given event {event_id}"
            f" (a row without its number): the user needs {rights.EVENTS}",
            status=response.status,
        )

    # -- judging answers -----------------------------------------------------------------------

    def _no_image(self, response: HttpResponse, what: str) -> PortalError | FrameUnavailable:
        why = {
            NOT_FOUND: "(status 404): there is no such event or picture (yet)",
            OK: "(an empty response): that picture is not stored (yet), or just being written",
        }.get(response.status)
        if why and not response.body:
            return FrameUnavailable(f"{self.address}: did not give {what} {why}", retry=True)
        return self._unexpected(response, what, "a picture")

    def _json(self, response: HttpResponse, what: str) -> dict[str, Any]:
        if response.status == NOT_FOUND and sniff.message(response.body):
            raise self._error(
                response, f"does not know {what} ({self._described(response)})", retry=True
            )
        content = None
        if response.status == OK and len(response.body) <= MAX_JSON:
            with contextlib.suppress(Unreadable):
                content = lenient(response.body, anywhere=True)
        if not isinstance(content, dict):
            raise self._unexpected(response, what, "JSON")
        return content

    def _unexpected(self, response: HttpResponse, what: str, expected: str) -> PortalError:
        status = response.status
        advice = "check that [general] portal and api_portal are ZoneMinder's addresses"
        if status >= SERVER_ERROR:
            advice = "the logs of the web server and of ZoneMinder say why"
        elif status == FORBIDDEN:
            advice = "check the web server's access rules"
        advice += through_proxy(response.address)
        return self._error(
            response,
            f"asked for {what}, expected {expected}, got {self._described(response)}: {advice}",
            retry=status == OK or status >= SERVER_ERROR,
        )

    def _described(self, response: HttpResponse) -> str:
        if response.location:
            return f"status {response.status}, a redirect to its login page"
        # Masked before it is shortened, so that no beginning of a secret is left.
        body = self._masked(response.body[:MOST_QUOTED].decode("utf-8", "surrogateescape"))
        text = sniff.describe(body.encode("utf-8", "surrogateescape"))
        return f"status {response.status}, {text}"

    def _masked(self, text: str) -> str:
        """Take out what a response may have echoed."""
        secrets = (
            (self._credentials or "").partition("=")[2],
            self.general.password.reveal(),
            self.general.basic_password.reveal(),
        )
        return _SECRET_IN_TEXT.sub(r"\1=***", masked(text, secrets))

    @staticmethod
    def _error(response: HttpResponse, text: str, *, retry: bool = False) -> PortalError:
        return PortalError(f"{response.address}: {text}", retry=retry, status=response.status)


class _LoginSession:
    """What pyzm's login needs of a `requests` session, under our limits and checks."""

    def __init__(self, portal: Portal, deadline: Deadline | None) -> None:
        self._portal = portal
        self._deadline = deadline

    def post(self, url: str, data: Mapping[str, str], timeout: float) -> _LoginResponse:  # noqa: ARG002 - ours holds
        return _LoginResponse(self._portal._log_in(url, data, self._deadline))  # noqa: SLF001 - its part


class _LoginResponse:
    """What pyzm's login needs of a response, which was checked already."""

    status_code = OK

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def raise_for_status(self) -> None:
        """Do nothing: a refused login was raised before."""

    def json(self) -> dict[str, Any]:
        return self._content


def _portal_url(general: General) -> str:
    return general.portal.strip().rstrip("/").removesuffix("/index.php")


def _api_url(general: General) -> str:
    return general.api_portal.strip().rstrip("/") or f"{_portal_url(general)}/api"


def _is_page(response: HttpResponse) -> bool:
    """Tell whether this is a web page in the place of a picture or JSON.

    A rejected token is answered with one, titled in the user's language.
    """
    return response.status == OK and sniff.is_page(response.body)


def _wants_login(response: HttpResponse) -> bool:
    if response.status == UNAUTHORIZED or response.location:
        return True  # other redirects were sorted out before
    page = response.body if _is_page(response) else b""
    return b"loginForm" in page or sniff.title(page).endswith("- Error")
