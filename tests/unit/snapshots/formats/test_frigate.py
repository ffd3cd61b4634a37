import pytest
from msgspec import json

from zmhook.errors import PayloadError
from zmhook.settings import Mqtt, Settings, Topic
from zmhook.snapshots.formats import frigate
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, Classification
from zmhook.snapshots.topics import Topics

START = 1607123955.475377
EVENT = {
    "id": "1607123955.475377-mxklsc",
    "camera": "front_door",
    "frame_time": 1607123962.082975,
    "label": "person",
    "sub_label": None,
    "top_score": 0.958984375,
    "false_positive": False,
    "start_time": START,
    "end_time": None,
    "score": 0.87890625,
    "box": [432, 496, 544, 854],
    "current_zones": ["yard"],
    "entered_zones": ["yard", "driveway"],
    "has_snapshot": True,
    "snapshot": {"frame_time": 1607123961.837752, "box": [424, 500, 536, 712], "score": 0.95},
}
PICTURE = "frigate/front_door/person/snapshot"


def event(type_="update", **known):
    return {"type": type_, "before": EVENT, "after": EVENT | known}


@pytest.fixture
def at(read):
    """Read a message so many seconds after the event began."""

    def read_at(offset, content, topic="frigate/events", **known):
        return read(content, topic, received=START + offset, **known)

    return read_at


def test_a_picture_of_an_event(at, jpeg):
    assert at(5, event("new")) == []
    [snapshot] = at(7, jpeg, PICTURE)
    assert snapshot == BestSnapshot(
        camera="front_door",
        topic=PICTURE,
        format="frigate",
        track_id="1607123955.475377-mxklsc",
        taken=1607123961.837752,
        received=START + 7,
        start=START,
        end=EVENT["frame_time"],
        picture=jpeg,
        label="person",
        score=0.95,
        classes=(Classification("person", 0.95),),
        attributes={"zones": "yard, driveway"},
    )


def test_the_end_of_an_event(at, jpeg):
    at(5, event("new"))
    at(7, jpeg, PICTURE)
    [amendment] = at(9, event("end", end_time=START + 8.5))
    assert amendment == Amendment(
        camera="front_door",
        channel=None,
        track_id="1607123955.475377-mxklsc",
        start=START,
        end=START + 8.5,
        ended=True,
        label="person",
        score=0.95,
        classes=(Classification("person", 0.95),),
    )


def test_a_picture_before_its_event_is_given_to_it(at, jpeg):
    [snapshot] = at(4, jpeg, PICTURE)
    assert (snapshot.taken, snapshot.score, snapshot.ended) == (START + 4, None, False)
    assert at(5, event("new", frame_time=START + 4)) == [
        Amendment(
            camera="front_door",
            channel=None,
            track_id=snapshot.track_id,
            renamed_to="1607123955.475377-mxklsc",
        ),
        Amendment(
            camera="front_door",
            channel=None,
            track_id="1607123955.475377-mxklsc",
            end=START + 4,
        ),
    ]
    assert at(6, event("update", frame_time=START + 5)) == []


def test_that_an_event_goes_on_is_told_now_and_then(at, jpeg):
    at(5, event("new", frame_time=START + 5))
    at(7, jpeg, PICTURE)
    told = [
        (second, amendment.end, amendment.ended)
        for second in range(8, 20)
        for amendment in at(second, event("update", frame_time=START + second))
    ]
    assert told == [(second, START + second, None) for second in (8, 13, 18)]


def test_not_to_one_that_comes_much_later(at, jpeg):
    at(-60, jpeg, PICTURE)
    assert at(5, event("new")) == []


def test_a_picture_that_the_broker_kept_is_not_used(at, jpeg):
    at(1, event("new"))
    assert at(2, jpeg, PICTURE, retained=True) == []
    assert at(2, event("new"), retained=True) == []


def test_of_two_events_the_one_whose_best_is_newest(at, jpeg):
    other = {"frame_time": START + 20, "score": 0.8}
    at(21, event("new", id="second", start_time=START + 15, snapshot=other))
    at(22, event("update"))
    [snapshot] = at(23, jpeg, PICTURE)
    assert snapshot.track_id == "second"


def test_one_that_goes_on_comes_before_one_that_ended(at, jpeg):
    at(21, event("new", id="second", start_time=START + 15))
    at(22, event("end", end_time=START + 21, snapshot={"frame_time": START + 21}))
    [snapshot] = at(23, jpeg, PICTURE)
    assert snapshot.track_id == "second"


