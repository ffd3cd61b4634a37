"""What ZoneMinder 1.38.4 answers, recorded in `zoneminder_1_38_4.json`, and what is made of it.

There event 112 has JPEGs alone, event 113 a film; monitor 1 has the zone that every new one gets.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import json

from zmhook.deadline import Deadline
from zmhook.detection import Box, Decision, Detection
from zmhook.errors import FrameUnavailable, LoginError, NotYet, PortalError
from zmhook.event import Event
from zmhook.jobs.work import Work
from zmhook.report.notes import run_check
from zmhook.report.tags import write_tags
from zmhook.settings import Gate, General, Secret, Settings
from zmhook.zoneminder.api import Portal
from zmhook.zoneminder.event_row import EventRow, event_row
from zmhook.zoneminder.monitors import ZmZone, monitor

ANSWERS: dict[str, Any] = json.decode(
    Path(__file__).with_name("zoneminder_1_38_4.json").read_text()
)
EID = 112


class Recorded:
    """Gives the recorded answers: by a part of the request, the first that fits."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.requests: list[str] = []
        self.answers = {
            "host/login.json": "login",
            "getVersion": "version",
            "PUT /api/events": "notes-saved",
            "api/events": "event-over",
            "api/monitors": "monitor",
            "api/zones": "zones",
            "getavailabletags": "tags",
            "createtag": "tag-made",
            "getselectedtags": "tags-of-event",
            "addtag": "tag-added",
            "view=image": "image-missing-frame",
        }

    def answer(self, posted: Any) -> tuple[int, dict[str, str], bytes]:
        request = f"{posted.method} {posted.path}"
        url = urlsplit(posted.path)
        self.asked.append(url.path)
        self.requests += parse_qs(url.query).get("action", [])
        known = ANSWERS[next(name for part, name in self.answers.items() if part in request)]
        body = known["body"]
        data = body.encode() if isinstance(body, str) else json.encode(body)
        where = {"Location": known["location"]} if "location" in known else {}
        return known["status"], where, data


@pytest.fixture
def recorded(endpoint, monkeypatch) -> Recorded:
    made = Recorded()
    monkeypatch.setattr(endpoint, "answer", made.answer)
    return made


@pytest.fixture
def general(endpoint, tmp_path) -> General:
    given = {"user": "limited", "password": Secret("secret"), "base_data_path": str(tmp_path)}
    return General(portal=endpoint.url, **given)


@pytest.fixture
def portal(recorded, general) -> Portal:
    del recorded
    return Portal(general)


def row(name: str) -> EventRow:
    return event_row(ANSWERS[name]["body"]["event"]["Event"])


@pytest.mark.parametrize("name", ["event-recording", "film-recording"])
def test_an_event_that_records(name: str) -> None:
    assert ANSWERS[name]["body"]["event"]["Event"]["EndTime"]  # and yet
    found = row(name)
    assert (found.is_over, found.ended, found.is_exact) == (False, None, True)


@pytest.mark.parametrize(
    ("name", "began", "ended", "film"),
    [
        ("event-over", 1796049105, 1796049110, ""),
        ("film-over", 1796049112, 1796049119, "113-video.h264.mp4"),
    ],
)
def test_an_event_that_is_over(name: str, began: int, ended: int, film: str) -> None:
    found = row(name)
    assert (found.is_over, found.started, found.ended) == (True, began, ended)
    assert found.default_video == film
    assert found.folder.startswith("/var/cache/zoneminder/events/")


def test_its_film_has_another_name_while_it_records() -> None:
    assert row("film-recording").default_video == "incomplete.h264.mp4"


def test_the_zone_that_every_monitor_gets(recorded, general) -> None:
    """Its units are Percent and its corners pixels."""
    del recorded
    settings = Settings(general=general, gate=Gate(import_zm_zones=True))
    found = monitor(1, settings, Deadline(5))
    assert found is not None
    corners = ((0, 0), (639, 0), (639, 479), (0, 479))
    assert found.zones == (ZmZone("All", "Active", corners, percent=False),)
    assert (found.width, found.height) == (640, 480)


@pytest.mark.parametrize("name", ["not-visible-event", "no-rights-event"])
def test_an_event_that_may_not_be_seen(name: str, recorded, portal) -> None:
    recorded.answers["api/events"] = name
    with pytest.raises(LoginError, match=r"'limited'.* needs Events: View, and not None"):
        portal.event_folder(EID)
    recorded.answers["view=image"] = "not-visible-image"
    recorded.asked.clear()
    for frame_id in ("alarm", "snapshot", "snapshot"):
        with pytest.raises(LoginError, match="needs Events: View, and not None") as caught:
            portal.image(EID, frame_id)
        assert not caught.value.retry
    assert recorded.asked.count("/index.php") == 1


