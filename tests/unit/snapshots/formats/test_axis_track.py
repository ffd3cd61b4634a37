import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.axis_track import nearest
from zmhook.snapshots.formats.values import seconds
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, Classification, SceneBox


def test_the_consolidated_track(sample, read, jpeg):
    [snapshot] = read(sample("consolidated"), received="2024-05-13T15:21:41Z")
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="axis.consolidated_track.v1.beta",
        track_id="5b8b4da4-bd35-41e6-b4d3-564b761727d7",
        taken=seconds("2024-05-13T15:21:40.319053Z"),
        received=seconds("2024-05-13T15:21:41Z"),
        picture=jpeg,
        start=seconds("2024-05-13T15:21:39.320982Z"),
        end=seconds("2024-05-13T15:21:40.319053Z"),
        duration=0.9981,
        ended=True,
        label="Human",
        score=0.744,
        classes=(Classification("Human", 0.744),),
        colours=("black", "gray", "blue"),
        attributes={"upper_clothing_colors": "black, gray", "lower_clothing_colors": "blue"},
        box=SceneBox(0.5211, 0.8854, 0.543, 0.9935),
        crop=SceneBox(0.5146, 0.8789, 0.5495, 1.0),
    )


def test_the_object_track_whose_time_is_that_of_the_box_nearest_its_crop(sample, read, jpeg):
    [snapshot] = read(sample("track"))
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="axis.object_track.v1",
        channel=1,
        track_id="25436c51-6a75-4f23-99dc-7ddd638e4e61",
        taken=seconds("2026-03-20T10:17:47.224775Z"),
        received=seconds("2026-12-01T00:00:00Z"),
        picture=jpeg,
        start=seconds("2026-03-20T10:17:45.524804Z"),
        end=seconds("2026-03-20T10:17:48.024761Z"),
        duration=2.499,
        ended=True,
        label="Truck",
        score=0.4848,
        classes=(
            Classification("Truck", 0.4848),
            Classification("Car", 0.4812),
            Classification("VehicleOther", 0.0376),
        ),
        colours=("blue", "gray"),
        attributes={"parts": "7ef28e6e-7cae-4186-b630-23819d0bfd98"},
        box=SceneBox(0.687, 0.624, 0.7882, 0.7248),
        crop=SceneBox(0.6769, 0.6139, 0.7983, 0.7349),
    )


