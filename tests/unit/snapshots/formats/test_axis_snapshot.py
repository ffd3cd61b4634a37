import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.times import seconds
from zmhook.snapshots.snapshot import BestSnapshot, Classification, SceneBox


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
