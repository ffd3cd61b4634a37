import pytest

from zmhook.snapshots.formats.times import AHEAD, LONGEST_TRACK, Clock, Times, seconds, settled

MOMENT = 1715613699.320982


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-13T15:21:39.320982Z",
        "2024-05-13T15:21:39.320982+00:00",
        "2024-05-13T17:21:39.320982+02:00",
        "2024-05-13 15:21:39.320982Z",
        "2024-05-13T15:21:39.320982",
        MOMENT,
        "1715613699.320982",
        1715613699320.982,
        1715613699320982,
        1715613699320982000,
    ],
)
def test_a_time_is_seconds_since_the_epoch(value):
    assert seconds(value) == pytest.approx(MOMENT, abs=1e-5)


@pytest.mark.parametrize("fraction", ["", ".3", ".320982", ".320982123"])
def test_any_number_of_digits(fraction):
    assert seconds(f"2024-05-13T15:21:39{fraction}Z") == pytest.approx(MOMENT, abs=0.4)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2024-13-13T15:21:39Z",
        "1970-01-01T00:00:10Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999-14:00",
        "2" * 100_000,
        0,
        -5,
        True,
        [],
        float("nan"),
        10**400,
    ],
)
def test_what_cannot_be_a_time_is_none(value):
    assert seconds(value) is None


def test_a_cameras_clock_may_be_off():
    assert Clock(2.5).ours(MOMENT) == MOMENT - 2.5
    assert Clock(-2.5).ours(MOMENT) == MOMENT + 2.5
    assert Clock(2.5).ours("x") is None


def test_times_in_order_stay_as_they_are():
    assert settled(103.0, 100.0, 105.0, 106.0) == Times(103.0, 100.0, 105.0)


def test_a_little_ahead_is_nothing():
    assert settled(100.0, None, 100.0 + AHEAD, 100.0).ahead == 0.0


def test_all_are_put_back_by_as_much_as_the_last_is_ahead():
    assert settled(3700.0, 3600.0, 3703.0, 103.0) == Times(100.0, 0.0, 103.0, 3600.0)


def test_without_the_pictures_time_the_end_stands_for_it_and_then_the_arrival():
    assert settled(None, 1.0, 5.0, 6.0).taken == 5.0
    assert settled(None, 1.0, None, 6.0).taken == 6.0


def test_a_beginning_after_the_end_is_none():
    assert settled(100.0, 103.0, 101.0, 110.0) == Times(100.0, None, 101.0)


def test_an_end_before_the_beginning_is_none():
    assert settled(100.0, 99.0, 90.0, 110.0) == Times(100.0, 99.0, None)


@pytest.mark.parametrize("far", [-2 * LONGEST_TRACK, 2 * LONGEST_TRACK, 2e11])
def test_one_strange_time_does_not_move_the_others(far):
    start = 1e9
    assert settled(start, start + far, None, start + 1) == Times(start, None, None)
    assert settled(start, None, start + far, start + 1) == Times(start, None, None)
