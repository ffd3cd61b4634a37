from __future__ import annotations

import re

import pytest
from msgspec import json

from zmhook.notify.discovery import discovery
from zmhook.notify.publish import Note


def configs(work, monitor: int | None = 3, **more) -> dict[str, dict]:
    notes = list(
        discovery(work(**more).settings, monitor, "Drive", f"zm hook/{monitor}", "zm hook/status")
    )
    assert all(isinstance(note, Note) and note.retain for note in notes)
    return {note.topic: json.decode(note.payload) for note in notes}


def test_the_entities_of_a_monitor(work) -> None:
    found = configs(work, notify_mqtt_hold=59.5)
    assert list(found) == [
        "homeassistant/binary_sensor/zm_hook_3/alarm/config",
        "homeassistant/sensor/zm_hook_3/labels/config",
        "homeassistant/image/zm_hook_3/picture/config",
    ]
    # Only these characters are allowed in its topics.
    assert all(re.fullmatch(r"[\w/-]+", topic, re.ASCII) for topic in found)
    alarm, labels, picture = found.values()
    assert (alarm["state_topic"], alarm["device_class"]) == ("zm hook/3/state", "motion")
    assert alarm["off_delay"] == 60
    assert labels["state_topic"] == "zm hook/3/last"
    assert labels["value_template"] == "{{ value_json.labels[:255] }}"
    assert (picture["image_topic"], picture["content_type"]) == ("zm hook/3/picture", "image/jpeg")


def test_they_are_one_device_each_with_a_name_of_its_own(work) -> None:
    found = configs(work, general={"portal": "https://zm/zm", "user": "me"})
    assert len({one["unique_id"] for one in found.values()}) == 3
    assert len({json.encode(one["device"]) for one in found.values()}) == 1
    alarm = found["homeassistant/binary_sensor/zm_hook_3/alarm/config"]
    assert alarm["device"]["name"] == "Drive"
    assert alarm["device"]["identifiers"] == ["zm_hook_3"]
    assert alarm["device"]["configuration_url"] == "https://zm/zm"
    assert alarm["availability_topic"] == "zm hook/status"
    assert alarm["origin"]["name"] == "zmhook"


@pytest.mark.parametrize("prefix", ["no", "No", "off", "", "/"])
def test_switched_off(prefix: str, work) -> None:
    assert configs(work, notify_mqtt_discovery=prefix) == {}


def test_not_for_a_monitor_that_nobody_knows(work) -> None:
    assert configs(work, None) == {}


def test_no_picture_no_image(work) -> None:
    assert len(configs(work, notify_picture=False)) == 2


def test_another_prefix(work) -> None:
    assert all(topic.startswith("ha/x/") for topic in configs(work, notify_mqtt_discovery="ha/x/"))
