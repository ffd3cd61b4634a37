"""What is asked and how it is answered."""

from __future__ import annotations

import os
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from zmhook import __version__
from zmhook.detection import Box, Decision, Detection
from zmhook.event import Event
from zmhook.net.http_connection import CloseConnection, Request, Response
from zmhook.service import routes
from zmhook.service.routes import Routes
from zmhook.settings import General, Settings

DOG = Detection(label="dog", confidence=0.9, box=Box(1, 2, 3, 4), model="yolo")


class Supervisor:
    """Decides as it is told."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(path="/etc/o.ini")
        self.asked: list[Event] = []
        self.outcome = "alarm"
        self.errors = ["a", "b"]
        self.settings = Settings()
        self.ready = True
        self.stopping = SimpleNamespace(set=lambda: self.asked.append("stop"))

    async def decide(self, event: Event) -> tuple[Decision, Settings]:
        self.asked.append(event)
        found = {"detections": [DOG]} if self.outcome == "alarm" else {"errors": self.errors}
        return Decision(event=event, outcome=self.outcome, **found), self.settings

    def is_ready(self) -> bool:
        return self.ready


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
def ask(supervisor: Supervisor, soon):
    def ask(
        method: str, path: str, body: bytes = b"", *, public: bool = False, peer: int | None = None
    ) -> Response:
        request = Request(method, path, body=body, uid=peer)
        return soon(lambda: Routes(supervisor, public=public)(request))

    return ask


def form(**fields: object) -> bytes:
    return urlencode(fields).encode()


def test_whether_the_hook_gets_here(ask, supervisor):
    answer = ask("POST", "/decide", form(eid=routes.PING, config="/etc/o.ini"))
    assert (answer.status, answer.body) == (200, f"zmhook {__version__}\n".encode())
    assert supervisor.asked == []
    with pytest.raises(CloseConnection):
        ask("POST", "/decide", form(eid=routes.PING, config="/etc/other.ini"))


def test_an_alarm_is_its_line(ask, supervisor: Supervisor) -> None:
    response = ask("POST", "/decide", form(eid=7, mid=2, name="Tür", cause="a\nb", path="/e"))

    (event,) = supervisor.asked
    assert (event.id, event.monitor_id, event.monitor_name) == (7, 2, "Tür")
    assert (event.cause, event.path) == ("a\nb", "/e")
    assert response.status == 200
    assert response.body.startswith(b"[x] detected:dog:90% --SPLIT--{")
    assert response.body.endswith(b"\n")


def test_nothing_redirects_to_nowhere(ask, supervisor: Supervisor) -> None:
    supervisor.outcome = "nothing"

    response = ask("POST", "/decide", form(eid=7))

    assert (response.status, response.body, response.location) == (302, b"", "http://nothing/")


def test_undecided_says_why(ask, supervisor: Supervisor) -> None:
    supervisor.outcome = "undecided"

    assert ask("POST", "/decide", form(eid=7))[:2] == (422, b"a; b\n")


def test_on_failure_alarm_rings(ask, supervisor: Supervisor) -> None:
    supervisor.outcome = "undecided"
    supervisor.settings = Settings(general=General(on_failure="alarm"))

    response = ask("POST", "/decide", form(eid=7))

    assert response.status == 200
    assert b"nothing could be decided" in response.body


def test_json_is_the_whole_decision(ask, supervisor: Supervisor) -> None:
    supervisor.outcome = "nothing"

    response = ask("POST", "/decide", form(eid=7, json=1))

    assert (response.status, response.content_type) == (200, "application/json")
    assert Decision.from_json(response.body).event == supervisor.asked[0]


def test_the_monitor_need_not_be_known(ask, supervisor: Supervisor) -> None:
    ask("POST", "/decide", form(eid=5, mid=""))

    assert (supervisor.asked[0].id, supervisor.asked[0].monitor_id) == (5, None)


@pytest.mark.parametrize("wrong", ["seven", "-1", "9" * 19, "9" * 5000, "٣", " 1", "007"])
@pytest.mark.parametrize("field", ["eid", "mid"])
def test_what_is_no_number_is_refused(ask, supervisor, caplog, field: str, wrong: str) -> None:
    response = ask("POST", "/decide", form(**{"eid": 1, field: wrong}))

    assert response.status == 400
    what = {"eid": "event", "mid": "monitor"}[field]
    assert response.body.startswith(f"{what}: expected a whole number".encode())
    assert response.body.decode().strip() in caplog.text
    assert len(response.body) < 300
    assert supervisor.asked == []


def test_bytes_that_are_no_text_are_replaced(ask, supervisor: Supervisor) -> None:
    ask("POST", "/decide", b"eid=1&name=%ff%fe&cause=\xff")

    assert (supervisor.asked[0].monitor_name, supervisor.asked[0].cause) == ("��", "�")


def test_a_form_has_so_many_fields_and_no_more(ask, supervisor: Supervisor) -> None:
    assert ask("POST", "/decide", b"a=1&" * (routes.MOST_FIELDS + 1)).status == 400
    assert supervisor.asked == []


def test_another_configurations_event_is_not_ours(ask, supervisor: Supervisor) -> None:
    with pytest.raises(CloseConnection):
        ask("POST", "/decide", form(eid=1, config="/etc/other.ini"))
    assert ask("POST", "/decide", form(eid=1, config="/etc/o.ini")).status == 200


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_health(ask, supervisor: Supervisor, ready: bool, status: int) -> None:
    supervisor.ready = ready

    assert ask("GET", "/health/live").status == 200
    assert ask("GET", "/health/ready").status == status


@pytest.mark.parametrize("peer", [0, os.geteuid()])
def test_stop(ask, supervisor: Supervisor, peer: int) -> None:
    assert ask("POST", "/stop", peer=peer).status == 200
    assert supervisor.asked == ["stop"]


@pytest.mark.parametrize("peer", [os.geteuid() + 12345, None])
def test_others_of_the_group_cannot_stop_it(ask, supervisor: Supervisor, peer: int | None) -> None:
    assert ask("POST", "/stop", peer=peer).status == 403
    assert supervisor.asked == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/decide"), ("GET", "/"), ("POST", "/health/live"), ("X", "/stop")]
)
def test_what_is_not_there(ask, method: str, path: str) -> None:
    assert ask(method, path).status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/decide"), ("POST", "/stop"), ("GET", "/status")]
)
def test_a_network_gets_health_only(ask, supervisor, method: str, path: str) -> None:
    assert ask(method, path, form(eid=1), public=True).status == 404
    assert ask("GET", "/health/live", public=True).status == 200
    assert supervisor.asked == []


def test_a_folder_whose_name_is_not_utf_8(supervisor: Supervisor, ask) -> None:
    ask("POST", "/decide", b"eid=1&name=%FCber&path=%2Ftmp%2F%FCber")
    [event] = supervisor.asked
    assert os.fsencode(event.folder) == b"/tmp/\xfcber"
    assert event.monitor_name == "\ufffdber"
    assert event.path.encode()
