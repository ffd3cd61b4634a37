import pytest

from zmhook.settings import Mqtt, Settings, Snapshots, Topic
from zmhook.snapshots.topics import REMEMBERED, TopicMatch, Topics


def topics(*patterns, sections=()):
    return Topics.from_settings(Settings(mqtt=Mqtt(mqtt_topic=patterns), topics=tuple(sections)))


def section(topic, name="front", **known):
    return Topic(name=name, topic=topic, camera=known.pop("camera", name), **known)


def test_the_default_is_the_earlier_scripts_topic():
    own = Topics.from_settings(Settings())
    assert own.filters() == ["track_topic"]
    assert own.find("track_topic", None) == TopicMatch("track_topic", None, 0.0, named=False)


def test_a_section_says_whose_topic_it_is():
    own = topics(sections=[section("axis/front/track", monitor=2, clock_offset=1.5)])
    assert own.filters() == ["axis/front/track"]
    assert own.find("axis/front/track", 1) == TopicMatch("front", 2, 1.5)


def test_a_camera_may_have_another_name_than_its_section():
    own = topics(sections=[section("a", camera="yard", name="front")])
    assert own.find("a", None).camera == "yard"


@pytest.mark.parametrize(
    ("pattern", "filter_", "topic", "place"),
    [
        ("axis/{camera}/track", "axis/+/track", "axis/yard/track", ("yard", None)),
        ("zm/{monitor}/track", "zm/+/track", "zm/12/track", ("zm/12/track", 12)),
        ("{monitor}/{camera}/#", "+/+/#", "3/gate/a/b", ("gate", 3)),
        ("zm/cam{monitor}/track", "zm/+/track", "zm/cam7/track", ("zm/cam7/track", 7)),
        ("{camera}-axis/x", "+/x", "gate-axis/x", ("gate", None)),
        ("axis/{camera}/#", "axis/+/#", "axis/yard", ("yard", None)),
        ("$share/zm/axis/{camera}/track", "$share/zm/axis/+/track", "axis/b/track", ("b", None)),
    ],
)
def test_a_pattern_tells_camera_and_monitor(pattern, filter_, topic, place):
    own = topics(pattern)
    assert own.filters() == [filter_]
    assert own.find(topic, None)[:2] == place


@pytest.mark.parametrize(
    ("pattern", "topic"),
    [
        ("zm/{monitor}/track", "zm/front/track"),
        ("zm/{monitor}/track", "zm/1/2/track"),
        ("axis/{camera}/track", "axis//track"),
        ("axis.{camera}", "axisx"),
        ("{camera}", "$SYS"),
    ],
)
def test_what_does_not_match_is_nobodys(pattern, topic):
    assert not topics(pattern).find(topic, None).named


def test_monitor_nought_is_none():
    assert topics("zm/{monitor}").find("zm/0", None).monitor_id is None


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a//c", True),
        ("a/+/c", "a/b/b/c", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "ab", False),
        ("#", "a/b", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
        ("+", "a/b", False),
        ("a.b", "axb", False),
        ("$share/g/a/+", "a/b", True),
    ],
)
def test_wildcards_are_those_of_mqtt(pattern, topic, matches):
    assert topics(sections=[section(pattern)]).find(topic, None).named is matches


def test_the_most_specific_section_wins():
    own = topics(
        "axis/{camera}/track",
        sections=[
            section("#", "everything"),
            section("axis/#", "axis"),
            section("axis/+/track", "any"),
            section("axis/front/track", "front"),
        ],
    )
    assert own.find("axis/front/track", None).camera == "front"
    assert own.find("axis/yard/track", None).camera == "yard"
    assert own.find("axis/yard/other", None).camera == "axis"
    assert own.find("other", None).camera == "everything"


def test_a_topic_itself_is_more_specific_than_all_below_it():
    own = topics(sections=[section("axis/#", "all"), section("axis", "one")])
    assert own.find("axis", None).camera == "one"


def test_of_two_that_are_alike_the_section_wins():
    own = topics("axis/{camera}", sections=[section("axis/{camera}", monitor=4)])
    assert own.find("axis/yard", None) == TopicMatch("yard", 4, 0.0)


def test_channels_of_one_topic_have_their_own_sections():
    own = topics(
        sections=[
            section("axis/quad", "rest", monitor=9),
            section("axis/quad", "left", monitor=1, channel=1),
            section("axis/quad", "right", monitor=2, channel=2),
        ]
    )
    assert own.filters() == ["axis/quad"]
    assert [own.find("axis/quad", channel).monitor_id for channel in (1, 2, 3, None)] == [
        1,
        2,
        9,
        9,
    ]


def test_a_message_of_another_channel_is_not_a_sections():
    own = topics(sections=[section("axis/quad", "left", channel=1)])
    assert own.find("axis/quad", 2) == TopicMatch("axis/quad", None, 0.0, named=False)
    assert own.find("axis/quad", None).named is False


def test_channel_nought_is_a_channel():
    own = topics(sections=[section("a", "zero", channel=0), section("a", "any")])
    assert [own.find("a", channel).camera for channel in (0, 1)] == ["zero", "any"]


@pytest.mark.parametrize(
    ("patterns", "filters"),
    [
        (["a/#", "a/b", "a", "b"], ["a/#", "b"]),
        (["a/+", "a/b", "a/b/c"], ["a/+", "a/b/c"]),
        (["a/b", "a/b"], ["a/b"]),
        (["#", "$SYS/x", "a"], ["#", "$SYS/x"]),
        (["a/+", "a/#"], ["a/#"]),
        (["$share/g/a/#", "a/b"], ["$share/g/a/#", "a/b"]),
        (["axis/{camera}/track", "axis/front/track"], ["axis/+/track"]),
        (["+/b", "a/+"], ["+/b", "a/+"]),
        (["a/#", "+/#"], ["+/#"]),
        (["a/b/#", "a/b/c/#"], ["a/b/#"]),
    ],
)
def test_nothing_is_subscribed_to_twice(patterns, filters):
    assert topics(*patterns).filters() == filters


def test_look_ups_are_remembered_and_bounded():
    own = topics("a/{camera}")
    first = own.find("a/1", None)
    assert own.find("a/1", None) is first
    for number in range(REMEMBERED + 10):
        own.find(f"a/{number}", None)
    assert own.find("a/1", None) is not first


def test_a_name_is_one_line_and_short():
    name = topics("a/{camera}").find("a/" + "x\n" * 5000, None).camera
    assert name.startswith("x x x")
    assert len(name) == 199


def test_a_clock_that_is_ahead_of_ours_everywhere():
    settings = Settings(
        mqtt=Mqtt(mqtt_topic=("axis/{camera}/track", "other")),
        snapshots=Snapshots(snapshot_clock_offset=60.0),
        topics=(section("a", clock_offset=-5.0), section("b", name="yard")),
    )
    own = Topics.from_settings(settings)
    asked = ("a", "b", "axis/x/track", "other")
    found = {topic: own.find(topic, None).clock_offset for topic in asked}
    assert found == {"a": -5.0, "b": 60.0, "axis/x/track": 60.0, "other": 60.0}