def test_a_picture_just_after_its_event_is_its_own(at, jpeg):
    at(22, event("end", end_time=START + 21))
    [snapshot] = at(24, jpeg, PICTURE)
    assert (snapshot.track_id, snapshot.ended, snapshot.end) == (EVENT["id"], True, START + 21)


def test_long_after_it_is_not(at, jpeg):
    at(22, event("end", end_time=START + 21))
    [snapshot] = at(60, jpeg, PICTURE)
    assert snapshot.track_id.startswith("picture-")


def test_a_picture_sent_again_stays_with_its_event(at, jpeg):
    at(5, event("new"))
    [first] = at(7, jpeg, PICTURE)
    at(9, event("end", end_time=START + 8.5))
    at(10, event("new", id="second", start_time=START + 9))
    [again] = at(11, jpeg, PICTURE)
    assert (again.track_id, again.taken) == (first.track_id, first.taken)
    assert again.ended


def test_cameras_labels_and_prefixes_do_not_mix(at, jpeg):
    at(5, event("new"))
    for topic in (
        "frigate/other/person/snapshot",
        "frigate/front_door/car/snapshot",
        "frigate2/front_door/person/snapshot",
    ):
        [snapshot] = at(6, jpeg, topic)
        assert snapshot.track_id.startswith("picture-")


def test_any_prefix_that_brings_events_is_frigates(at, jpeg):
    at(5, event("new", label="drone"), "home/nvr/events")
    [snapshot] = at(6, jpeg, "home/nvr/front_door/drone/snapshot")
    assert (snapshot.format, snapshot.track_id) == ("frigate", EVENT["id"])


STATES = {
    "nvr/available": b"online",
    "nvr/stats": b'{"a":1}',
    "nvr/drive/motion": b"OFF",
    "nvr/drive/car": b"0",
    "nvr/yard/all/active": b"2",
    "nvr/drive/review_status": b"NONE",
    "nvr/drive/motion_mask/tree/state": b"ON",
}


@pytest.mark.parametrize("first", ["events", "picture", "available", "stats", "subscribed"])
def test_a_prefix_is_learnt_from_what_only_frigate_tells(jpeg, first):
    topics = ("nvr/events", "other/#") if first == "subscribed" else ("#",)
    own = Interpreter(Topics.from_settings(Settings(mqtt=Mqtt(mqtt_topic=topics))))
    told = {
        "events": ("nvr/events", json.encode(event("new"))),
        "picture": ("nvr/drive/car/snapshot", jpeg),
        "available": ("nvr/available", b"online"),
        "stats": ("nvr/stats", b'{"cameras":{},"detectors":{},"service":{}}'),
    }
    if first in told:
        own.read(*told[first], received=START)
    for topic, payload in STATES.items():
        assert own.read(topic, payload, received=START) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        *(("nvr/drive/track", b'{"a":1}'), ("nvr/drive/car", b"cut"), ("nvr/drive/state/x", b"y")),
        *(("nvr/events", b"cut"), ("nvr/drive/car/snapshot", b"cut"), ("other/drive/car", b"0")),
    ],
)
def test_what_else_stands_below_a_prefix_that_was_learnt_is_not_hidden(at, topic, payload):
    at(5, event("new"), "nvr/events")
    with pytest.raises(PayloadError):
        at(6, payload, topic)


def test_prefixes_are_bounded(at, jpeg):
    last = frigate.REMEMBERED + 9
    for number in range(last + 1):
        assert at(5, b"online", f"p{number}/available") == []
    [of_oldest] = at(6, jpeg, "p0/drive/thing/snapshot")
    [of_newest] = at(6, jpeg, f"p{last}/drive/thing/snapshot")
    assert (of_oldest.format, of_newest.format) == ("raw", "frigate")


def test_a_usual_label_is_known_before_any_event(at, jpeg):
    [snapshot] = at(5, jpeg, "nvr/front_door/person/snapshot")
    assert (snapshot.format, snapshot.label) == ("frigate", "person")


def test_older_versions_have_no_snapshot_in_their_events(at, jpeg):
    older = {key: value for key, value in EVENT.items() if key != "snapshot"}
    older |= {"snapshot_time": START + 3, "sub_label": ["Anna", 0.9]}
    at(5, {"type": "new", "before": older, "after": older})
    [snapshot] = at(7, jpeg, PICTURE)
    assert (snapshot.taken, snapshot.score) == (START + 3, 0.958984375)
    assert snapshot.attributes["sub_label"] == "Anna"


