import base64
import copy
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json

from zmhook.camera.simulated_messages import FORMATS, below, write
from zmhook.camera.simulated_track import invent
from zmhook.errors import PayloadError
from zmhook.settings import General, Mqtt, Settings
from zmhook.snapshots.formats.incoming import MOST_PARTS
from zmhook.snapshots.interpreter import MOST_VALUES, Interpreter, MessageLimits, parse, unwrapped
from zmhook.snapshots.snapshot import Amendment, BestSnapshot
from zmhook.snapshots.topics import Topics

NOW = 1_800_000_000.0


def interpreter(**known):
    topics = Topics.from_settings(Settings(mqtt=Mqtt(mqtt_topic=("axis/{camera}/track",))))
    return Interpreter(topics, **known)


def read(payload, topic="axis/front/track", own=None, **known):
    return (own or interpreter()).read(topic, payload, received=NOW, **known)


def kind(payload, own=None):
    with pytest.raises(PayloadError, match=r"^axis/front/track: ") as caught:
        read(payload, own=own)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return caught.value.kind


@pytest.fixture(scope="module")
def jpeg(photo):
    return photo("person.jpg").read_bytes()


@pytest.mark.parametrize("format_", FORMATS)
def test_what_the_simulator_says_is_understood(jpeg, format_):
    own = interpreter()
    news = []
    track = invent(random.Random(3), NOW - 1, label="Car", picture=jpeg)
    for message in write(format_, track):
        topic = below("axis/front/track", message.suffix)
        news += own.read(topic, message.payload, received=NOW)
    [snapshot] = [one for one in news if isinstance(one, BestSnapshot)]
    assert snapshot.picture == jpeg
    assert snapshot.label.lower() == ("" if format_ == "raw" else "car")
    assert NOW - 60 < snapshot.taken <= NOW
    if not snapshot.ended:
        assert format_ == "object_snapshot" or news[-1].ended


def test_a_message_without_content_says_nothing():
    assert read(b"") == []


@pytest.mark.parametrize(
    "content", [{}, {"a": 1}, {"id": "x"}, {"stats": {"cpu": 3}}, {"data": {}}]
)
def test_a_format_that_is_not_known(content):
    assert kind(json.encode(content)) == "JSON without a picture"


def test_a_format_that_is_not_known_tells_its_keys():
    with pytest.raises(PayloadError, match="with the keys cpu, mem"):
        read(b'{"cpu": 3, "mem": 5}')


@pytest.mark.parametrize("payload", [b"online", b"1", b"ON", b"\x00\xff", b"<xml/>", b"[1]"])
def test_what_is_neither_json_nor_a_picture(payload):
    assert kind(payload).startswith(("neither a picture", "a JSON list"))


def test_a_message_that_is_too_large_is_not_read():
    own = interpreter(limits=MessageLimits(message_bytes=1000))
    assert kind(b" " * 1001, own) == "too large"
    assert kind(b" " * 1000, own) == "neither a picture nor a JSON object"


def test_the_limits_are_those_of_the_settings():
    given_ = Settings(mqtt=Mqtt(mqtt_max_message=2.5), general=General(max_picture_pixels=100))
    assert MessageLimits.of(given_) == MessageLimits(2_500_000, 100)


def test_pictures_of_too_many_pixels(jpeg):
    assert (
        kind(jpeg, interpreter(limits=MessageLimits(picture_pixels=100)))
        == "a picture that cannot be read"
    )


BOMBS = {"JSON nested too deep", "JSON of too many values", "JSON cut short"}