WRAPPERS = {
    "data": lambda track: {"data": track},
    "message": lambda track: {"message": {"source": {}, "key": {}, "data": track}},
    "frame": lambda track: {"data": {"frame": track}},
    "recorded": lambda track: {"version": "1.0.0-beta1", "tracks": [{"object": track}]},
    "bare tracks": lambda track: {"tracks": [track]},
    "object": lambda track: {"object": track},
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
@pytest.mark.parametrize("name", ["consolidated", "track"])
def test_wrapped_variants_read_the_same(sample, read, name, wrap):
    assert read(wrap(sample(name))) == read(sample(name))


@pytest.mark.parametrize("name", ["consolidated", "track"])
@pytest.mark.parametrize("missing", ["classes", "start_time", "end_time", "duration", "path"])
def test_what_a_bridge_adds_does_not_matter(sample, read, name, missing):
    track = sample(name)
    track.pop(missing, None)
    [snapshot] = read(track | {"timestamp": 1, "name": "front", "topic": "x"})
    assert snapshot.format.startswith("axis.")
    assert snapshot.label == ("" if missing == "classes" else track["classes"][0]["type"])


def test_the_channel_may_stand_outside(sample, read):
    track = sample("track")
    number = track.pop("channel_id")
    [snapshot] = read({"channel_id": number, "data": track})
    [recorded] = read({"channel_id": number, "tracks": [{"object": track}]})
    assert snapshot.channel == recorded.channel == 1


@pytest.mark.parametrize("topic", ["com_axis_scene_object_track_v1", "axis/a/b", "x"])
def test_the_topic_does_not_tell_the_format(sample, read, topic):
    [snapshot] = read(sample("track"), topic)
    assert (snapshot.format, snapshot.camera) == ("axis.object_track.v1", topic)


def test_either_name_of_the_crop_and_of_the_path(sample, read):
    older, newer = sample("consolidated"), sample("consolidated")
    newer["image"]["crop_box"] = newer["image"].pop("bounding_box")
    newer["path"] = newer.pop("observations")
    [one], [other] = read(older), read(newer)
    assert (one.crop, one.box, one.taken) == (other.crop, other.box, other.taken)


def test_a_missing_end_reason_means_completed(sample, read):
    track = sample("consolidated")
    del track["end_reason"]
    assert read(track) == read(sample("consolidated"))


def test_another_end_reason_is_told(sample, read):
    [snapshot] = read(sample("consolidated") | {"end_reason": "Lost"})
    assert snapshot.ended
    assert snapshot.attributes["end_reason"] == "Lost"


@pytest.mark.parametrize("classes", [None, [], "", [{}], [{"score": 0.7}], 7, [7]])
def test_a_track_may_have_no_class(sample, read, classes):
    [snapshot] = read(sample("track") | {"classes": classes})
    assert (snapshot.label, snapshot.score, snapshot.classes) == ("", None, ())


@pytest.mark.parametrize("label", ["Head", "LicensePlate"])
def test_parts_of_things_are_tracks_of_their_own(sample, read, label):
    [snapshot] = read(sample("track") | {"classes": [{"type": label, "score": 0.9}]})
    assert snapshot.label == label


def test_all_but_the_picture_may_be_missing(sample, read, jpeg):
    [snapshot] = read({"id": "x", "image": {"data": sample("track")["image"]["data"]}})
    assert snapshot.picture == jpeg
    assert snapshot.taken == snapshot.received
    assert (snapshot.start, snapshot.end, snapshot.duration) == (None, None, None)
    assert (snapshot.box, snapshot.crop) == (None, None)


def test_without_a_path_the_track_end_is_the_pictures_time(sample, read):
    track = sample("track")
    del track["path"]
    [snapshot] = read(track)
    assert snapshot.taken == snapshot.end
    assert snapshot.box is None


def test_of_beginning_end_and_duration_two_give_the_third(sample, read):
    [whole] = read(sample("track"))
    for missing in ("start_time", "end_time"):
        track = sample("track")
        del track[missing]
        [snapshot] = read(track)
        assert snapshot.start == pytest.approx(whole.start, abs=0.01)
        assert snapshot.end == pytest.approx(whole.end, abs=0.01)


@pytest.mark.parametrize("duration", [-1, "x", None, "inf", "nan", True])
def test_a_duration_that_is_none_is_left_out(sample, read, duration):
    [snapshot] = read(sample("track") | {"duration": duration})
    assert snapshot.duration is None


def test_a_track_without_a_picture_amends_what_came_before(sample, read):
    track = sample("track")
    del track["image"]
    [amendment] = read(track)
    assert amendment == Amendment(
        camera="front",
        channel=1,
        track_id="25436c51-6a75-4f23-99dc-7ddd638e4e61",
        start=seconds("2026-03-20T10:17:45.524804Z"),
        end=seconds("2026-03-20T10:17:48.024761Z"),
        ended=True,
        label="Truck",
        score=0.4848,
        classes=(
            Classification("Truck", 0.4848),
            Classification("Car", 0.4812),
            Classification("VehicleOther", 0.0376),
        ),
        colours=("blue", "gray"),
    )


@pytest.mark.parametrize("image", [None, {}, {"data": ""}, {"data": None}, [], "x"])
def test_an_image_without_data_is_none(sample, read, image):
    [amendment] = read(sample("track") | {"image": image})
    assert isinstance(amendment, Amendment)


def test_a_track_that_a_snapshot_came_of_amends_it_too(sample, read):
    read(sample("snapshot"))
    track = sample("track") | {"id": sample("snapshot")["object_track_id"]}
    snapshot, amendment = read(track)
    assert isinstance(snapshot, BestSnapshot)
    assert (amendment.track_id, amendment.ended) == (snapshot.track_id, True)


def test_of_several_recorded_tracks_those_that_can_be_read_are(sample, read, failed):
    broken = sample("track")
    broken["image"]["data"] = "not base64!"
    [snapshot] = read({"tracks": [{"object": broken}, {"object": sample("track")}]})
    assert snapshot.label == "Truck"
    assert [error.kind for error in failed] == ["a picture that is no base64"]


def test_when_none_can_be_read_the_message_cannot(sample, read, failed):
    broken = sample("track")
    broken["image"]["data"] = "not base64!"
    with pytest.raises(PayloadError, match="base64"):
        read({"tracks": [broken, broken]})
    assert failed == []


def test_a_clock_that_is_ahead_is_put_back_and_told(sample, read):
    [snapshot] = read(sample("track"), received="2026-03-20T09:17:49Z")
    assert snapshot.end == snapshot.received
    assert snapshot.end - snapshot.start == pytest.approx(2.499957)
    assert snapshot.end - snapshot.taken == pytest.approx(0.799986)
    assert snapshot.attributes["clock_ahead_s"] == pytest.approx(3599.025, abs=0.001)


def test_a_long_path_is_read(sample, read):
    track = sample("track")
    track["path"] = [dict(track["path"][1]) for _ in range(5000)] + [track["path"][0]]
    [snapshot] = read(track)
    assert snapshot.taken == seconds("2026-03-20T10:17:47.224775Z")


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [1], [None], [{"bounding_box": 1}]])
@pytest.mark.parametrize("key", ["path", "image", "classes", "parts", "id", "duration"])
def test_what_is_of_another_kind_is_as_if_it_were_not_there(sample, read, key, value):
    news = read(sample("track") | {key: value})
    assert all(isinstance(one, (BestSnapshot, Amendment)) for one in news)


def box(left, top, right, bottom):
    return {"left": left, "top": top, "right": right, "bottom": bottom}


def path(*boxes):
    return [{"timestamp": place, "bounding_box": one} for place, one in enumerate(boxes)]


@pytest.mark.parametrize(
    ("crop", "timestamp"),
    [
        (SceneBox(0.08, 0.08, 0.32, 0.32), 0),  # with the margin of a tenth on each side
        (SceneBox(0.1, 0.1, 0.3, 0.3), 0),  # without
        (SceneBox(0.78, 0.78, 1.0, 1.0), 2),  # at the scene's edge, cut off
    ],
)
def test_the_crop_is_a_boxes_with_a_margin_or_without(crop, timestamp):
    boxes = path(box(0.1, 0.1, 0.3, 0.3), box(0.12, 0.1, 0.32, 0.3), box(0.8, 0.8, 0.999, 0.999))
    assert nearest(boxes, crop).timestamp == timestamp


def test_a_path_without_boxes_has_no_nearest():
    assert nearest([], SceneBox(0, 0, 1, 1)) is None
    assert nearest(path(None, box(1, 1, 0, 0)), SceneBox(0, 0, 1, 1)) is None
