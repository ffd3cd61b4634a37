import pytest

from zmhook.snapshots.formats.times import seconds
from zmhook.snapshots.snapshot import Amendment, Classification, SceneBox

TRACK = "ad57dd04-cbe5-44df-8de3-222d1d33c3e9"
BOX = SceneBox(0.1995, 0.48, 0.2647, 0.5407)


def test_a_frame_before_the_picture_gives_it_its_class(sample, read):
    assert read(sample("frame")) == []
    [snapshot] = read(sample("snapshot"))
    assert (snapshot.label, snapshot.score, snapshot.box) == ("Human", 0.7, BOX)


def test_a_frame_after_the_picture_amends_it(sample, read):
    [snapshot] = read(sample("snapshot"))
    assert (snapshot.label, snapshot.box) == ("", None)
    assert read(sample("frame")) == [
        Amendment(
            camera="front",
            channel=1,
            track_id=TRACK,
            end=seconds("2026-02-06T20:17:41.6Z"),
            label="Human",
            score=0.7,
            classes=(Classification("Human", 0.7),),
            box=BOX,
        )
    ]


def test_nothing_is_told_twice(sample, read):
    read(sample("snapshot"))
    assert len(read(sample("frame"))) == 1
    assert read(sample("frame")) == []


def test_a_better_score_is_news(sample, read):
    read(sample("snapshot"))
    read(sample("frame"))
    better = sample("frame")
    better["detections"][0]["class"] = {"type": "Car", "score": 0.8}
    [amendment] = read(better)
    assert (amendment.label, amendment.score, amendment.box) == ("Car", 0.8, None)
    slightly = sample("frame")
    slightly["detections"][0]["class"] = {"type": "Car", "score": 0.82}
    assert read(slightly) == []


def test_a_detection_without_a_class_still_tells_the_box(sample, read):
    read(sample("snapshot"))
    frame = sample("frame")
    del frame["detections"][0]["class"]
    [amendment] = read(frame)
    assert (amendment.box, amendment.label) == (BOX, None)


def test_a_class_told_without_naming_the_picture_counts_for_its_track(sample, read):
    frame = sample("frame")
    del frame["detections"][0]["image_id"]
    read(frame)
    [snapshot] = read(sample("snapshot"))
    assert (snapshot.label, snapshot.box) == ("Human", None)


def test_of_several_frames_the_first_has_the_pictures_box(sample, read):
    read(sample("frame"))
    later = sample("frame")
    later["detections"][0]["bounding_box"]["left"] = 0.0
    read(later)
    [snapshot] = read(sample("snapshot"))
    assert snapshot.box == BOX


def test_the_snapshot_begins_when_its_track_was_first_seen(sample, read):
    read(sample("frame") | {"timestamp": "2026-02-06T20:17:30Z"})
    read(sample("frame"))
    [snapshot] = read(sample("snapshot"))
    assert snapshot.start == seconds("2026-02-06T20:17:30Z")
    assert snapshot.duration is None


def test_that_a_track_goes_on_is_told_now_and_then(sample, read):
    read(sample("snapshot"))
    read(sample("frame"))
    told = []
    for tenth in range(120):
        moment = f"2026-02-06T20:17:{42 + tenth / 10:.1f}Z"
        told += [(tenth, one) for one in read(sample("frame") | {"timestamp": moment})]
    assert [(tenth, one.ended) for tenth, one in told] == [(46, None), (96, None)]
    assert [one.end for _, one in told] == [
        seconds("2026-02-06T20:17:46.6Z"),
        seconds("2026-02-06T20:17:51.6Z"),
    ]


def test_of_one_that_is_over_it_is_not(sample, read):
    read(sample("snapshot"))
    read(ended())
    late = sample("frame") | {"timestamp": "2026-02-06T20:17:49Z"}
    assert [one.end for one in read(late)] == [None]


def ended(track_id=TRACK):
    event = {"type": "TrackEnded", "object_track_id": track_id}
    return {"channel_id": 1, "timestamp": "2026-02-06T20:17:50Z", "track_events": [event]}


def test_the_end_of_a_track(sample, read):
    read(sample("frame"))
    read(sample("snapshot"))
    [amendment] = read(ended())
    assert amendment == Amendment(
        camera="front",
        channel=1,
        track_id=TRACK,
        end=seconds("2026-02-06T20:17:50Z"),
        ended=True,
    )


def test_the_end_of_a_track_of_which_nothing_is_known_is_told_too(read):
    [amendment] = read(ended("other"))
    assert (amendment.track_id, amendment.ended) == ("other", True)


def test_a_picture_after_its_tracks_end_is_of_one_that_ended(sample, read):
    read(ended())
    [snapshot] = read(sample("snapshot"))
    assert snapshot.ended
    assert snapshot.end == seconds("2026-02-06T20:17:50Z")


def test_a_track_that_goes_on_under_another_id(sample, read):
    read(sample("frame"))
    rename = {"type": "Rename", "from_id": TRACK, "to_id": "new"}
    news = read({"channel_id": 1, "timestamp": "2026-02-06T20:17:45Z", "track_events": [rename]})
    assert news == [Amendment(camera="front", channel=1, track_id=TRACK, renamed_to="new")]
    [snapshot] = read(sample("snapshot") | {"object_track_id": "new", "id": "another"})
    assert snapshot.label == "Human"


def test_cameras_and_channels_do_not_mix(sample, read):
    read(sample("frame"), "axis/other/track")
    read(sample("frame") | {"channel_id": 2})
    [snapshot] = read(sample("snapshot"))
    assert snapshot.label == ""


@pytest.mark.parametrize(
    "content",
    [
        {"channel_id": 1, "timestamp": "2026-02-06T20:17:50Z"},
        {"timestamp": "2026-02-06T20:17:50Z"},
        {"detections": []},
        {"detections": None, "track_events": 3},
        {"detections": [{}, 1, {"object_track_id": ""}]},
        {"track_events": [{}, {"type": "TrackEnded"}, {"type": "Rename", "from_id": "a"}]},
        {"track_events": [{"type": "Rename", "from_id": "a", "to_id": "a"}]},
    ],
)
def test_a_frame_without_news_is_a_sign_of_life(read, content):
    assert read(content) == []


@pytest.mark.parametrize("wrap", ["data", "message", "frame"])
def test_wrapped_variants_read_the_same(sample, read, wrap):
    read({wrap: sample("frame")})
    [snapshot] = read(sample("snapshot"))
    assert snapshot.label == "Human"


def test_a_clock_ahead_does_not_make_tracks_of_the_future(sample, read):
    read(sample("frame"), received="2026-02-06T19:17:42Z")
    [snapshot] = read(sample("snapshot"), received="2026-02-06T19:17:43Z")
    assert snapshot.start <= snapshot.taken == snapshot.received
