"""The portal against a web server that tells every lie that ZoneMinder's tells, and some more."""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest
import trustme

from zmhook.deadline import Deadline
from zmhook.errors import (
    DeadlineExceeded,
    FrameUnavailable,
    LoginError,
    PictureError,
    PortalError,
    ZmhookError,
)
from zmhook.event import Event
from zmhook.frames.base import waited_for
from zmhook.frames.sources import open_source
from zmhook.settings import General, Secret, Settings
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.integration

USER = "admin"
PASSWORD = "p&ss=w%rd +?#/\"'ü🙂"
JPEG = bytes.fromhex("ffd8ffe000104a46494600") + bytes(3000) + b"\xff\xd9"
"""Begins and ends like one: the portal looks no deeper."""
PRIVACY = b'<html><title>ZM - Privacy</title><input type="hidden" name="action" value="privacy"/>'


def jwt(seconds: float) -> str:
    claims = json.dumps({"exp": time.time() + seconds, "jti": os.urandom(4).hex()}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


class Handler(BaseHTTPRequestHandler):
    server: FakeZoneMinder
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(
        self, status: int, body: bytes = b"", kind: str = "text/html", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def api(self, status: int, answer: object) -> None:
        self.answer(status, json.dumps(answer).encode(), "application/json")

    def refuse(self, message: str, status: int = 401) -> None:
        """As ZoneMinder does: with the token in it."""
        self.api(status, {"success": False, "data": {"message": message, "url": self.path}})

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.server.requests.append(f"{self.command} {url.path}")
        for prefix, lie in self.server.lies.items():
            if url.path.startswith(prefix):
                return lie(self)
        if not self.basic_is_right():
            return self.answer(401, b"<html><title>401</title>", WWW_Authenticate="Basic realm=x")
        if url.path == "/zm/api/host/login.json":
            return self.login()
        return self.image() if url.path == "/zm/index.php" else self.event(url.path)

    do_GET = do_PUT = do_POST = handle_one  # noqa: N815 - the base class's names

    def basic_is_right(self) -> bool:
        if not self.server.basic:
            return True
        expected = base64.b64encode(self.server.basic.encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def login(self) -> None:
        if self.form != {"user": [USER], "pass": [PASSWORD]}:
            return self.refuse("Login denied for user &quot;admin&quot;")
        token = jwt(7200) if self.server.auth else None
        if token:
            self.server.tokens.add(token)
        return self.api(
            200, {"access_token": token, "access_token_expires": 7200, "apiversion": "2.0"}
        )

    def token_is_right(self) -> bool:
        return not self.server.auth or set(self.query.get("token", [])) <= self.server.tokens

    def image(self) -> None:
        if self.server.auth and "token" not in self.query:
            return self.answer(302, Location="/zm/index.php?view=login")
        if not self.token_is_right():
            return self.answer(200, b"<!DOCTYPE html><title>ZM - Error</title>")
        if self.query["eid"] != ["12"]:
            return self.answer(404)
        if self.query["fid"] not in (["snapshot"], ["alarm"], ["1"]):
            return self.answer(200)
        return self.answer(200, self.server.picture, "image/jpeg")

    def event(self, path: str) -> None:
        if self.server.auth and not (self.query.get("token") and self.token_is_right()):
            return self.refuse("Expired token" if "token" in self.query else "Not Authenticated")
        if path != "/zm/api/events/12.json":
            return self.refuse("Invalid event", 404)
        if self.command == "PUT":
            if (
                len(self.form["Event[Notes]"][0].encode()) > 65535
                or "🙂" in self.form["Event[Notes]"][0]
            ):
                return self.refuse("An Internal Error Has Occurred.", 500)
            self.server.notes = self.form["Event[Notes]"][0]
            return self.api(200, {"message": "Saved"})
        row = {"Id": 12, "Notes": self.server.notes, "FileSystemPath": "/events/3/2024-01-01/12"}
        return self.api(200, {"event": {"Event": row}})


Lie = Callable[[Handler], None]


class FakeZoneMinder(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        self.auth = True
        self.basic = ""
        self.tokens: set[str] = set()
        self.notes = "Motion: All"
        self.picture = JPEG
        self.requests: list[str] = []
        self.lies: dict[str, Lie] = {}
        self.over = threading.Event()

    @property
    def portal(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/zm"

    @property
    def logins(self) -> int:
        return self.requests.count("POST /zm/api/host/login.json")

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests."""

    def speak_tls(self, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        # The handshake belongs into the connection's thread: here it would block them all.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.scheme = "https"


@pytest.fixture
def zm() -> Iterator[FakeZoneMinder]:
    server = FakeZoneMinder()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def portal_of(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Make portals with the settings that a test names; they keep their login in one folder."""
    made: list[Portal] = []

    def make(portal: str | FakeZoneMinder, **general: object) -> Portal:
        address = portal if isinstance(portal, str) else portal.portal
        given = {
            "portal": address,
            "user": USER,
            "password": Secret(PASSWORD),
            "base_data_path": str(tmp_path),
            "portal_timeout": 5.0,
        }
        made.append(Portal(General(**{**given, **general})))
        return made[-1]

    yield make
    for portal in made:
        portal.close()


def refused(kind: type[ZmhookError], says: str, call: Callable[[], object]) -> ZmhookError:
    with pytest.raises(kind, match=says) as caught:
        call()
    text = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in text
    assert len(text) < 300
    assert "token=" not in text.replace("token=***", "")
    assert PASSWORD not in text
    assert caught.value.__cause__ is None
    return caught.value


# -- what works ------------------------------------------------------------------------------------


def test_picture_event_folder_and_notes(zm: FakeZoneMinder, portal_of) -> None:
    portal = portal_of(zm)
    assert portal.image(12, "snapshot") == JPEG
    assert portal.image(12, "1", Deadline(5)) == JPEG
    assert portal.event(12)["Notes"] == "Motion: All"
    assert portal.event_folder(12) == "/events/3/2024-01-01/12"
    portal.set_notes(12, "détecté: a&b=c Motion: All")
    assert zm.notes == "détecté: a&b=c Motion: All"
    assert zm.logins == 1


@pytest.mark.parametrize("user", ["", USER])
def test_authentication_switched_off(zm: FakeZoneMinder, portal_of, user: str) -> None:
    zm.auth = False
    assert portal_of(zm, user=user).image(12, "alarm") == JPEG
    assert portal_of(zm, user=user).event(12)["Id"] == 12
    assert zm.logins == (1 if user else 0)  # that no token is needed is kept too


def test_authentication_switched_on_later(zm: FakeZoneMinder, portal_of) -> None:
    zm.auth = False
    portal_of(zm).image(12, "alarm")
    zm.auth = True
    assert portal_of(zm).image(12, "alarm") == JPEG
    assert zm.logins == 2


@pytest.mark.parametrize("ending", ["", "/", "/index.php"])
def test_portal_as_people_write_it(zm: FakeZoneMinder, portal_of, ending: str) -> None:
    portal = portal_of(zm.portal + ending, api_portal="")
    assert portal.image(12, "alarm") == JPEG


def test_api_elsewhere(zm: FakeZoneMinder, portal_of) -> None:
    portal = portal_of("http://127.0.0.1:1/zm", api_portal=f"{zm.portal}/api/")
    assert portal.event(12)["Id"] == 12
    refused(PortalError, "127.0.0.1:1/zm/index.php: refused", lambda: portal.image(12, "alarm"))


def test_basic_authentication_in_front(zm: FakeZoneMinder, portal_of) -> None:
    zm.basic = "łuser:pä:ss🙂"
    basic = {"basic_user": "łuser", "basic_password": Secret("pä:ss🙂")}
    assert portal_of(zm, **basic).image(12, "alarm") == JPEG
    error = refused(LoginError, "basic_user and basic_password", lambda: portal_of(zm).event(12))
    assert "HTTP basic authentication" in str(error)


# -- the login -------------------------------------------------------------------------------------


def test_an_event_costs_no_login(zm: FakeZoneMinder, portal_of, tmp_path: Path) -> None:
    for _ in range(3):
        assert portal_of(zm).image(12, "snapshot") == JPEG
    assert zm.logins == 1
    (kept,) = tmp_path.rglob("*token*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("method", ["image", "event"])
def test_token_that_is_not_accepted_any_more(zm: FakeZoneMinder, portal_of, method: str) -> None:
    portal_of(zm).event(12)
    zm.tokens.clear()
    portal = portal_of(zm)
    assert portal.image(12, "alarm") if method == "image" else portal.event(12)
    assert zm.logins == 2
    assert portal_of(zm).image(12, "alarm") == JPEG
    assert zm.logins == 2


def test_token_withdrawn_while_a_portal_is_in_use(zm: FakeZoneMinder, portal_of) -> None:
    portal = portal_of(zm)
    portal.image(12, "alarm")
    zm.tokens.clear()
    assert portal.image(12, "alarm") == JPEG


def test_garbage_in_the_kept_login(zm: FakeZoneMinder, portal_of, tmp_path: Path) -> None:
    portal_of(zm).image(12, "alarm")
    (kept,) = tmp_path.rglob("*token*")
    kept.write_bytes(os.urandom(100))
    assert portal_of(zm).image(12, "alarm") == JPEG
    assert zm.logins == 2


def test_users_do_not_share_a_login(zm: FakeZoneMinder, portal_of) -> None:
    portal_of(zm).image(12, "alarm")
    refused(
        LoginError, "refused to log in user 'guest'", lambda: portal_of(zm, user="guest").event(12)
    )


def test_wrong_password(zm: FakeZoneMinder, portal_of) -> None:
    portal = portal_of(zm, password=Secret("wrong"))
    error = refused(
        LoginError,
        r"login.json: refused to log in user 'admin' \(status 401, JSON saying 'Login denied for"
        r" user \"admin\"'\): check \[general\] user and password",
        lambda: portal.image(12, "alarm"),
    )
    assert not error.retry
    assert zm.logins == 1


def test_no_password(zm: FakeZoneMinder, portal_of) -> None:
    refused(LoginError, "password is empty", lambda: portal_of(zm, password=Secret()).event(12))


def test_login_needed_but_no_user(zm: FakeZoneMinder, portal_of) -> None:
    portal = portal_of(zm, user="")
    refused(
        LoginError,
        r"a redirect to its login page.*user is empty",
        lambda: portal.image(12, "alarm"),
    )
    refused(LoginError, r"'Not Authenticated'.*user is empty", lambda: portal.event(12))


def test_user_who_may_not_see_the_picture(zm: FakeZoneMinder, portal_of) -> None:
    zm.lies["/zm/index.php"] = page("ZM - Error")
    for _ in range(2):
        refused(
            LoginError,
            r"'admin' could log in, but is not given alarm of event 12 .*'ZM - Error'",
            lambda: portal_of(zm).image(12, "alarm"),
        )
    assert zm.logins == 2  # the second time because the kept one seemed not to hold


# -- lies ------------------------------------------------------------------------------------------


def page(title: str, status: int = 200) -> Lie:
    return lambda to: to.answer(status, f"<!DOCTYPE html><title>{title}</title>".encode())


def redirect(target: str) -> Lie:
    return lambda to: to.answer(302, Location=target)


def cut_in_the_middle(to: Handler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "100000")
    to.end_headers()
    to.wfile.write(JPEG)
    to.close_connection = True


def hang_up(to: Handler) -> None:
    to.close_connection = True


def no_http(to: Handler) -> None:
    to.wfile.write(b"220 mail.example ESMTP\r\n")
    to.close_connection = True


def endless(to: Handler) -> None:
    to.send_response(200)
    to.end_headers()
    to.close_connection = True
    for _ in range(100):
        to.wfile.write(bytes(1024 * 1024))


IMAGE_LIES: list[tuple[str, Lie, type[ZmhookError], str, bool]] = [
    ("empty", lambda to: to.answer(200), FrameUnavailable, "an empty response.*not stored", True),
    ("404", lambda to: to.answer(404), FrameUnavailable, r"status 404.*no such event", True),
    (
        "page",
        page("Welcome"),
        PortalError,
        "expected a picture, got status 200, an HTML page titled 'Welcome': check that",
        True,
    ),
    ("error page", page("ZM - Error"), LoginError, "is not given alarm of event 12", False),
    (
        "login page",
        lambda to: to.answer(200, b"<html><form id=loginForm>"),
        LoginError,
        "is not given",
        False,
    ),
    (
        "to login",
        redirect("/zm/index.php?view=login"),
        LoginError,
        "a redirect to its login page",
        False,
    ),
    (
        "to privacy",
        redirect("/zm/index.php?view=privacy"),
        PortalError,
        "shows its privacy notice",
        False,
    ),
    (
        "privacy page",
        lambda to: to.answer(200, PRIVACY),
        PortalError,
        "shows its privacy notice",
        False,
    ),
    (
        "elsewhere",
        redirect("https://zm.example/zm/?token=abc"),
        PortalError,
        "redirects to https://zm.example/zm/: set",
        False,
    ),
    (
        "401",
        lambda to: to.refuse("Expired token"),
        LoginError,
        "is not given .*'Expired token'",
        False,
    ),
    ("403", page("403 Forbidden", 403), PortalError, "status 403.*access rules", False),
    ("404 page", page("404 Not Found", 404), PortalError, "status 404, an HTML page", False),
    ("500", page("Oops", 500), PortalError, "status 500.*'Oops'.*the logs of the web server", True),
    (
        "502",
        lambda to: to.answer(502, b"bad gateway"),
        PortalError,
        "status 502, text: 'bad gateway'",
        True,
    ),
    ("text", lambda to: to.answer(200, b"No such file"), PortalError, "text: 'No such file'", True),
    ("json", lambda to: to.refuse("What?", 200), PortalError, "JSON saying 'What\\?'", True),
    (
        "cut",
        cut_in_the_middle,
        PortalError,
        "closed the connection before its response was complete",
        True,
    ),
    ("hang up", hang_up, PortalError, "closed the connection", True),
    ("no http", no_http, PortalError, "is not HTTP", False),
    ("endless", endless, PortalError, "more than 67108864 bytes", False),
]


@pytest.mark.parametrize(
    ("lie", "kind", "says", "retry"),
    [lie[1:] for lie in IMAGE_LIES],
    ids=[lie[0] for lie in IMAGE_LIES],
)
def test_lies_about_a_picture(
    zm: FakeZoneMinder, portal_of, lie: Lie, kind: type[ZmhookError], says: str, retry: bool
) -> None:
    zm.lies["/zm/index.php"] = lie
    error = refused(kind, says, lambda: portal_of(zm).image(12, "alarm"))
    assert error.retry is retry


API_LIES: list[tuple[str, Lie, type[ZmhookError], str]] = [
    ("empty", lambda to: to.answer(200), PortalError, r"got status 200, nothing \(0 bytes\)"),
    ("page", page("Welcome"), PortalError, "expected JSON, got status 200, an HTML page"),
    ("list", lambda to: to.api(200, []), PortalError, "expected JSON, got"),
    ("no row", lambda to: to.api(200, {"events": []}), PortalError, "expected an event's row"),
    ("null", lambda to: to.api(200, {"event": None}), PortalError, "expected an event's row"),
    ("cut", lambda to: to.answer(200, b'{"event": {"Ev'), PortalError, "expected JSON, got"),
    ("404 page", page("404 Not Found", 404), PortalError, "titled '404 Not Found': check that"),
    ("500", page("Oops", 500), PortalError, "status 500"),
    ("401", lambda to: to.refuse("Wrong number of segments"), LoginError, "number of segments"),
    ("unknown", lambda to: to.refuse("Invalid event", 404), PortalError, "does not know event 12"),
]


@pytest.mark.parametrize(
    ("lie", "kind", "says"), [lie[1:] for lie in API_LIES], ids=[lie[0] for lie in API_LIES]
)
def test_lies_of_the_api(
    zm: FakeZoneMinder, portal_of, lie: Lie, kind: type[ZmhookError], says: str
) -> None:
    zm.lies["/zm/api/events"] = lie
    refused(kind, says, lambda: portal_of(zm).event(12))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], "expected JSON"),
        ({"access_token": "x", "apiversion": "two"}, "cannot be understood"),
        ({"access_token": "x", "apiversion": 2}, "cannot be understood"),
        ({"access_token": "x", "access_token_expires": ["x"], "apiversion": "2.0"}, "understood"),
    ],
)
def test_lies_about_a_login(zm: FakeZoneMinder, portal_of, answer: object, says: str) -> None:
    zm.lies["/zm/api/host/login.json"] = lambda to: to.api(200, answer)
    with pytest.raises(PortalError, match=says):
        portal_of(zm).event(12)


def test_login_that_is_sent_away(zm: FakeZoneMinder, portal_of) -> None:
    zm.lies["/zm/api/host/login.json"] = redirect("https://zm.example/login")
    refused(PortalError, "redirects to https://zm.example/login", lambda: portal_of(zm).event(12))


@pytest.mark.parametrize(
    ("form", "shows"),
    [
        (lambda: f"https://zm.example/x/user={USER}&pass={quote_plus(PASSWORD)}&x=1", "x/…:"),
        (lambda: f"https://zm.example/{quote(PASSWORD, safe='')}/y", r"\*\*\*/y:"),
        (lambda: f"https://zm.example/{quote(quote(PASSWORD, safe=''))}/y", r"\*\*\*/y:"),
        (lambda: f"/{base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}", r"\*\*\*:"),
    ],
)
def test_a_redirect_that_repeats_the_login_shows_no_password(
    zm: FakeZoneMinder, portal_of, form: Callable[[], str], shows: str
) -> None:
    zm.lies["/zm/api/host/login.json"] = redirect(form())
    with pytest.raises(PortalError, match=f"redirects to .*{shows} set") as caught:
        portal_of(zm).event(12)
    assert not any(part in str(caught.value) for part in ("p%26ss", "ss%3D", "w%25rd", "w%2525rd"))


def test_older_login_is_used_but_not_kept(zm: FakeZoneMinder, portal_of, tmp_path: Path) -> None:
    """Before token logins ZoneMinder gave a piece of query, which may end with the password."""
    older = {"apiversion": "1.0", "credentials": "auth=0123abc", "append_password": "0"}
    asked: list[str] = []
    zm.lies["/zm/api/host/login.json"] = lambda to: to.api(200, older)
    zm.lies["/zm/index.php"] = lambda to: (asked.append(to.path), to.answer(200, JPEG))[1]
    assert portal_of(zm).image(12, "alarm") == JPEG
    assert asked[0].endswith("&auth=0123abc")
    assert list(tmp_path.rglob("*token*")) == []


def test_folder_that_is_not_told(zm: FakeZoneMinder, portal_of) -> None:
    zm.lies["/zm/api/events"] = lambda to: to.api(200, {"event": {"Event": {"Id": 12}}})
    refused(PortalError, "does not tell the folder", lambda: portal_of(zm).event_folder(12))


NOT_SHOWN = {"Next": 0, "fileExists": False, "FileSystemPath": "/var/cache/zoneminder/events//"}
"""What 1.38 gives of an event whose monitor the user may not see."""


def test_an_event_whose_monitor_the_user_may_not_see(zm: FakeZoneMinder, portal_of) -> None:
    zm.lies["/zm/api/events"] = lambda to: to.api(200, {"event": {"Event": NOT_SHOWN}})
    for ask in (portal_of(zm).event, portal_of(zm).event_folder):
        error = refused(
            LoginError,
            r"'admin' .* is not given event 12 .*needs Events: View, and not None for its monitor",
            lambda ask=ask: ask(12),
        )
        assert not error.retry


@pytest.mark.parametrize("row", [NOT_SHOWN, {"Id": "13", "FileSystemPath": "/events/3/13"}])
def test_the_row_of_another_event(zm: FakeZoneMinder, portal_of, row: object) -> None:
    zm.auth = False
    zm.lies["/zm/api/events"] = lambda to: to.api(200, {"event": {"Event": row}})
    refused(
        PortalError,
        "expected the row of that event",
        lambda: portal_of(zm, user="").event_folder(12),
    )


@pytest.mark.parametrize("text", ["person 🙂", "x" * 70_000])
def test_notes_that_are_refused(zm: FakeZoneMinder, portal_of, text: str) -> None:
    error = refused(
        PortalError, "the notes of event 12.*status 500", lambda: portal_of(zm).set_notes(12, text)
    )
    assert error.status == 500
    assert zm.notes == "Motion: All"


def test_notes_that_are_not_saved(zm: FakeZoneMinder, portal_of) -> None:
    zm.lies["/zm/api/events"] = lambda to: to.api(200, {"message": "Error"})
    refused(PortalError, "were not saved.*'Error'", lambda: portal_of(zm).set_notes(12, "x"))


# -- the way there ---------------------------------------------------------------------------------


def test_nobody_listens(portal_of) -> None:
    portal = portal_of("http://127.0.0.1:1/zm", user="")
    error = refused(PortalError, "refused the connection: is the", lambda: portal.image(1, "alarm"))
    assert error.retry


def test_host_that_does_not_exist(portal_of) -> None:
    portal = portal_of("http://no-such-host.invalid/zm", user="")
    refused(PortalError, "its host name cannot be resolved", lambda: portal.image(1, "alarm"))


@pytest.mark.parametrize(
    "address", ["zm.example/zm", "ftp://zm.example/zm", "http://", "http://[x"]
)
def test_no_address(portal_of, address: str) -> None:
    portal = portal_of(address, user="")
    refused(
        PortalError, "is not a complete http or https address", lambda: portal.image(1, "alarm")
    )


def test_certificate_that_nobody_vouches_for(
    zm: FakeZoneMinder, portal_of, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    zm.speak_tls(authority)
    strict = portal_of(zm, allow_self_signed=False)
    error = refused(
        PortalError,
        r"its certificate cannot be verified \(.*\): .*set \[general\] allow_self_signed = yes",
        lambda: strict.image(12, "alarm"),
    )
    assert not error.retry
    # What the environment says about certificates must not win over the setting.
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert strict.image(12, "alarm") == JPEG
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert portal_of(zm, allow_self_signed=True).image(12, "alarm") == JPEG


def test_https_where_http_is_spoken(zm: FakeZoneMinder, portal_of) -> None:
    address = zm.portal.replace("http://", "https://")
    portal = portal_of(address, user="")
    refused(PortalError, "TLS failed .* does that port speak https", lambda: portal.image(12, "1"))


def test_http_where_https_is_spoken(zm: FakeZoneMinder, portal_of) -> None:
    zm.speak_tls(trustme.CA())
    address = zm.portal.replace("https://", "http://")
    refused(PortalError, "closed the connection|not HTTP", lambda: portal_of(address).event(12))


def silent(to: Handler) -> None:
    to.server.over.wait(20)


def drip(*, headers_too: bool) -> Lie:
    """Send a byte now and then: no pause is ever as long as the time-out."""

    def lie(to: Handler) -> None:
        if not headers_too:
            to.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n\xff\xd8")
        while not to.server.over.wait(0.05):
            to.wfile.write(b"H" if headers_too else b"\0")

    return lie


SLOW = {"silent": silent, "drip": drip(headers_too=False), "drip headers": drip(headers_too=True)}


@pytest.mark.parametrize("lie", SLOW.values(), ids=SLOW)
def test_slow(zm: FakeZoneMinder, portal_of, lie: Lie) -> None:
    zm.auth = False
    zm.lies["/zm/index.php"] = lie
    portal = portal_of(zm, portal_timeout=0.5, user="")
    error = refused(
        PortalError,
        r"no complete response within 0.5 s.*portal_timeout",
        lambda: portal.image(12, "alarm"),
    )
    assert error.retry


@pytest.mark.parametrize("lie", SLOW.values(), ids=SLOW)
def test_the_events_deadline_is_shorter(zm: FakeZoneMinder, portal_of, lie: Lie) -> None:
    zm.lies["/zm/index.php"] = lie
    portal = portal_of(zm, portal_timeout=60.0)
    portal.event(12)  # the login is done
    refused(
        DeadlineExceeded,
        r"gave up after 0.4 s while waiting for http://127.0.0.1:\d+/zm to give alarm of event 12",
        lambda: portal.image(12, "alarm", Deadline(0.4)),
    )


def test_host_that_never_answers_the_phone(portal_of) -> None:
    """A backlog that is full: the connection itself hangs."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for caller in (first, second):
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        portal = portal_of(
            f"http://127.0.0.1:{listener.getsockname()[1]}/zm", user="", portal_timeout=0.3
        )
        refused(PortalError, "portal_timeout", lambda: portal.image(12, "alarm"))


def test_a_silent_portal_keeps_no_process_alive(zm: FakeZoneMinder, tmp_path: Path) -> None:
    zm.lies["/zm/index.php"] = drip(headers_too=False)
    code = (
        "from zmhook.zoneminder.api import Portal; from zmhook.settings import General\n"
        f"g = General(portal={zm.portal!r}, base_data_path={str(tmp_path)!r}, portal_timeout=0.3)\n"
        "try: Portal(g).image(12, 'alarm')\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("PortalError\n", "")


# -- secrets ---------------------------------------------------------------------------------------


def test_no_secret_in_the_log(
    zm: FakeZoneMinder,
    portal_of,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    portal_of(zm).image(12, "alarm")
    first = set(zm.tokens)
    zm.tokens.clear()
    portal = portal_of(zm)
    portal.event(12)
    zm.lies["/zm/index.php"] = lambda to: to.answer(500, f"see {to.path} {PASSWORD}".encode())
    error = refused(PortalError, r"\*\*\*", lambda: portal.image(12, "alarm"))
    said = caplog.text + str(error) + repr(error) + "".join(capfd.readouterr())
    assert "logging in" in said
    for secret in (*first, *zm.tokens, PASSWORD):
        assert secret not in said
        assert secret[:20] not in said


# -- patience, with the whole source ---------------------------------------------------------------


def source(zm: FakeZoneMinder, tmp_path: Path, **general: object):
    given = {"portal": zm.portal, "user": USER, "password": Secret(PASSWORD)}
    quick = {"base_data_path": str(tmp_path), "sleep_between_attempts": 0.02}
    settings = Settings(general=General(**{**given, **quick, **general}))
    return open_source(Event(id=12), settings, Deadline(30))


def test_truth_after_all_kinds_of_lies(zm: FakeZoneMinder, tmp_path: Path, photo) -> None:
    zm.picture = photo("dog.jpg").read_bytes()
    lies = iter(
        [
            lambda to: to.answer(404),
            lambda to: to.answer(200),
            lambda to: to.answer(200, zm.picture[:4096]),
            page("Oops", 500),
            cut_in_the_middle,
            hang_up,
        ]
    )

    def lie_while_there_are_lies(to: Handler) -> None:
        next(lies, Handler.image)(to)

    zm.lies["/zm/index.php"] = lie_while_there_are_lies
    frames = source(zm, tmp_path, max_attempts=7)
    frame = waited_for(frames, "snapshot", Deadline(30))
    frames.close()
    assert frame.data == zm.picture
    assert frame.origin == f"{zm.portal}: snapshot of event 12"
    assert zm.requests.count("GET /zm/index.php") == 7


def test_picture_that_stays_cut(zm: FakeZoneMinder, tmp_path: Path, photo) -> None:
    zm.picture = photo("dog.jpg").read_bytes()[:4096]
    frames = source(zm, tmp_path, max_attempts=3)
    refused(
        PictureError,
        r"snapshot of event 12: the JPEG is cut short: .* 4096 bytes .* \(asked 3 times in 0",
        lambda: waited_for(frames, "snapshot", Deadline(30)),
    )
    frames.close()


def test_wrong_password_is_tried_once(zm: FakeZoneMinder, tmp_path: Path) -> None:
    """Many attempts would lock the user out somewhere."""
    frames = source(zm, tmp_path, password=Secret("wrong"))
    with pytest.raises(LoginError):
        waited_for(frames, "snapshot", Deadline(30))
    frames.close()
    assert zm.logins == 1
