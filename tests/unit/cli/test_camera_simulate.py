"""The topic of `zmhook camera simulate`."""

from __future__ import annotations

import pytest
from msgspec import structs

from zmhook.cli.camera_simulate import topic_of
from zmhook.errors import CameraError
from zmhook.settings import Mqtt, Settings, Topic


@pytest.mark.parametrize(
    ("listened", "topic"),
    [
        ("track_topic", "track_topic"),
        ("axis/{camera}/track", "axis/yard/track"),
        ("zm/{monitor}/+", "zm/7/yard"),
        ("axis/#", "axis/yard"),
        ("$share/group/axis/+/track", "axis/yard/track"),
    ],
)
def test_the_topic_is_one_that_is_listened_to(listened: str, topic: str) -> None:
    settings = Settings(mqtt=Mqtt(mqtt_topic=(listened,)))
    assert topic_of(settings, "yard", 7) == topic


def test_a_section_of_a_topic_comes_first() -> None:
    settings = structs.replace(Settings(), topics=(Topic(name="front", topic="axis/front/track"),))
    assert topic_of(settings, "yard", None) == "axis/front/track"


def test_a_monitor_s_number_must_be_told() -> None:
    with pytest.raises(CameraError, match="give --monitor"):
        topic_of(Settings(mqtt=Mqtt(mqtt_topic=("zm/{monitor}",))), "yard", None)
