"""What the portal is asked, and what it costs. What it answers is in the integration tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, LoginError, PortalError
from zmhook.net.http import HttpResponse
from zmhook.net.http_problem import HttpFailure, HttpProblem
from zmhook.net.tokens import TokenStore
from zmhook.net.urls import shown
from zmhook.settings import General, Secret
from zmhook.zoneminder.api import Portal

JPEG = b"\xff\xd8\xff\xd9"


class Wire:
    """Records what is asked, and answers each with the next answer."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, float]] = []
        self.data: list[Mapping[str, str] | None] = []
        self.closed = 0

    def request(
        self, method: str, url: str, seconds: float, data: Mapping[str, str] | None, auth: object
    ) -> HttpResponse:
        self.asked.append((method, url, seconds))
        self.data.append(data)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return HttpResponse(shown(url), *answer, {})

    def close(self) -> None:
        self.closed += 1


def portal(wire: Wire, **general: object) -> Portal:
    made = Portal(General(**{"portal": "http://zm.example/zm", **general}))
    made._opened = wire  # type: ignore[assignment]
    return made


def test_image_address() -> None:
    wire = Wire((200, JPEG))
    assert portal(wire, portal_timeout=7.0).image(12, "snapshot") == JPEG
    address = "http://zm.example/zm/index.php?view=image&eid=12&fid=snapshot"
    assert wire.asked == [("GET", address, 7.0)]


def test_frame_id_cannot_add_to_the_query() -> None:
    wire = Wire((200, JPEG))
    portal(wire).image(12, "1&eid=13")
    assert wire.asked[0][1].endswith("eid=12&fid=1%26eid%3D13")


def test_notes_go_into_the_body() -> None:
    wire = Wire((200, b'{"message": "Saved"}'))
    portal(wire, api_portal="http://api.example/").set_notes(12, "détecté & co")
    assert wire.asked[0][:2] == ("PUT", "http://api.example/events/12.json")
    assert wire.data == [{"Event[Notes]": "détecté & co"}]


def test_events_after_another() -> None:
    wire = Wire((200, b'{"events": [{"Event": {"Id": 14}}, {"Event": {"Id": 13}}]}'))
    assert portal(wire).events_after(12, 100) == [{"Id": 14}, {"Id": 13}]
    address = "http://zm.example/zm/api/events/index/Id%20%3E:12.json"
    assert wire.asked[0][1] == f"{address}?sort=Id&direction=desc&limit=100"


@pytest.mark.parametrize("body", [b"{}", b'{"events": 3}', b'{"events": [3]}', b'{"events": [{}]}'])
def test_what_is_no_list_of_events(body: bytes) -> None:
    with pytest.raises(PortalError, match="a list of events"):
        portal(Wire((200, body))).events_after(12, 100)


def test_kept_token_is_added(tmp_path: Path) -> None:
    TokenStore(str(tmp_path), "http://zm.example/zm/api", "admin").write(
        "token=kept", time.time() + 999
    )
    row = json.dumps({"event": {"Event": {"Id": 12}}}).encode()
    wire = Wire((200, JPEG), (200, row))
    asked = portal(wire, user="admin", base_data_path=str(tmp_path))
    asked.image(12, "alarm")
    assert asked.event(12) == {"Id": 12}
    assert wire.asked[0][1].endswith("&fid=alarm&token=kept")
    assert wire.asked[1][1] == "http://zm.example/zm/api/events/12.json?token=kept"


def test_a_request_gets_the_time_that_is_left() -> None:
    wire = Wire((200, JPEG))
    portal(wire).image(12, "alarm", Deadline(2))
    assert 1.5 < wire.asked[0][2] <= 2


def test_nothing_is_asked_after_the_deadline() -> None:
    wire = Wire()
    with pytest.raises(
        DeadlineExceeded, match=r"asking http://zm.example/zm for alarm of event 12"
    ):
        portal(wire).image(12, "alarm", Deadline(0))
    assert wire.asked == []