def test_a_frame_that_is_not_there_may_come(recorded, portal) -> None:
    for _ in range(3):
        with pytest.raises(FrameUnavailable) as caught:
            portal.image(EID, "alarm")
        assert caught.value.retry
    assert recorded.asked.count(f"/api/events/{EID}.json") == 1  # may it be seen at all?


def test_an_event_that_is_not_there_yet_may_come(recorded, portal) -> None:
    recorded.answers["api/events"] = "event-missing"
    with pytest.raises(FrameUnavailable) as caught:
        portal.image(999_999, "alarm")
    assert caught.value.retry


def test_a_user_without_events_is_shown_a_page(recorded, portal) -> None:
    recorded.answers["view=image"] = "no-rights-image"
    with pytest.raises(LoginError, match="needs Events: View"):
        portal.image(EID, "alarm")


Ask = Callable[[Portal], object]


@pytest.mark.parametrize(
    ("part", "name", "ask", "needs"),
    [
        ("PUT /api/events", "viewer-notes", lambda to: to.set_notes(EID, "x"), "Events: Edit"),
        ("PUT /api/events", "not-visible-notes", lambda to: to.set_notes(EID, "x"), "not None"),
        ("api/monitors", "not-visible-monitor", lambda to: to.monitor(1), "Monitors: View"),
        ("api/zones", "one-monitor-zones", lambda to: to.zones(1), "Monitors: View, for all"),
        ("getselectedtags", "no-rights-tags", lambda to: write_tags(to, EID, ["x"]), "Events: Vi"),
    ],
)
def test_which_right_is_missing(
    recorded, portal, part: str, name: str, ask: Ask, needs: str
) -> None:
    recorded.answers[part] = name
    with pytest.raises(PortalError, match=f"'limited'.* needs .*{needs}") as caught:
        ask(portal)
    assert not caught.value.retry


@pytest.mark.parametrize("name", ["no-token", "garbage-token"])
def test_a_token_that_is_not_accepted_costs_one_login(name: str, recorded, portal) -> None:
    recorded.answers["api/events"] = name
    with pytest.raises(LoginError):
        portal.event(EID)
    recorded.asked.clear()
    with pytest.raises(LoginError):
        portal.event(EID)
    assert recorded.asked.count("/api/host/login.json") == 1


def test_a_wrong_password(recorded, portal) -> None:
    recorded.answers["host/login.json"] = "login-wrong-password"
    with pytest.raises(LoginError, match=r"Invalid username or password.*check .general. user"):
        portal.event(EID)


def test_authentication_is_off(recorded, portal) -> None:
    """The answer to the login has no token at all."""
    recorded.answers["host/login.json"] = "login-auth-off"
    assert portal.event(EID)["Id"] == EID


def test_a_picture_without_a_login(recorded, portal) -> None:
    recorded.answers["view=image"] = "image-no-token"
    with pytest.raises(LoginError, match="a redirect to its login page"):
        portal.image(EID, "1")


def test_a_tag_that_cannot_be_stored(recorded, portal, caplog) -> None:
    recorded.answers = {"tname=%C5%81": "tag-not-stored", **recorded.answers}
    write_tags(portal, EID, ["Łukasz", "zmhook bus", "dog"])
    assert "cannot store a tag 'Łukasz'" in caplog.text
    assert recorded.requests.count("addtag") == 2
    assert recorded.requests.count("getavailabletags") == 1  # it is not asked for anew in vain


@pytest.mark.parametrize("name", ["event-recording", "event-over"])
def test_lost_notes_are_written_again(name: str, recorded, general, monkeypatch) -> None:
    recorded.answers["api/events"] = name
    found = Detection(label="dog", confidence=0.9, box=Box(0, 0, 9, 9), model="yolo")
    decision = Decision(event=Event(id=EID), outcome="alarm", detections=[found])
    follows: list[str] = []
    monkeypatch.setattr(Work, "follow", lambda _, job, __: follows.append(job))
    run_check(Work(decision, Settings(general=general)))
    assert follows == (["notes-last"] if name == "event-recording" else [])


def test_notes_of_an_event_that_records_are_looked_at_again(recorded, general, monkeypatch) -> None:
    recorded.answers["api/events"] = "event-recording"
    found = Detection(label="dog", confidence=0.9, box=Box(0, 0, 9, 9), model="yolo")
    decision = Decision(event=Event(id=EID), outcome="alarm", detections=[found])
    monkeypatch.setattr("zmhook.report.notes._ours", lambda _: "Forced Web:")
    with pytest.raises(NotYet):
        run_check(Work(decision, Settings(general=general)))
