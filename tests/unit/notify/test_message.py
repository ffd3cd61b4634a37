from __future__ import annotations

from datetime import datetime

import pytest
from msgspec import json

from zmhook.detection import Box, Detection
from zmhook.notify.message import NO_LABELS, filled, filled_json, labels_of, message_of, url_of

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