def test_time_over_wins_over_the_portals_error() -> None:
    class Slow(Wire):
        def request(self, *asked: object, **_: object) -> HttpResponse:
            time.sleep(0.05)
            raise HttpProblem("http://zm", HttpFailure.TIMEOUT)

    with pytest.raises(DeadlineExceeded):
        portal(Slow()).image(12, "alarm", Deadline(0.02))
    with pytest.raises(PortalError, match="no complete response"):
        portal(Slow()).image(12, "alarm", Deadline(9))


def test_no_request_without_a_password(tmp_path: Path) -> None:
    wire = Wire()
    with pytest.raises(LoginError, match="password is empty"):
        portal(wire, user="admin", base_data_path=str(tmp_path)).image(12, "alarm")
    assert wire.asked == []


def test_address_shown_holds_no_secret() -> None:
    assert (
        Portal(General(portal="https://u:secret@zm.example/zm/")).address == "https://zm.example/zm"
    )


@pytest.mark.parametrize("secret", ["p+ss", "löwe"])
def test_echoed_secrets_are_masked_before_the_text_is_cut(secret: str) -> None:
    """An answer is shown up to some length: a secret that is cut there would pass by."""
    body = ("x" * 57 + secret + " token=abc&x").encode()
    with pytest.raises(PortalError) as caught:
        portal(Wire((500, body)), basic_password=Secret(secret)).image(12, "alarm")
    assert secret[:1] + secret[1] not in str(caught.value).split("text:")[1]
    assert "x**" in str(caught.value)


def test_close_twice() -> None:
    wire = Wire()
    made = portal(wire)
    made.close()
    made.close()
    assert wire.closed == 1


def test_nothing_heavy_is_imported_before_it_is_asked() -> None:
    code = (
        "import sys; from zmhook.zoneminder.api import Portal; from zmhook.settings import General;"
        "Portal(General(portal='http://zm.example/zm')).close();"
        "print([m for m in ('requests', 'urllib3', 'pyzm', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_monitors_row_and_its_zones() -> None:
    rows = [{"Zone": {"Name": name, "MonitorId": who}} for name, who in (("a", "3"), ("b", 4))]
    wire = Wire(
        (200, json.dumps({"monitor": {"Monitor": {"Width": "640"}}}).encode()),
        (200, json.dumps({"zones": rows}).encode()),
    )
    asked = portal(wire)
    assert asked.monitor(3) == {"Width": "640"}
    assert [row["Name"] for row in asked.zones(3)] == ["a"]
    assert [url for _, url, _ in wire.asked] == [
        "http://zm.example/zm/api/monitors/3.json",
        "http://zm.example/zm/api/zones.json",
    ]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"zones": 1, "monitor": []}', b"<html>"])
def test_what_is_no_monitor_and_no_zones(body: bytes) -> None:
    with pytest.raises(PortalError):
        portal(Wire((200, body))).monitor(3)
    with pytest.raises(PortalError):
        portal(Wire((200, body))).zones(3)


HTML = (
    b"<br />\n<b>Warning</b>:  Undefined array key {main} in <b>/x.php</b> on line <b>3</b><br />\n"
)
PLAIN = b"\nDeprecated: Creation of dynamic property X::$y in /x.php on line 12\n"


@pytest.mark.parametrize(
    "before", [HTML, PLAIN, HTML * 3 + PLAIN, b"<pre>cake {error}</pre>", b"\xef\xbb\xbf"]
)
def test_what_php_says_before_the_json_is_passed_over(before: bytes) -> None:
    row = json.dumps({"monitor": {"Monitor": {"Id": "1"}}}).encode()
    wire = Wire((200, before + row + b"\n" + PLAIN))
    assert portal(wire).monitor(1) == {"Id": "1"}
    assert len(wire.asked) == 1


@pytest.mark.parametrize("before", [HTML, PLAIN])
def test_what_php_says_before_a_picture_is_passed_over(before: bytes) -> None:
    assert portal(Wire((200, before + JPEG))).image(12, "snapshot") == JPEG


def test_with_nothing_behind_it_php_is_quoted() -> None:
    with pytest.raises(PortalError, match="PHP says 'Warning: Undefined array key"):
        portal(Wire((200, HTML + b"<p>sorry"))).monitor(1)
