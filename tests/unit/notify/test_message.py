from __future__ import annotations

import time
from datetime import datetime

import cv2
import numpy as np
import pytest
from msgspec import json

from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.notify import message as module
from zmhook.notify.message import (
    NO_LABELS,
    filled,
    filled_json,
    labels_of,
    message_of,
    monitor_name,
    picture_of,
    url_of,
)
from zmhook.settings import General

PORTAL = {"portal": "https://zm.example.org/zm"}


def message(work, **more):
    made = work(**more)
    return message_of(made.decision, made.settings)


def test_the_words(work) -> None:
    made = message(work, general=PORTAL, event={"cause": "Motion", "asked": 1_700_000_000.0})
    assert made.line == "[s] detected:dog:90% person:90%"
    assert made.labels == "dog, person"
    assert (made.monitor, made.monitor_id, made.event, made.cause) == ("Drive", "3", "7", "Motion")
    assert datetime.fromisoformat(made.time).timestamp() == 1_700_000_000
    assert made.url == "https://zm.example.org/zm/index.php?view=event&eid=7"


@pytest.mark.parametrize(
    ("given", "known", "said"),
    [("Drive", "Other", "Drive"), ("", "Yard", "Yard"), ("", "", "monitor 3")],
)
def test_a_monitor_has_a_name(given: str, known: str, said: str, work) -> None:
    made = work(event={"monitor_name": given})
    assert message_of(made.decision, made.settings, known).monitor == said


def test_descriptions_are_no_labels(work) -> None:
    box = Box(0, 0, 9, 9)
    found = [
        Detection(label="person", confidence=1, box=box, model="yolo"),
        Detection(label="a man", confidence=1, box=box, model="g", kind="description"),
    ]
    assert labels_of(work(detections=found).decision) == ["person"]


def test_a_description_that_rings_by_itself_is_what_was_found(work) -> None:
    box = Box(0, 0, 9, 9)
    said = Detection(
        label="a fox",
        confidence=1,
        box=box,
        model="gemini",
        kind="description",
        attributes={"alarm": "yes", "about": ""},
    )
    assert message(work, detections=[said]).labels == "a fox"


def test_without_a_decision_the_message_says_so(work) -> None:
    made = message(work, outcome="undecided", detections=[], general={"on_failure": "alarm"})
    assert made.labels == NO_LABELS
    assert "nothing could be decided" in made.line


def test_only_our_words_are_put_in(work) -> None:
    text = '{"a": {1}, "m": "{monitor}", {other} {labels}'
    assert filled(text, message(work)) == '{"a": {1}, "m": "Drive", {other} dog, person'


def test_a_word_cannot_bring_another(work) -> None:
    made = message(work, event={"monitor_name": "{labels}", "cause": "{event}"})
    assert filled("{monitor} {cause}", made) == "{labels} {event}"


def test_words_in_json_have_quotes_and_escapes(work) -> None:
    made = message(work, event={"monitor_name": 'the "old" gate\n\\'})
    assert json.decode(filled_json('{"m": {monitor}}', made)) == {"m": 'the "old" gate \\'}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@zm/e?eid={event}", "https://zm/e?eid=7"),
        ("http://zm/?view=event&eid={event}&user=a&pass=b&token=c", "http://zm/?view=event&eid=7"),
        ("http://zm/?auth=x&username=a&password=b&eid={event}#top", "http://zm/?eid=7#top"),
        ("http://zm/?api_key=x&access_token=y&x-sig=1", "http://zm/?x-sig=1"),
        ("myapp://monitor/{monitor_id}/{event}", "myapp://monitor/3/7"),
        ("http://[zm/{event}", ""),
    ],
)
def test_no_secret_goes_out_in_an_address(url: str, shown: str, work) -> None:
    made = work(notify_url=url)
    assert url_of(made.decision, made.settings) == shown


@pytest.mark.parametrize("portal", ["https://zm/zm/", "https://zm/zm/index.php"])
def test_the_portals_page(portal: str, work) -> None:
    made = work(general={"portal": portal})
    page = "https://zm/zm/index.php?view=event&eid=7"
    assert url_of(made.decision, made.settings) == page


