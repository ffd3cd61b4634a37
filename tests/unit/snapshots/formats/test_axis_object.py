import pytest

from zmhook.errors import PayloadError
from zmhook.settings import Settings
from zmhook.snapshots.formats.axis_object import moment_of, object_snapshot
from zmhook.snapshots.formats.classes import NOTHING
from zmhook.snapshots.formats.incoming import IncomingMessage
from zmhook.snapshots.formats.tracks import Track
from zmhook.snapshots.formats.values import seconds
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, Classification, SceneBox
from zmhook.snapshots.topics import Topics


def test_the_object_snapshot(sample, read, jpeg):
    [snapshot] = read(sample("snapshot"))
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="axis.object_snapshot.v1",
        channel=1,
        track_id="ad57dd04-cbe5-44df-8de3-222d1d33c3e9",
        taken=seconds("2026-02-06T20:17:41.551914Z"),
        received=seconds("2026-12-01T00:00:00Z"),
        picture=jpeg,
        ended=False,
        crop=SceneBox(0.193, 0.4739, 0.2712, 0.5468),
    )


def test_it_may_have_a_class_of_its_own(sample, read):
    [snapshot] = read(sample("snapshot") | {"class": {"type": "Human", "score": 0.7}})
    assert (snapshot.label, snapshot.score) == ("Human", 0.7)
    assert snapshot.classes == (Classification("Human", 0.7),)


@pytest.mark.parametrize("timestamp", [1770409061.551914, "1770409061.551914", 1770409061551.914])
def test_its_time_may_be_a_number(sample, read, timestamp):
    [snapshot] = read(sample("snapshot") | {"timestamp": timestamp})
    assert snapshot.taken == pytest.approx(seconds("2026-02-06T20:17:41.551914Z"), abs=0.001)


@pytest.mark.parametrize("wrap", ["message", "frame", "object"])
def test_wrapped_variants_read_the_same(sample, read, wrap):
    assert read({wrap: sample("snapshot")}) == read(sample("snapshot"))


def test_wrapped_in_data_which_is_also_the_pictures_name(sample, read):
    assert read({"data": sample("snapshot")}) == read(sample("snapshot"))


def test_the_older_name_of_its_box(sample, read):
    content = sample("snapshot")
    content["bounding_box"] = content.pop("crop_box")
    [snapshot] = read(content)
    assert snapshot.crop == SceneBox(0.193, 0.4739, 0.2712, 0.5468)


@pytest.mark.parametrize("missing", ["id", "object_track_id", "timestamp", "crop_box"])
def test_what_is_missing_is_left_out(sample, read, missing, jpeg):
    content = sample("snapshot")
    del content[missing]
    [snapshot] = read(content)
    assert snapshot.picture == jpeg


def test_one_without_a_picture_is_broken(sample, read):
    content = sample("snapshot")
    del content["data"]
    with pytest.raises(PayloadError, match="axis/front/track: the picture is not a text"):
        read(content)


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
def test_wrapped_frames_read_the_same(sample, read, wrap):
    read({wrap: sample("frame")})
    [snapshot] = read(sample("snapshot"))
    assert snapshot.label == "Human"


def test_a_clock_ahead_does_not_make_tracks_of_the_future(sample, read):
    read(sample("frame"), received="2026-02-06T19:17:42Z")
    [snapshot] = read(sample("snapshot"), received="2026-02-06T19:17:43Z")
    assert snapshot.start <= snapshot.taken == snapshot.received


NOW = 1_800_000_000.0


@pytest.fixture
def message():
    return IncomingMessage("a", b"", False, NOW, Topics.from_settings(Settings()), 1000, [].append)


def snapshot_of(message, timestamp, track):
    facts = {"format": "axis.object_snapshot.v1", "track_id": "1", "picture": b""}
    return object_snapshot(message, message.origin({}), track, timestamp, NOTHING, **facts)


def test_the_beginning_and_the_end_are_those_of_the_track(message):
    made = snapshot_of(message, NOW - 5, Track(start=NOW - 9, end=NOW - 1, ended=True))
    assert (made.taken, made.start, made.end, made.ended) == (NOW - 5, NOW - 9, NOW - 1, True)
    assert made.attributes == {}


def test_how_long_it_was_is_not_known_before_it_is_over(message):
    assert snapshot_of(message, NOW - 5, Track(start=NOW - 9)).duration is None


def test_a_clock_ahead_is_reported(message):
    made = snapshot_of(message, NOW + 60, Track())
    assert made.taken == NOW
    assert made.attributes == {"clock_ahead_s": 60.0}


def test_what_frames_told_of_the_track_is_right_already_when_a_clock_is_ahead(message):
    made = snapshot_of(message, NOW + 3600, Track(start=NOW - 9, end=NOW - 1))
    assert (made.taken, made.start, made.end) == (NOW, NOW - 9, NOW - 1)


