"""Pictures in JSON of no format that is known by name."""

import base64

import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.times import seconds
from zmhook.snapshots.snapshot import Classification, Snapshot

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
    assert snapshot == Snapshot(
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
    snapshots = [one for one in read(around(written(text(data)))) if isinstance(one, Snapshot)]
    assert [one.picture for one in snapshots] == [data]


def test_of_several_the_whole_one(read):
    small, large = _encoded(".jpg", 10), _encoded(".jpg", 20)
    [snapshot] = read({"thumbnail": text(small), "nested": {"image": text(large)}})
    assert snapshot.picture == large


def test_what_stands_around_a_nested_picture_is_told_of_it(read, picture):
    content = {"camera": "x", "label": "dog", "event": {"score": 0.5, "image": text(picture)}}
    [snapshot] = read(content)
    assert (snapshot.label, snapshot.score) == ("dog", 0.5)


def test_one_that_cannot_be_read_says_why(read, picture):
    with pytest.raises(PayloadError) as caught:
        read({"image": text(picture[:60])})
    assert caught.value.kind == "picture cut"


def test_one_that_the_broker_kept_counts_by_its_time(read, picture):
    with pytest.raises(PayloadError) as caught:
        read({"image": text(picture)}, retained=True)
    assert caught.value.kind == "retained"
    assert read({"image": text(picture), "timestamp": MOMENT}, retained=True)


def test_odd_numbers_and_rubbish_do_not_lose_the_picture(read, picture):
    given = f'{{"image": "{text(picture)}", "score": NaN, "label": "car",}}\0\0x'
    [snapshot] = read(given.encode())
    assert (snapshot.label, snapshot.score, snapshot.picture) == ("car", None, picture)
