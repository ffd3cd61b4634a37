import pytest
from msgspec import structs

from zmhook.settings import Snapshots
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.undecided import SECONDS, Undecided


def row(number, label="", score=None):
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


class Site:
    def __init__(self, most=10, **settings):
        self.now = 1000.0
        self.undecided = Undecided(lambda _: Snapshots(**settings), lambda: self.now, most)

    def settle(self, *changed):
        wanted, unwanted = self.undecided.settle(changed)
        return [one.number for one in wanted], [(one.number, why) for one, why in unwanted]


def test_nothing_is_settled_before_its_class_comes():
    site = Site()
    site.undecided.put([row(1), row(2)])
    assert site.settle() == ([], [])
    assert site.settle(row(2, "Human")) == ([2], [])
    assert len(site.undecided) == 1


def test_a_class_that_is_not_wanted_is_told():
    site = Site(snapshot_classes=("human",))
    site.undecided.put([row(1), row(2)])
    assert site.settle(row(1, "Car"), row(2, "Human")) == (
        [2],
        [(1, "Car is not in snapshot_classes")],
    )


def test_a_part_of_something_else_is_not_wanted():
    site = Site()
    site.undecided.put([row(1)])
    assert site.settle(row(1, "Head")) == ([], [(1, "Head is part of something else")])


def test_a_score_may_still_rise():
    site = Site(snapshot_min_score=0.5)
    site.undecided.put([row(1, "Human", 0.3)])
    assert site.settle(row(1, "Human", 0.4)) == ([], [])
    assert site.settle(row(1, "Human", 0.6)) == ([1], [])


@pytest.mark.parametrize(("classes", "wanted"), [((), [1]), (("human",), [])])
def test_one_whose_class_never_comes_is_judged_without(classes, wanted):
    site = Site(snapshot_classes=classes)
    site.undecided.put([row(1)])
    # What says nothing of the class does not prolong it.
    site.now += SECONDS - 1
    assert site.settle(structs.replace(row(1), ended=True)) == ([], [])
    site.now += 1
    assert site.settle()[0] == wanted
    assert len(site.undecided) == 0


def test_it_holds_so_many_and_no_more():
    site = Site(most=2)
    site.undecided.put([row(number) for number in range(5)])
    assert site.settle() == ([0, 1, 2], [])
    assert len(site.undecided) == 2


def test_what_does_not_wait_is_left_alone():
    assert Site().settle(row(1, "Head")) == ([], [])