@pytest.mark.parametrize(
    ("timestamp", "moment"), [(NOW - 3, NOW - 3), (None, NOW), ("x", NOW), (NOW + 60, NOW)]
)
def test_a_frame_was_never_after_it_came(message, timestamp, moment):
    assert moment_of(message, message.origin({}), timestamp) == moment


MOMENT = seconds("2023-03-08T09:00:19.320111Z")


def test_the_scene_description(sample, read, jpeg):
    snapshot, gone, renamed = read(sample("scene"))
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="axis.scene_description.v0.beta",
        track_id="2",
        taken=MOMENT,
        received=seconds("2026-12-01T00:00:00Z"),
        start=MOMENT,
        end=MOMENT,
        picture=jpeg,
        label="Bus",
        score=0.7,
        classes=(Classification("Bus", 0.7),),
        colours=("yellow",),
        box=SceneBox(0.23135, 0.19399, 0.55192, 0.49932),
        crop=SceneBox(0.1832645, 0.1481905, 0.6000055, 0.5451195),
    )
    assert gone == Amendment(camera="front", channel=None, track_id="3", end=MOMENT, ended=True)
    assert renamed == Amendment(camera="front", channel=None, track_id="8", renamed_to="2")


@pytest.mark.parametrize("wrap", ["data", "message"])
def test_wrapped_scenes_read_the_same(sample, read, wrap):
    assert read({wrap: sample("scene")}) == read(sample("scene"))
    assert read(sample("scene")["frame"]) == read(sample("scene"))


def frame(moment, *observations, operations=()):
    content = {"timestamp": moment, "observations": list(observations)}
    return {"frame": content | {"operations": list(operations)}}


def observation(sample, **known):
    one = sample("scene")["frame"]["observations"][0]
    del one["timestamp"]
    return {key: value for key, value in (one | known).items() if value is not None}


def test_a_track_begins_with_its_first_frame(sample, read):
    read(frame("2023-03-08T09:00:10Z", observation(sample, image=None)))
    [snapshot] = read(frame("2023-03-08T09:00:19Z", observation(sample)))
    assert snapshot.start == seconds("2023-03-08T09:00:10Z")
    assert snapshot.taken == seconds("2023-03-08T09:00:19Z")
    assert not snapshot.ended


def test_a_class_told_earlier_is_the_tracks(sample, read):
    read(frame("2023-03-08T09:00:10Z", observation(sample, image=None)))
    [snapshot] = read(frame("2023-03-08T09:00:19Z", observation(sample, **{"class": None})))
    assert snapshot.label == "Bus"


def test_a_class_told_later_amends_the_snapshot(sample, read):
    read(frame("2023-03-08T09:00:10Z", observation(sample, **{"class": None})))
    [amendment] = read(frame("2023-03-08T09:00:19Z", observation(sample, image=None)))
    assert (amendment.track_id, amendment.label, amendment.box) == ("2", "Bus", None)


def test_an_id_that_is_given_again_is_another_track(sample, read):
    read(frame("2023-03-08T09:00:10Z", observation(sample, image=None)))
    gone = {"type": "DeleteOperation", "id": "2"}
    [amendment] = read(frame("2023-03-08T09:00:15Z", operations=[gone]))
    assert amendment.end == seconds("2023-03-08T09:00:15Z")
    [snapshot] = read(frame("2023-03-08T09:00:19Z", observation(sample, **{"class": None})))
    assert (snapshot.label, snapshot.start) == ("", seconds("2023-03-08T09:00:19Z"))


def test_a_better_picture_may_follow(sample, read):
    first = read(frame("2023-03-08T09:00:10Z", observation(sample)))
    second = read(frame("2023-03-08T09:00:11Z", observation(sample)))
    assert [one.track_id for one in (*first, *second)] == ["2", "2"]


def test_one_broken_picture_does_not_spoil_the_others(sample, read, failed):
    broken = observation(sample, image={"data": "%%%"})
    [snapshot] = read(frame("2023-03-08T09:00:10Z", broken, observation(sample)))
    assert snapshot.label == "Bus"
    assert len(failed) == 1
    with pytest.raises(PayloadError):
        read(frame("2023-03-08T09:00:10Z", broken))


@pytest.mark.parametrize(
    "operation", [{}, {"type": "DeleteOperation"}, {"type": "RenameOperation", "from": "1"}, 3]
)
def test_an_operation_that_says_nothing_is_none(read, operation):
    assert read(frame("2023-03-08T09:00:10Z", operations=[operation])) == []


def test_a_frame_without_anything_is_a_sign_of_life(read):
    assert read(frame("2023-03-08T09:00:10Z")) == []
    assert read({"frame": {"timestamp": "2023-03-08T09:00:10Z"}}) == []
