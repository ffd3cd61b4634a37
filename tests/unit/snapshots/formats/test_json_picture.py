"""Pictures in JSON of no format that is known by name."""

import base64

import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.values import seconds
from zmhook.snapshots.snapshot import BestSnapshot, Classification, SceneBox

MOMENT = 1796037680.427
TOPIC = "detectx/crop/B8A44F000000"


@pytest.fixture
def picture():
    """A small JPEG, made here."""
    return _encoded(".jpg")


def _encoded(suffix, shade=90):
    import cv2
    import numpy as np

    return bytes(cv2.imencode(suffix, np.full((40, 60, 3), shade, np.uint8))[1])


def text(data):
    return base64.b64encode(data).decode()


def test_a_crop_with_a_label_and_a_time(read, picture):
    content = {"label": "truck", "timestamp": MOMENT * 1000, "confidence": 47, "x": 25}
    [snapshot] = read(content | {"image": text(picture)}, TOPIC)
    assert snapshot == BestSnapshot(
        camera=TOPIC,
        topic=TOPIC,
        format="json",
        track_id=snapshot.track_id,
        taken=pytest.approx(MOMENT, abs=0.001),
        received=seconds("2026-12-01T00:00:00Z"),
        picture=picture,
        ended=True,
        label="truck",
        score=0.47,
        classes=(Classification("truck", 0.47),),
    )


def test_the_serial_number_names_a_camera_that_the_topic_does_not(read, picture):
    content = {"image": text(picture), "serial": "B8A44F000000"}
    [snapshot] = read(content, "dataq/image")
    assert (snapshot.camera, snapshot.attributes["serial"]) == ("B8A44F000000", "B8A44F000000")
    [named] = read(content, "axis/front/track")
    assert named.camera == "front"


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(
    "written",
    [
        lambda data: data,
        lambda data: f"data:image/jpeg;base64,{data}",
        lambda data: data.replace("+", "-").replace("/", "_").rstrip("="),
        lambda data: "\n".join(data[at : at + 76] for at in range(0, len(data), 76)),
    ],
    ids=["plain", "data URL", "base64url", "lines"],
)
@pytest.mark.parametrize(
    "around",
    [
        lambda one: {"image": one},
        lambda one: {"data": one},
        lambda one: {"crop": one, "label": "car"},
        lambda one: {"thumbnail": one},
        lambda one: {"payload": {"detections": [{"box": [1, 2], "jpegBase64": one}]}},
        lambda one: {"data": {"image": one}},
        lambda one: {"classes": [{"type": "Car"}], "image": one},
        lambda one: {"id": "7", "start_time": "2026-11-30T10:00:00Z", "image": {"base64": one}},
        lambda one: {"timestamp": MOMENT, "detections": [], "snapshot": one},
    ],
)
def test_wherever_it_stands_and_however_it_is_written(read, suffix, written, around):
    data = _encoded(suffix)
    snapshots = [one for one in read(around(written(text(data)))) if isinstance(one, BestSnapshot)]
    assert [one.picture for one in snapshots] == [data]


def test_of_several_the_whole_one(read):
    small, large = _encoded(".jpg", 10), _encoded(".jpg", 20)
    [snapshot] = read({"thumbnail": text(small), "nested": {"image": text(large)}})
    assert snapshot.picture == large


@pytest.mark.parametrize(
    ("around", "said"),
    [
        (lambda one: {"label": "truck", "confidence": 0.8, "image": {"data": one}}, ("truck", 0.8)),
        (lambda one: {"label": "bus", "score": 0.7, "frame": {"data": one}}, ("bus", 0.7)),
        (
            lambda one: {"event": {"label": "truck", "score": 0.8, "snapshot": {"jpg": one}}},
            ("truck", 0.8),
        ),
        (lambda one: {"data": {"label": "car", "score": 0.5, "data": one}}, ("car", 0.5)),
        (
            lambda one: {"id": 7, "channel_id": 1, "label": "car", "image": {"data": one}},
            ("car", None),
        ),
        (
            lambda one: {
                "id": 7,
                "class": "car",
                "score": "91%",
                "duration": 3,
                "image": {"data": one},
            },
            ("car", 0.91),
        ),
        (lambda one: {"channel_id": 2, "data": one, "label": "cat", "score": 40}, ("cat", 0.4)),
        (lambda one: {"label": "cat", "path": "/tmp/a.jpg", "image": {"data": one}}, ("cat", None)),
        (
            lambda one: {"tracks": [{"label": "dog", "score": 0.6, "image": {"data": one}}]},
            ("dog", 0.6),
        ),
        (
            lambda one: {"observations": [{"label": "dog", "score": 0.6, "image": {"data": one}}]},
            ("dog", 0.6),
        ),
        (
            lambda one: {
                "label": "car",
                "score": 0.3,
                "image": {"data": one, "type": "image/jpeg"},
            },
            ("car", 0.3),
        ),
        (
            lambda one: {"type": "event", "name": "car", "image": {"name": "a.jpg", "b": one}},
            ("car", None),
        ),
        (
            lambda one: {
                "label": "car",
                "score": 0.3,
                "best": {"label": "bus", "score": 0.9, "x": [one]},
            },
            ("bus", 0.9),
        ),
        (
            lambda one: {"classes": [{"type": "Car", "score": 0.5}], "image": {"data": one}},
            ("Car", 0.5),
        ),
        (
            lambda one: {
                "detections": [{"label": "cat", "score": 0.2}, {"label": "dog", "score": "91%"}],
                "image": one,
            },
            ("dog", 0.91),
        ),
        (
            lambda one: {
                "id": 7,
                "label": "car",
                "score": 0.8,
                "path": [{"bounding_box": {"left": 0, "top": 0, "right": 1, "bottom": 1}}],
                "image": {"data": one},
            },
            ("car", 0.8),
        ),
        (
            lambda one: {"object_track_id": 7, "crop_box": {}, "label": "car", "data": one},
            ("car", None),
        ),
        (lambda one: {"object": {"label": "cat", "score": 0.2}, "image": {"a": one}}, ("cat", 0.2)),
        (lambda one: {"a": {"b": {"c": {"d": {"image": one}}}}, "label": "car"}, ("car", None)),
    ],
)
def test_the_class_is_that_of_the_nearest_object_around(read, picture, around, said):
    [snapshot] = read(around(text(picture)))
    assert (snapshot.format, snapshot.picture) == ("json", picture)
    assert (snapshot.label, snapshot.score) == said


