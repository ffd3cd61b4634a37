import pytest
from msgspec import structs

from zmhook.settings import Snapshots
from zmhook.snapshots.filters import CLASS_SECONDS, PendingClass, is_early, rejection
from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot


def snapshot(**known):
    given = {
        "camera": "front",
        "topic": "axis/front/track",
        "format": "axis.object_track.v1",
        "track_id": "1",
        "taken": 100.0,
        "received": 101.0,
        "picture": b"",
        "label": "Human",
        "score": 0.7,
        "duration": 3.0,
        "ended": True,
    }
    return BestSnapshot(**(given | known))


def kept(settings=None, **known):
    return rejection(snapshot(**known), settings or Snapshots()) is None


def test_what_passes_every_test_is_kept():
    assert rejection(snapshot(), Snapshots()) is None


@pytest.mark.parametrize("label", ["Human", "Car", "Bike", "VehicleOther", "Animal", "person", ""])
def test_all_classes_are_kept_when_none_is_named(label):
    assert kept(label=label)


@pytest.mark.parametrize("label", ["Head", "LicensePlate", "Face", "license_plate", "face"])
def test_parts_of_things_are_not(label):
    assert rejection(snapshot(label=label), Snapshots()) == f"{label} is part of something else"


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        ("human", "Human"),
        ("person", "Human"),
        ("human", "person"),
        ("bike", "Bicycle"),
        ("bicycle", "Bike"),
        ("head", "Head"),
        ("licenseplate", "LicensePlate"),
        ("license plate", "LicensePlate"),
        ("vehicleother", "VehicleOther"),
        ("car", "Vehicle"),
    ],
)
def test_a_named_class_is_kept_under_either_name(wanted, label):
    assert kept(Snapshots(snapshot_classes=("dog", wanted)), label=label)


def test_a_class_that_is_not_named_is_not():
    settings = Snapshots(snapshot_classes=("human",))
    assert rejection(snapshot(label="Car"), settings) == "Car is not in snapshot_classes"


def test_one_without_a_class_is_not_kept_when_classes_are_named():
    assert "no class" in rejection(snapshot(label=""), Snapshots(snapshot_classes=("human",)))


NAMED = Snapshots(snapshot_classes=("human",), snapshot_min_score=0.5)


@pytest.mark.parametrize(
    ("label", "score", "early"),
    [("", None, True), ("Human", 0.4, True), ("Human", 0.6, False), ("Car", 0.4, False)],
)
def test_what_may_still_get_its_class_or_score_is_early(label, score, early):
    found = snapshot(label=label, score=score, ended=False)
    assert is_early(found, NAMED) is early
    assert not is_early(snapshot(label=label, score=score), NAMED)


@pytest.mark.parametrize(("label", "keeps"), [("", True), ("Human", True), ("Car", False)])
def test_of_what_is_early_the_class_is_not_asked(label, keeps):
    assert kept(NAMED, label=label, score=0.1, ended=False) is keeps
    assert not kept(NAMED, label=label, score=0.1)


@pytest.mark.parametrize(
    ("score", "least", "is_kept"),
    [(0.5, 0.5, True), (0.49, 0.5, False), (None, 0.5, False), (None, 0.0, True), (0.0, 0.0, True)],
)
def test_the_score(score, least, is_kept):
    assert kept(Snapshots(snapshot_min_score=least), score=score) is is_kept


@pytest.mark.parametrize(
    ("known", "is_kept"),
    [
        ({"duration": 2.0}, True),
        ({"duration": 1.99}, False),
        ({"duration": None}, True),
        ({"duration": None, "start": 10.0, "end": 11.0}, False),
        ({"duration": None, "start": 10.0, "end": 13.0}, True),
        ({"duration": 0.5, "ended": False}, True),
    ],
)
def test_the_duration(known, is_kept):
    assert kept(**known) is is_kept


def test_what_is_too_short_says_how_short_it_was():
    assert rejection(snapshot(duration=0.998), Snapshots()) == (
        "lasted 1.0 s, and snapshot_min_duration is 2"
    )


@pytest.mark.parametrize(("least", "is_kept"), [(0, True), (576, True), (577, False)])
def test_the_shorter_side_counts(photo, least, is_kept):
    picture = photo("dog.jpg").read_bytes()
    assert kept(Snapshots(snapshot_min_size=least), picture=picture) is is_kept


def test_a_picture_that_is_too_small_says_its_size(photo):
    picture = photo("dog.jpg").read_bytes()
    told = rejection(snapshot(picture=picture), Snapshots(snapshot_min_size=2000))
    assert told == "768x576 pixels, and snapshot_min_size is 2000"


def stored(number, label="", score=None):
    return StoredSnapshot(
        number=number,
        file="f",
        size=0,
        sha256="",
        camera="drive",
        topic="t",
        format="f",
        track_id=str(number),
        taken=1.0,
        received=1.0,
        label=label,
        score=score,
    )


class PendingHarness:
    def __init__(self, most=10, **settings):
        self.now = 1000.0
        self.pending = PendingClass(lambda _: Snapshots(**settings), lambda: self.now, most)

    def settle(self, *changed):
        kept, rejected = self.pending.settle(changed)
        return [row.number for row in kept], [(row.number, reason) for row, reason in rejected]


def test_nothing_is_settled_before_its_class_comes():
    harness = PendingHarness()
    harness.pending.put([stored(1), stored(2)])
    assert harness.settle() == ([], [])
    assert harness.settle(stored(2, "Human")) == ([2], [])
    assert len(harness.pending) == 1


def test_a_class_that_is_not_wanted_is_reported():
    harness = PendingHarness(snapshot_classes=("human",))
    harness.pending.put([stored(1), stored(2)])
    assert harness.settle(stored(1, "Car"), stored(2, "Human")) == (
        [2],
        [(1, "Car is not in snapshot_classes")],
    )


def test_a_part_of_something_else_is_not_wanted():
    harness = PendingHarness()
    harness.pending.put([stored(1)])
    assert harness.settle(stored(1, "Head")) == ([], [(1, "Head is part of something else")])


def test_a_score_may_still_rise():
    harness = PendingHarness(snapshot_min_score=0.5)
    harness.pending.put([stored(1, "Human", 0.3)])
    assert harness.settle(stored(1, "Human", 0.4)) == ([], [])
    assert harness.settle(stored(1, "Human", 0.6)) == ([1], [])


@pytest.mark.parametrize(("classes", "wanted"), [((), [1]), (("human",), [])])
def test_one_whose_class_never_comes_is_judged_without(classes, wanted):
    harness = PendingHarness(snapshot_classes=classes)
    harness.pending.put([stored(1)])
    # What says nothing of the class does not prolong it.
    harness.now += CLASS_SECONDS - 1
    assert harness.settle(structs.replace(stored(1), ended=True)) == ([], [])
    harness.now += 1
    assert harness.settle()[0] == wanted
    assert len(harness.pending) == 0


def test_it_holds_so_many_and_no_more():
    harness = PendingHarness(most=2)
    harness.pending.put([stored(number) for number in range(5)])
    assert harness.settle() == ([0, 1, 2], [])
    assert len(harness.pending) == 2


def test_what_does_not_wait_is_left_alone():
    assert PendingHarness().settle(stored(1, "Head")) == ([], [])
