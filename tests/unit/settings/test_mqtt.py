"""`[mqtt-topic-NAME]` and `[gemini-prompts]`: sections whose number or keys are the user's."""

from __future__ import annotations

import pytest

from zmhook.settings import Prompt, Topic
from zmhook.settings.forms import read_topic
from zmhook.settings.model import from_plain, to_plain

TOPICS = """
[mqtt]
mqtt_topic = axis/{camera}/track, zm/{monitor}/#
[mqtt-topic-Front]
topic = axis/front/track
monitor = 3
[mqtt-topic-yard-2]
topic = axis/yard/track
camera = Yard east
channel = 2
clock_offset = -1.5
"""


def test_topics_are_read(read) -> None:
    settings = read(TOPICS).general
    assert settings.mqtt.mqtt_topic == ("axis/{camera}/track", "zm/{monitor}/#")
    assert settings.topics == (
        Topic(name="Front", topic="axis/front/track", monitor=3, camera="Front"),
        Topic(
            name="yard-2",
            topic="axis/yard/track",
            camera="Yard east",
            channel=2,
            clock_offset=-1.5,
        ),
    )


def test_topics_hold_for_every_monitor(read) -> None:
    config = read(TOPICS + "[monitor-7]\nsnapshot_wait = 1\n")
    assert config.for_monitor(7).topics == config.general.topics


def test_a_topic_is_overridden(read) -> None:
    settings = read(TOPICS, "mqtt-topic-Front.monitor=9").general
    assert [(topic.name, topic.monitor) for topic in settings.topics] == [
        ("Front", 9),
        ("yard-2", 0),
    ]


def test_what_is_wrong_with_topics(problems) -> None:
    found = problems(
        "[mqtt]\nmqtt_topic = a/#/b\n[mqtt-topic-a]\ntopic = {who}/track\nmonitr = 3\n"
        "[mqtt-topic-b]\nmonitor = -1\n[mqtt-topic]\ntopic = x\n"
    )
    assert found == [
        "objectconfig.ini: [mqtt-topic-a] monitr: unknown key; did you mean 'monitor'?",
        (
            "objectconfig.ini: [mqtt-topic]: expected mqtt-topic- and a name, such as "
            "[mqtt-topic-front]"
        ),
        (
            "objectconfig.ini: [mqtt] mqtt_topic: 'a/#/b': expected one or more MQTT topics "
            "between commas (+ and # stand for a whole part between slashes, # for the last one)"
        ),
        (
            "objectconfig.ini: [mqtt-topic-a] topic: '{who}/track': expected an MQTT topic, such "
            "as axis/front/track or axis/+/track ({who}: only {monitor} and {camera} may stand "
            "there, each once)"
        ),
        "objectconfig.ini: [mqtt-topic-b] monitor: '-1': expected a whole number of 0 or more",
        "objectconfig.ini: [mqtt-topic-b] topic: is missing",
    ]


def test_two_sections_of_one_topic_are_told_apart_by_channels(problems, read) -> None:
    text = (
        "[mqtt-topic-a]\ntopic = axis/yard\nchannel = 1\n"
        "[mqtt-topic-b]\ntopic = axis/yard\nchannel = {}\n"
    )
    assert len(read(text.format(2)).general.topics) == 2
    assert problems(text.format(1)) == [
        (
            "objectconfig.ini: [mqtt-topic-b] topic: is that of [mqtt-topic-a], too: only channel "
            "can tell them apart"
        )
    ]


@pytest.mark.parametrize("topic", ["a+/b", "a/#b", "+b", "##", "{camera}/{camera}", "a}", "\0"])
def test_no_topic(topic: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_topic(topic)


@pytest.mark.parametrize("topic", ["#", "+", "a/+/b/#", "/a", "a//b", "$share/g/a", "{camera}"])
def test_a_topic(topic: str) -> None:
    assert read_topic(topic) == topic


def test_prompts_by_label(read) -> None:
    settings = read(
        "[gemini-prompts]\nDog = Which breed?\nCar, traffic light = Name\n  the colour.\nbus =\n"
    ).general
    assert settings.prompts == (
        Prompt(labels=("dog",), text="Which breed?"),
        Prompt(labels=("car", "traffic light"), text="Name the colour."),
    )


def test_they_go_to_another_process(read) -> None:
    settings = read(TOPICS + "[gemini-prompts]\ndog = Which breed?\n").general
    assert from_plain(to_plain(settings)) == settings


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Human, CAR", ("human", "car")),
        ("traffic  light,car,,car", ("traffic light", "car")),
        ("'car', \"bus\"", ("car", "bus")),
    ],
)
def test_labels(text: str, labels: tuple[str, ...], read) -> None:
    assert read(f"[snapshots]\nsnapshot_classes = {text}\n").general.snapshots.snapshot_classes == (
        labels
    )


def test_handlers(read, problems) -> None:
    section = "[snapshots]\nsnapshot_handlers = "
    found = read(f"{section}describe, my_house.lamps:Lamps").general.snapshots.snapshot_handlers
    assert found == ("describe", "my_house.lamps:Lamps")
    assert problems(f"{section}my house") == [
        (
            "objectconfig.ini: [snapshots] snapshot_handlers: 'my house': expected names of "
            "handlers or module:Class, between commas"
        )
    ]
