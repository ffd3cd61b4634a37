import pytest

from zmhook.errors import PayloadError
from zmhook.settings import Settings, Topic
from zmhook.snapshots.formats.arrival import MOST_PARTS, Arrival
from zmhook.snapshots.topics import Topics

NOW = 1_800_000_000.0


def arrival(failed=None, topic="axis/front"):
    sections = (Topic(name="front", camera="front", topic=topic, channel=2, clock_offset=3.0),)
    topics = Topics.from_settings(Settings(topics=sections))
    return Arrival(topic, b"", False, NOW, topics, 1000, ([] if failed is None else failed).append)


def refuse(part):
    if part["bad"]:
        raise PayloadError("kind", f"part {part['bad']}")
    return [part]


def test_the_channel_picks_the_camera_and_its_clock():
    origin = arrival().origin({"channel_id": 2})
    assert (origin.place.camera, origin.channel, origin.clock.offset) == ("front", 2, 3.0)
    assert arrival().origin({"channel_id": 1}).place.camera == "axis/front"


def test_an_id_is_one_cameras_and_channels():
    keys = {arrival().origin({"channel_id": number}).key("a") for number in (1, 2, None)}
    assert len(keys) == 3


def test_what_fails_beside_what_can_be_read_is_told():
    failed = []
    news = arrival(failed).each([{"bad": 1}, {"bad": 0}, {"bad": 2}], refuse)
    assert news == [{"bad": 0}]
    assert [str(error) for error in failed] == ["part 1", "part 2"]


def test_the_first_failure_is_the_messages_when_nothing_can_be_read():
    failed = []
    with pytest.raises(PayloadError, match="part 1"):
        arrival(failed).each([{"bad": 1}, {"bad": 2}], refuse)
    assert failed == []


def test_only_so_many_parts_are_read():
    assert len(arrival().each([{"bad": 0}] * (MOST_PARTS + 1), refuse)) == MOST_PARTS


def test_a_line_names_the_topic_in_short():
    assert arrival(topic="a\nb").name == "a b"
    assert len(arrival(topic="a" * 1000).name) == 200
    assert arrival(topic="\n").name == "a message"
