"""Which events are new, and where to go on."""

from __future__ import annotations

from zmhook.watch.position import GAP_SECONDS, PAGE, Follower, Position
from zmhook.zoneminder.event_row import EventRow

NOW = 1_000_000.0


def follower(mark: int = 10, answered: float = NOW, settled: tuple[int, ...] = ()) -> Follower:
    position = Position(portal="http://zm/zm", mark=mark, answered=answered, settled=list(settled))
    return Follower(position, max_age=120.0)


def rows(*numbers: int, **more) -> list[EventRow]:
    return [EventRow(id=number, **more) for number in numbers]


def ids(events: list[EventRow]) -> list[int]:
    return [row.id for row in events]


def test_each_event_is_new_once() -> None:
    own = follower()
    assert ids(own.take(rows(12, 11), NOW).events) == [11, 12]
    assert own.take(rows(12, 11), NOW + 1).events == []
    own.settle([11, 12])
    assert own.take(rows(12, 11), NOW + 2).events == []
    assert own.position.mark == 12
    assert own.position.settled == []


def test_events_that_wait_are_found_after_a_restart() -> None:
    own = follower()
    own.take(rows(11, 12, 13), NOW)
    own.settle([11, 13])
    own.take(rows(11, 12, 13), NOW + 1)
    assert (own.position.mark, own.position.settled) == (11, [13])
    after = Follower(own.position, 120.0)
    assert ids(after.take(rows(13, 12), NOW + 5).events) == [12]


def test_a_row_that_comes_late_is_not_missed() -> None:
    """The row of event 11 is written after that of event 12."""
    own = follower()
    own.take(rows(12), NOW)
    own.settle([12])
    assert ids(own.take(rows(12, 11), NOW + 1).events) == [11]


def test_a_number_that_never_comes_is_waited_for_for_a_while() -> None:
    own = follower()
    own.take(rows(12), NOW)
    own.settle([12])
    own.take(rows(12), NOW + 1)
    assert own.position.mark == 10
    own.take(rows(12), NOW + GAP_SECONDS)
    assert own.position.mark == 12


def test_after_a_break_only_young_events_count() -> None:
    own = follower(answered=NOW - 3600)
    old, young, of_tomorrow = (
        EventRow(id=number, started=started)
        for number, started in ((11, NOW - 3000), (12, NOW - 60), (13, NOW + 86400))
    )
    taken = own.take([of_tomorrow, young, old, EventRow(id=14)], NOW)
    assert ids(taken.events) == [12]
    assert ids(taken.old) == [11, 13, 14]
    own.settle([12])
    own.take([], NOW + 1)
    assert own.position.mark == 14


def test_without_a_break_the_time_zone_does_not_matter() -> None:
    taken = follower().take(rows(11, started=NOW - 7200, is_exact=False), NOW + 1)
    assert ids(taken.events) == [11]


def test_an_exact_time_counts_always() -> None:
    """Such as of old events, when the user may see a monitor again (1.38)."""
    taken = follower().take(rows(11, started=NOW - 7200, is_exact=True), NOW + 1)
    assert ids(taken.old) == [11]


def test_more_than_a_response_holds() -> None:
    own = follower()
    taken = own.take(rows(*range(1000, 1000 + PAGE)), NOW)
    assert taken.missed
    assert len(taken.events) == PAGE
    assert own.position.mark == 999
    again = own.take(rows(*range(1000, 1000 + PAGE)), NOW)
    assert not again.missed  # they only wait
    assert own.take(rows(*range(1001, 1001 + PAGE)), NOW).missed


def test_a_database_that_begins_anew() -> None:
    own = follower(mark=5000)
    own.restart_at(3)
    assert ids(own.take(rows(4), NOW + 1).events) == [4]