@pytest.mark.parametrize("begin", [b"", b'{"tracks":[', b'{"image":'])
@pytest.mark.parametrize(
    ("one", "size"),
    [(b"[", 100_000), (b'{"a":', 500_000), (b'{"data":', 500_000), (b"[],", 50_000_000)],
)
def test_bombs(begin, one, size):
    own = interpreter(limits=MessageLimits(message_bytes=10**9))
    assert kind(begin + one * (size // len(one)), own) in BOMBS


def test_the_default_limit_refuses_fifty_megabytes():
    assert kind(b"[" * 50_000_000) == "too large"


def test_a_strange_topic_does_not_spoil_the_line():
    with pytest.raises(PayloadError) as caught:
        interpreter().read("a\nb\x1b" * 10_000, b"x", received=NOW)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_of_a_message_is_ignored_when_nobody_asks(jpeg):
    good = {"id": "a", "image": {"data": base64.b64encode(jpeg).decode()}}
    [snapshot] = read(json.encode({"tracks": [{"id": "b", "image": {"data": "%"}}, good]}))
    assert snapshot.track_id == "a"


# -- Whatever comes ------------------------------------------------------------------------------

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
SAMPLES = {
    "track": {
        "channel_id": 1,
        "id": "a",
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:05Z",
        "duration": 5.0,
        "classes": [{"type": "Car", "score": 0.5, "colors": [{"name": "red", "score": 0.5}]}],
        "image": {"data": PIXEL, "crop_box": {"left": 0, "top": 0, "right": 1, "bottom": 1}},
        "path": [
            {
                "timestamp": "2026-01-01T00:00:02Z",
                "bounding_box": {"left": 0.1, "top": 0.1, "right": 0.9, "bottom": 0.9},
            }
        ],
    },
    "snapshot": {
        "channel_id": 1,
        "id": "i",
        "object_track_id": "a",
        "timestamp": 1_767_225_600.5,
        "crop_box": {"left": 0, "top": 0, "right": 1, "bottom": 1},
        "data": PIXEL,
    },
    "frame": {
        "channel_id": 1,
        "timestamp": "2026-01-01T00:00:02Z",
        "detections": [
            {"object_track_id": "a", "class": {"type": "Car", "score": 0.5}, "image_id": "i"}
        ],
        "track_events": [
            {"type": "TrackEnded", "object_track_id": "a"},
            {"type": "Rename", "from_id": "a", "to_id": "b"},
        ],
    },
    "scene": {
        "frame": {
            "timestamp": "2026-01-01T00:00:02Z",
            "observations": [{"track_id": "1", "class": {"type": "Car"}, "image": {"data": PIXEL}}],
            "operations": [{"type": "DeleteOperation", "id": "1"}],
        }
    },
    "event": {
        "type": "end",
        "before": {},
        "after": {
            "id": "e",
            "camera": "front",
            "label": "person",
            "start_time": 1_767_225_600.5,
            "end_time": 1_767_225_605.5,
            "snapshot": {"frame_time": 1_767_225_602.5, "score": 0.5},
            "entered_zones": ["yard"],
            "top_score": 0.5,
        },
    },
}


def places(content, path=()):
    """Return where each value of a message is."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    return [
        place
        for key, value in pairs
        for place in [(*path, key), *(places(value, (*path, key)) if is_nested(value) else [])]
    ]


def is_nested(value):
    return isinstance(value, (dict, list))


KEYS = sorted({key for place in places(SAMPLES) for key in place if isinstance(key, str)})
KEYS += ["tracks", "message", "object", "bounding_box", "from", "to", "end_reason", "parts"]
TEXTS = (PIXEL, "Human", "DeleteOperation", "TrackEnded", "Rename", "new", "end", "../x", "\0")

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([*TEXTS, "2026-01-01T00:00:00Z", "1e400", 10**400])
)
contents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def check(own, payload, topic="frigate/front/person/snapshot", *, retained=False):
    """Whatever comes is read, or refused with a reason; what is read can be written down."""
    try:
        news = own.read(topic, payload, retained=retained, received=NOW)
    except PayloadError as error:
        failure, news = error, []
    else:
        failure = None
    assert failure is None or (failure.kind and "\n" not in str(failure))
    for one in news:
        assert isinstance(one, (BestSnapshot, Amendment))
        json.encode(one)
        assert "/" not in (one.label or "")
        for box in filter(None, (one.box, getattr(one, "crop", None))):
            assert 0 <= box.left < box.right <= 1
            assert 0 <= box.top < box.bottom <= 1
        if isinstance(one, BestSnapshot):
            assert one.taken <= NOW + 2
            assert one.score is None or 0 <= one.score <= 1
            assert one.picture.startswith((b"\xff\xd8", b"\x89PNG"))


@quick
@given(st.binary(max_size=200), st.text(max_size=20), st.booleans())
def test_any_bytes(payload, topic, retained):
    check(interpreter(), payload, topic, retained=retained)


@quick
@given(st.binary(max_size=100))
def test_anything_after_the_beginning_of_a_picture(payload):
    check(interpreter(), b"\xff\xd8\xff" + payload)
    check(interpreter(), b"/9j/" + payload)


@quick
@given(st.lists(contents, min_size=1, max_size=3))
def test_any_json(several):
    own = interpreter()
    for content in several:
        check(own, json.encode(content))


def changed(content, path, value):
    own = copy.deepcopy(content)
    inner = own
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return own


@quick
@given(st.data())
def test_any_value_anywhere_in_a_message_that_is_known(data):
    own = interpreter()
    for _ in range(3):
        sample = SAMPLES[data.draw(st.sampled_from(sorted(SAMPLES)))]
        place = data.draw(st.sampled_from(places(sample)))
        check(own, json.encode(changed(sample, place, data.draw(contents))))
    check(own, base64.b64decode(PIXEL))


@quick
@given(
    st.sampled_from(["track", "snapshot", "scene"]),
    st.lists(st.sampled_from(["data", "message", "frame", "object"]), max_size=3),
)
def test_however_it_is_wrapped(name, wrappers):
    content = SAMPLES[name]
    bare = read(json.encode(content))
    for wrapper in wrappers:
        content = {wrapper: content}
    assert read(json.encode(content)) == bare


def kind_of_json(payload):
    with pytest.raises(PayloadError, match="front: ") as caught:
        parse(payload, "front")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    return caught.value.kind


def test_json():
    assert parse(b' {"a": [1, "\xc3\xa4"]}\n', "front") == [{"a": [1, "ä"]}]
    assert parse(b'\xef\xbb\xbf{"a": 1}', "front") == [{"a": 1}]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"online", "neither a picture nor a JSON object"),
        (b"\x00\x01\x02", "neither a picture nor a JSON object"),
        (b"1", "neither a picture nor a JSON object"),
        (b'"x"', "neither a picture nor a JSON object"),
        (b"null", "neither a picture nor a JSON object"),
        (b"{a b}\n\xe2\x80\xa8\x1b[31m", "damaged JSON"),
        (b'{"a" "b"}', "damaged JSON"),
        (b"{", "JSON cut short"),
        (b'{"a": NaN', "JSON cut short"),
        (b'{"a": "\xff}', "JSON cut short"),
        (b'{"a": ["/9j/", {"b": "/9j/x', "JSON cut short"),
        (b'{"a": "/9j/", "b', "JSON cut short"),
        (b'{"a": "/9j/", "b": ', "JSON cut short"),
        (b"[]", "a JSON list without a picture"),
        (b"[1, null, [2]]", "a JSON list without a picture"),
    ],
)
def test_what_is_no_object_says_what_it_is(payload, why):
    assert kind_of_json(payload) == why


@pytest.mark.parametrize(
    ("payload", "objects"),
    [
        (b'{"a": "/9j/"', [{"a": "/9j/"}]),
        (b'{"b": [{"a": "/9j/"}, ', [{"b": [{"a": "/9j/"}]}]),
        (b'{"a": "/9j/", "score": 0.8', [{"a": "/9j/", "score": None}]),  # may be 0.85
        (b'[{"a": "/9j/"}, {"b": true', [{"a": "/9j/"}, {"b": True}]),
        (
            b"{'a': 'it\\'s \"x\"', 'b': None, 'c': b'/9j/'}",
            [{"a": 'it\'s "x"', "b": None, "c": "/9j/"}],
        ),
        (b"{'a': '/9j/'", [{"a": "/9j/"}]),
    ],
)
def test_brackets_that_are_missing_and_quotes_of_python(payload, objects):
    assert parse(payload, "front") == objects


def test_of_a_list_the_objects_and_the_pictures():
    found = parse(b'[1, {"a": 1}, "/9j/", [["/9j/"]], ["x"], "x"]', "front")
    assert found == [{"a": 1}, {"image": "/9j/"}, {"image": [["/9j/"]]}]
    assert parse(b'"/9j/"', "front") == [{"image": "/9j/"}]
    assert len(parse(b"[" + b'{"a":1},' * 5000 + b"{}]", "front")) == MOST_PARTS


def test_what_is_odd_is_left_out():
    odd = b'{"a": NaN, "b": 1e999, "c": ' + b"9" * 100_000 + b', "d": 2,}\0\0'
    assert parse(odd, "front") == [{"a": None, "b": None, "c": None, "d": 2}]


@pytest.mark.parametrize("depth", [100_000, 20_000_000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_without_end(begin, end, depth):
    depth //= len(begin)
    # The limit on the values is before msgspec's on the depth.
    for payload in (begin * depth, begin * depth + b"1" + end * depth):
        assert kind_of_json(payload) in {"JSON nested too deep", "JSON of too many values"}


@pytest.mark.parametrize("one", [b"[],", b"{},", b"0,", b'{"a":0},'])
def test_what_has_too_many_values(one):
    assert kind_of_json(b'{"a":[' + one * MOST_VALUES + b"0]}") == "JSON of too many values"


def test_wrappers_are_taken_off():
    assert unwrapped({"data": {"message": {"frame": {"a": 1}}}}) == {"a": 1}
    assert unwrapped({"data": "x"}) == {"data": "x"}


def test_an_inner_channel_is_nearer():
    assert unwrapped({"channel_id": 1, "data": {"channel_id": 2}}) == {"channel_id": 2}


def test_no_more_than_a_few_are():
    content = {"a": 1}
    for _ in range(100):
        content = {"data": content}
    assert "data" in unwrapped(content)
