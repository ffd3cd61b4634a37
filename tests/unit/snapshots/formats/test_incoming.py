import pytest

from zmhook.errors import PayloadError
from zmhook.settings import Settings, Topic
from zmhook.snapshots.formats.incoming import MOST_PARTS, IncomingMessage
from zmhook.snapshots.topics import Topics

NOW = 1_800_000_000.0


def message(failed=None, topic="axis/front"):
    sections = (Topic(name="front", camera="front", topic=topic, channel=2, clock_offset=3.0),)
    topics = Topics.from_settings(Settings(topics=sections))
    return IncomingMessage(
        topic, b"", False, NOW, topics, 1000, ([] if failed is None else failed).append
    )


def refuse(part):
    if part["bad"]:
        raise PayloadError("kind", f"part {part['bad']}")
    return [part]


def test_the_channel_picks_the_camera_and_its_clock():
    origin = message().origin({"channel_id": 2})
    assert (origin.match.camera, origin.channel, origin.clock.offset) == ("front", 2, 3.0)
    assert message().origin({"channel_id": 1}).match.camera == "axis/front"


def test_an_id_is_one_cameras_and_channels():
    keys = {message().origin({"channel_id": number}).key("a") for number in (1, 2, None)}
    assert len(keys) == 3


def test_what_fails_beside_what_can_be_read_is_told():
    failed = []
    news = message(failed).each([{"bad": 1}, {"bad": 0}, {"bad": 2}], refuse)
    assert news == [{"bad": 0}]
    assert [str(error) for error in failed] == ["part 1", "part 2"]


def test_the_first_failure_is_the_messages_when_nothing_can_be_read():
    failed = []
    with pytest.raises(PayloadError, match="part 1"):
        message(failed).each([{"bad": 1}, {"bad": 2}], refuse)
    assert failed == []


def test_only_so_many_parts_are_read():
    assert len(message().each([{"bad": 0}] * (MOST_PARTS + 1), refuse)) == MOST_PARTS


def test_a_line_names_the_topic_in_short():
    assert message(topic="a\nb").name == "a b"
    assert len(message(topic="a" * 1000).name) == 200
    assert message(topic="\n").name == "a message"