def test_so_are_the_time_the_box_the_track_and_the_channel(read, picture):
    sides = {"left": 0.1, "top": 0.2, "right": 0.3, "bottom": 0.4}
    inner = {"timestamp": MOMENT, "crop_box": sides, "image": {"id": 5, "data": text(picture)}}
    [snapshot] = read({"timestamp": MOMENT - 60, "track_id": "t", "channel_id": 3, "seen": inner})
    assert snapshot.taken == pytest.approx(MOMENT, abs=0.001)
    assert snapshot.crop == SceneBox(**sides)
    assert (snapshot.track_id, snapshot.channel) == ("t", 3)


def test_a_box_in_pixels_is_none(read, picture):
    sides = {"left": 0, "top": 0, "right": 300, "bottom": 200}
    [snapshot] = read({"label": "car", "box": sides, "image": {"data": text(picture)}})
    assert snapshot.crop is None


def test_a_track_of_another_program_keeps_its_times(read, picture):
    times = {"start_time": MOMENT - 5, "end_time": MOMENT}
    content = {"id": 7, "label": "car", **times, "image": {"data": text(picture)}}
    [snapshot] = read(content, retained=True)
    assert (snapshot.label, snapshot.start) == ("car", pytest.approx(MOMENT - 5, abs=0.001))
    assert snapshot.taken == snapshot.end == pytest.approx(MOMENT, abs=0.001)


def test_each_object_of_a_list_is_a_message(read, picture, failed):
    other = _encoded(".jpg", 20)
    one = {"label": "truck", "score": 0.8, "image": text(picture)}
    cut = {"label": "cow", "image": text(picture[:60])}
    found = read([one, {"label": "bus", "image": {"data": text(other)}}, {"a": 1}, cut])
    assert [(one.label, one.picture) for one in found] == [("truck", picture), ("bus", other)]
    assert [error.kind for error in failed] == ["JSON without a picture", "a picture cut short"]


@pytest.mark.parametrize("content", [[{"label": "truck"}], [{"a": 1}, {"b": 2}]])
def test_a_list_without_a_picture_says_so(read, content):
    with pytest.raises(PayloadError) as caught:
        read(content)
    assert caught.value.kind == "a JSON list without a picture"


def test_brackets_that_are_missing_do_not_lose_the_picture(read, picture):
    whole = f'{{"objects": [{{"label": "horse", "image": "{text(picture)}"'
    [snapshot] = read(whole.encode())
    assert (snapshot.label, snapshot.picture) == ("horse", picture)
    [snapshot] = read(whole.replace('"', "'").encode())
    assert (snapshot.label, snapshot.picture) == ("horse", picture)
    for cut in (whole[:-1], whole[:-9]):
        with pytest.raises(PayloadError) as caught:
            read(cut.encode())
        assert caught.value.kind == "JSON cut short"


def test_a_track_that_is_cut_before_its_picture_says_nothing(read):
    with pytest.raises(PayloadError) as caught:
        read(b'{"channel_id":1,"id":"a","start_time":"2026-11-30T10:00:00Z","duration":2.5')
    assert caught.value.kind == "JSON cut short"


def test_what_stands_around_a_nested_picture_is_told_of_it(read, picture):
    content = {"camera": "x", "label": "dog", "event": {"score": 0.5, "image": text(picture)}}
    [snapshot] = read(content)
    assert (snapshot.label, snapshot.score) == ("dog", 0.5)


def test_one_that_cannot_be_read_says_why(read, picture):
    with pytest.raises(PayloadError) as caught:
        read({"image": text(picture[:60])})
    assert caught.value.kind == "a picture cut short"


def test_one_that_the_broker_kept_counts_by_its_time(read, picture):
    with pytest.raises(PayloadError) as caught:
        read({"image": text(picture)}, retained=True)
    assert caught.value.kind == "kept by the broker, without a time"
    assert read({"image": text(picture), "timestamp": MOMENT}, retained=True)


def test_odd_numbers_and_rubbish_do_not_lose_the_picture(read, picture):
    given = f'{{"image": "{text(picture)}", "score": NaN, "label": "car",}}\0\0x'
    [snapshot] = read(given.encode())
    assert (snapshot.label, snapshot.score, snapshot.picture) == ("car", None, picture)
