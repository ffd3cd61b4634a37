import pytest

from zmhook.settings import Settings
from zmhook.snapshots.formats.arrival import Arrival
from zmhook.snapshots.formats.classes import NOTHING
from zmhook.snapshots.formats.tracks import Track
from zmhook.snapshots.formats.under_way import Shown, moment_of, under_way
from zmhook.snapshots.topics import Topics

NOW = 1_800_000_000.0


@pytest.fixture
def arrival():
    return Arrival("a", b"", False, NOW, Topics.from_settings(Settings()), 1000, [].append)


def snapshot(arrival, timestamp, track):
    shown = Shown("axis.object_snapshot.v1", "1", timestamp, b"", NOTHING, None, None)
    return under_way(arrival, arrival.origin({}), shown, track)


def test_the_beginning_and_the_end_are_those_of_the_track(arrival):
    made = snapshot(arrival, NOW - 5, Track(start=NOW - 9, end=NOW - 1, ended=True))
    assert (made.taken, made.start, made.end, made.ended) == (NOW - 5, NOW - 9, NOW - 1, True)
    assert made.attributes == {}


def test_how_long_it_was_is_not_known_before_it_is_over(arrival):
    assert snapshot(arrival, NOW - 5, Track(start=NOW - 9)).duration is None


def test_a_clock_ahead_is_told(arrival):
    made = snapshot(arrival, NOW + 60, Track())
    assert made.taken == NOW
    assert made.attributes == {"clock_ahead_s": 60.0}


def test_what_frames_told_of_the_track_is_right_already_when_a_clock_is_ahead(arrival):
    made = snapshot(arrival, NOW + 3600, Track(start=NOW - 9, end=NOW - 1))
    assert (made.taken, made.start, made.end) == (NOW, NOW - 9, NOW - 1)


@pytest.mark.parametrize(
    ("timestamp", "moment"), [(NOW - 3, NOW - 3), (None, NOW), ("x", NOW), (NOW + 60, NOW)]
)
def test_a_frame_was_never_after_it_came(arrival, timestamp, moment):
    assert moment_of(arrival, arrival.origin({}), timestamp) == moment