def test_no_portal_no_address(work) -> None:
    assert message(work).url == ""
    assert message(work, general=PORTAL, event={"id": None}).url == ""


EVENT = Event(id=7, monitor_id=3)


@pytest.fixture
def general(endpoint, tmp_path) -> General:
    return General(portal=endpoint.url, base_data_path=str(tmp_path))


def says(endpoint, name: str) -> None:
    body = json.encode({"monitor": {"Monitor": {"Id": "3", "Name": name}}})
    endpoint.answers.append((200, {"Content-Type": "application/json"}, body))


def test_a_name_that_was_given_is_taken(endpoint, general) -> None:
    assert monitor_name(Event(id=7, monitor_id=3, monitor_name="Drive"), general) == "Drive"
    assert endpoint.got == []


def test_zoneminder_is_asked_once_a_day(endpoint, general, monkeypatch) -> None:
    says(endpoint, "Yard")
    assert [monitor_name(EVENT, general) for _ in range(3)] == ["Yard"] * 3
    assert [got.path for got in endpoint.got] == ["/api/monitors/3.json"]

    says(endpoint, "Back yard")
    monkeypatch.setattr(module, "NAME_LIFETIME", -1.0)
    assert monitor_name(EVENT, general) == "Back yard"


def test_an_old_name_is_better_than_none(endpoint, general, monkeypatch) -> None:
    says(endpoint, "Yard")
    monitor_name(EVENT, general)
    endpoint.answers.append((500, {}, b""))
    monkeypatch.setattr(module, "NAME_LIFETIME", -1.0)
    assert monitor_name(EVENT, general) == "Yard"


@pytest.mark.parametrize("body", [b"[]", b'{"monitor": null}', b"<html>", b""])
def test_what_cannot_be_understood_is_no_name(body: bytes, endpoint, general) -> None:
    endpoint.answers.append((200, {}, body))
    assert monitor_name(EVENT, general) == ""


def test_a_damaged_file_is_written_anew(endpoint, general, tmp_path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / module.NAMES_FILE).write_bytes(b'{"3": 5}')
    says(endpoint, "Yard")
    assert monitor_name(EVENT, general) == "Yard"
    kept = json.decode((tmp_path / module.NAMES_FILE).read_bytes())
    assert kept["3"]["name"] == "Yard"
    assert kept["3"]["asked"] == pytest.approx(time.time(), abs=60)


def test_a_folder_that_cannot_be_written(endpoint, general, tmp_path) -> None:
    (tmp_path / "state").touch()
    says(endpoint, "Yard")
    assert monitor_name(EVENT, general) == "Yard"


@pytest.mark.parametrize("event", [Event(id=7), Event(monitor_id=3)])
def test_without_a_number_or_a_portal(event: Event) -> None:
    assert monitor_name(event, General()) == ""


def decoded(data: bytes | None):
    assert data
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def test_it_is_small_and_shows_the_boxes(work) -> None:
    picture = decoded(picture_of(work(notify_picture_width=320)))
    assert picture.shape == (240, 320, 3)
    plain = np.full(picture.shape, 128, np.int16)
    assert np.abs(picture.astype(np.int16) - plain).max() > 60


def test_it_is_not_made_larger(work) -> None:
    assert decoded(picture_of(work(notify_picture_width=7680))).shape == (480, 640, 3)


@pytest.mark.parametrize("more", [{"notify_picture": False}, {"picture": False}])
def test_none(more: dict, work) -> None:
    assert picture_of(work(**more)) is None


def test_one_that_is_damaged_costs_the_picture_alone(work, caplog, monkeypatch) -> None:
    from zmhook.errors import PictureError
    from zmhook.jobs.work import Work

    def damaged(_: Work) -> Frame:
        raise PictureError("x.jpg: is damaged")

    monkeypatch.setattr(Work, "frame", property(damaged))
    assert picture_of(work()) is None
    assert "goes out without its picture: x.jpg: is damaged" in caplog.text
