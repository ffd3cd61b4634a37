import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.times import seconds
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, Classification, SceneBox

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
def test_wrapped_variants_read_the_same(sample, read, wrap):
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
