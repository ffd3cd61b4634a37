import time

import pytest

from zmhook.snapshots.snapshot import Amendment
from zmhook.snapshots.store import Index


def amendment(**fields):
    return Amendment(**{"camera": "front", "channel": 1, "track_id": "8", "ended": True, **fields})


@pytest.fixture
def amended(store, snapshot, folder):
    """Store snapshots of track 8, each received so many seconds ago; return who is amended."""

    def amend(said, *tracks):
        now = time.time()
        store.add(
            [
                snapshot(**{"track_id": "8", "label": "", "received": now - ago, **fields})
                for ago, fields in tracks
            ]
        )
        changed = store.amend([said])
        with Index.open(folder) as index:
            rows = sorted(index.rows(), key=lambda row: row.number)
        found = [row.number for row in rows if row.label == "Car" or row.track_id == "2"]
        assert found == sorted(row.number for row in changed)
        return found

    return amend


def test_all_pictures_of_the_track_are_amended(amended):
    assert amended(amendment(label="Car"), (5, {}), (3, {}), (2, {"track_id": "9"})) == [0, 1]


@pytest.mark.parametrize("other", [{"camera": "gate"}, {"channel": None}, {"track_id": "88"}])
def test_another_track_is_not(amended, other):
    assert amended(amendment(label="Car", **other), (5, {})) == []


def test_a_track_may_be_named_anew(amended, folder):
    assert amended(amendment(renamed_to="2"), (5, {})) == [0]
    with Index.open(folder) as index:
        assert index.get(0).track_id == "2"


def test_a_track_of_yesterday_with_the_same_short_name_is_left_alone(amended):
    said = amendment(label="Car")
    assert amended(said, (90_000, {}), (700, {"ended": True}), (5, {})) == [2]


def test_what_has_just_ended_may_still_be_amended(amended):
    assert amended(amendment(label="Car"), (60, {"ended": True})) == [0]


def test_a_track_that_began_at_another_time_is_another(amended):
    tracks = [(50, {"start": 100.0}), (40, {"start": 101.0}), (5, {"start": 500.0})]
    assert amended(amendment(label="Car", start=100.5), *tracks) == [0, 1]


def test_without_a_start_the_last_track_is_meant(amended):
    tracks = [(50, {"start": 100.0}), (5, {"start": 500.0})]
    assert amended(amendment(label="Car"), *tracks) == [1]


def test_no_name_no_track(amended):
    assert amended(amendment(label="Car", track_id=""), (5, {"track_id": ""})) == []
