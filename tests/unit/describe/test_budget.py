from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.describe.budget import DAY, Budget
from zmhook.describe.cache import Database
from zmhook.describe.description_error import DescriptionError
from zmhook.settings import Gemini

NOON = 1_800_000_000.0


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path: Path, clock: Clock):
    made: list[Database] = []

    def make(minute: int = 2, day: int = 5, service: str = "gemini") -> Budget:
        made.append(Database.below(str(tmp_path)))
        limits = Gemini(gemini_per_minute=minute, gemini_per_day=day)
        return Budget(made[-1], limits, service, clock)

    yield make
    for database in made:
        database.close()


def test_the_window_of_a_minute_slides(budget, clock: Clock) -> None:
    mine = budget()
    mine.take()
    clock.now += 20
    mine.take()
    with pytest.raises(DescriptionError) as told:
        mine.take()
    assert told.value.short == "gemini skipped: 2 a minute are used up"
    assert told.value.until == NOON + 60
    assert told.value.is_own_limit
    clock.now = NOON + 60
    mine.take()
    with pytest.raises(DescriptionError) as told:
        mine.take()
    assert told.value.until == NOON + 80


def test_the_day_is_24_hours(budget, clock: Clock) -> None:
    mine = budget(minute=0)
    for _ in range(5):
        clock.now += 60
        mine.take()
    with pytest.raises(DescriptionError, match="gemini_per_day = 5 is used up") as told:
        mine.take()
    assert told.value.until == NOON + 60 + DAY
    clock.now = NOON + 60 + DAY
    mine.take()


def test_no_limit(budget) -> None:
    mine = budget(minute=0, day=0)
    for _ in range(50):
        mine.take()
    assert mine.left()[:4] == (50, 50, 0, 0)


def test_processes_share_it_and_it_survives_a_restart(budget) -> None:
    budget().take()
    budget(service="another").take()
    with pytest.raises(DescriptionError):
        budget().take()


def test_a_limit_that_is_lowered_holds_at_once(budget) -> None:
    for _ in range(4):
        budget(minute=10).take()
    with pytest.raises(DescriptionError):
        budget(minute=2).take()


def test_what_the_service_did_not_take_is_given_back(budget) -> None:
    mine = budget(minute=1)
    mine.give_back(mine.take())
    mine.take()
    assert mine.left().minute == 1


def test_a_wait_holds_for_the_service_that_asked_for_it(budget, clock: Clock) -> None:
    budget().hold(DescriptionError("too many questions", "slow down", until=NOON + 29))
    with pytest.raises(DescriptionError, match=r"not asked before .*: slow down") as told:
        budget().take()
    assert (told.value.reason, told.value.until) == ("too many questions", NOON + 29)
    assert not told.value.is_own_limit
    assert budget().left()[4:] == ("slow down", NOON + 29)
    budget(service="at home").take()
    clock.now += 29
    budget().take()
    assert budget().left()[4:] == ("", 0.0)


def test_a_clock_that_was_wrong_does_not_silence_for_years(budget, clock: Clock) -> None:
    clock.now = NOON + 400 * DAY
    mine = budget(minute=1, day=1)
    mine.take()
    mine.hold(DescriptionError("too many questions", "slow down", until=clock.now + DAY))
    clock.now = NOON
    mine.take()
    with pytest.raises(DescriptionError):
        mine.take()


def test_no_wait_is_without_end(budget, clock: Clock) -> None:
    mine = budget()
    mine.hold(DescriptionError("too many questions", "slow down", until=NOON + 1000 * DAY))
    clock.now += 27 * 3600
    mine.take()