def test_an_event_without_a_time_of_its_best_leaves_the_arrival(at, jpeg):
    at(5, event("new", snapshot=None))
    [snapshot] = at(7, jpeg, PICTURE)
    assert snapshot.taken == START + 7


@pytest.mark.parametrize("name", ["sub_label", "recognized_license_plate"])
def test_what_frigate_recognised(at, jpeg, name):
    at(5, event("new", **{name: "AB 12"}))
    [snapshot] = at(7, jpeg, PICTURE)
    assert "AB 12" in snapshot.attributes.values()


@pytest.mark.parametrize(
    "key", ["id", "camera", "label", "start_time", "snapshot", "entered_zones"]
)
@pytest.mark.parametrize("value", [None, [], {}, 5, "\0", {"frame_time": "x"}])
def test_an_event_with_something_strange_in_it_is_not_fatal(at, key, value):
    for type_ in ("new", "end"):
        assert isinstance(at(5, event(type_, **{key: value})), list)


def test_a_section_says_whose_camera_it_is(jpeg):
    sections = (Topic(name="a", camera="door", topic="frigate/front_door/+/snapshot", monitor=3),)
    settings = Settings(mqtt=Mqtt(mqtt_topic=("frigate/events",)), topics=sections)
    own = Interpreter(Topics.from_settings(settings))
    own.read("frigate/events", json.encode(event("new")), received=START + 5)
    [snapshot] = own.read(PICTURE, jpeg, received=START + 6)
    ended = json.encode(event("end", end_time=START + 7))
    [amendment] = own.read("frigate/events", ended, received=START + 8)
    assert (snapshot.camera, snapshot.monitor_id) == ("door", 3)
    assert amendment.camera == "door"


def test_what_is_remembered_is_bounded(at, interpreter):
    for number in range(100):
        at(number, event("new", id=f"e{number}"))
    [events] = interpreter._frigate._events._entries.values()
    assert len(events) == 32
    assert "e99" in events


@pytest.mark.parametrize(
    ("after", "attributes"),
    [
        (
            {"recognized_license_plate": ["AB123CD", 0.94]},
            {"license_plate": "AB123CD", "license_plate_score": 0.94},
        ),
        ({"recognized_license_plate": "AB123CD"}, {"license_plate": "AB123CD"}),
        (
            {"recognized_license_plate": "AB123CD", "recognized_license_plate_score": 0.9},
            {"license_plate": "AB123CD", "license_plate_score": 0.9},
        ),
        ({"recognized_license_plate": ["AB123CD"]}, {"license_plate": "AB123CD"}),
        (
            {"recognized_license_plate": None, "sub_label": ["Jane", 0.79]},
            {"sub_label": "Jane", "sub_label_score": 0.79},
        ),
        ({"sub_label": "Jane"}, {"sub_label": "Jane"}),
        ({"sub_label": ["Jane", None]}, {"sub_label": "Jane"}),
        (
            {"delivery": ["parcel", 0.8], "box": [1, 2], "other": ["a", "b"]},
            {"delivery": "parcel", "delivery_score": 0.8},
        ),
    ],
)
def test_a_value_with_its_score(at, jpeg, after, attributes):
    at(5, event("new", **after))
    [snapshot] = at(7, jpeg, PICTURE)
    assert snapshot.attributes == {"zones": "yard, driveway", **attributes}


@pytest.mark.parametrize(
    "topic",
    [
        *("frigate/available", "frigate/stats", "frigate/reviews", "frigate/tracked_object_update"),
        *("frigate/drive/car", "frigate/drive/all/active", "frigate/drive/motion"),
        *("frigate/drive/detect/state", "frigate/drive/audio/dBFS", "frigate/drive/review_status"),
        *("home/frigate/notifications/state", "cctv/drive/detect/state", "frigate-yard/available"),
    ],
)
def test_what_it_tells_of_itself_is_known(topic):
    assert frigate.Frigate().is_state(topic)


@pytest.mark.parametrize(
    "topic", ["frigate/events", "frigate/drive/car/snapshot", "frigate", "cctv/drive/car", "a"]
)
def test_its_events_and_pictures_are_no_states(topic):
    assert not frigate.Frigate().is_state(topic)
