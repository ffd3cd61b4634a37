import base64

import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.snapshot import BestSnapshot


def test_a_picture_on_a_topic(read, jpeg):
    [snapshot] = read(jpeg, received=1000000000.5)
    assert snapshot == BestSnapshot(
        camera="front",
        topic="axis/front/track",
        format="raw",
        track_id=snapshot.track_id,
        taken=1000000000.5,
        received=1000000000.5,
        ended=True,
        picture=jpeg,
    )


def test_a_png_is_one_too(read, photo):
    data = photo("fpo_test_plate_1.png").read_bytes()
    [snapshot] = read(data)
    assert snapshot.picture is data


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("head", [b"", b"data:image/jpeg;base64,"])
def test_a_picture_in_base64(read, jpeg, encode, head):
    [snapshot] = read(head + encode(jpeg))
    assert snapshot.picture == jpeg


def test_the_same_picture_has_the_same_id_and_another_has_another(read, jpeg, photo):
    [first], [again] = read(jpeg, received=1e9), read(jpeg, received=2e9)
    [other] = read(photo("dog.jpg").read_bytes())
    assert first.track_id == again.track_id != other.track_id


def test_a_picture_that_the_broker_kept_is_of_any_age(read, jpeg):
    assert read(jpeg, retained=True) == []


@pytest.mark.parametrize("topic", ["home/front/snapshot", "snapshot", "a/b/front/snapshot"])
def test_a_topic_that_is_called_snapshot_need_not_be_frigates(read, jpeg, topic):
    [snapshot] = read(jpeg, topic)
    assert (snapshot.format, snapshot.label, snapshot.camera) == ("raw", "", topic)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_one_that_is_cut_short_is_broken(read, jpeg, share):
    with pytest.raises(PayloadError, match="cut short") as caught:
        read(jpeg[: int(len(jpeg) * share)])
    assert caught.value.kind == "a picture cut short"
