from __future__ import annotations

import logging

import pytest

from zmhook.detectors.alpr.services.base import PlateServiceError
from zmhook.detectors.alpr.services.budget import BELIEVED, Budget, Left

NOVEMBER = 1_795_262_400.0  # the 21st, noon
DAY = 86_400.0


class Clock:
    now = NOVEMBER

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path, clock):
    made: list[Budget] = []

    def make(limit: int = 3, account: str = "cloud\0key") -> Budget:
        made.append(Budget(str(tmp_path), account, limit, clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_so_many_a_month_and_no_more(budget, tmp_path):
    one = budget(2)
    one.take()
    one.take()
    with pytest.raises(PlateServiceError, match="2 look-ups are used up") as caught:
        one.take()
    assert caught.value.short == "alpr skipped: no look-ups left"
    assert one.left() == Left(2, 0)
    assert (tmp_path / "cache" / "alpr.sqlite").exists()


def test_it_outlives_the_process_and_accounts_are_counted_apart(budget):
    budget().take()
    assert budget().left() == Left(1, 2)
    assert budget(account="cloud\0other").left() == Left(0, 3)


def test_a_new_month_begins_anew(budget, clock):
    one = budget(1)
    one.take()
    clock.now += 10 * DAY
    one.take()
    assert one.left() == Left(1, 0)


def test_what_was_refused_is_given_back(budget):
    one = budget(1)
    one.take()
    one.give_back()
    one.give_back()
    assert one.left() == Left(0, 1)


def test_no_limit(budget):
    one = budget(0)
    for _ in range(3):
        one.take()
    assert str(one.left()) == "3 questions asked this month"


def test_the_service_is_believed_where_it_says_less(budget):
    one = budget(100)
    one.told(5)
    one.take()
    assert str(one.left()) == "1 questions asked this month, 4 left"
    one.give_back()
    assert one.left() == Left(0, 5)
    one.told(1000)
    assert one.left() == Left(0, 100)
    unlimited = budget(0)
    assert unlimited.left() == Left(0, 1000)


def test_a_service_that_says_none_are_left_is_asked_again_after_a_while(budget, clock):
    one = budget(100)
    one.told(0)
    with pytest.raises(PlateServiceError):
        one.take()
    clock.now += BELIEVED + 1
    one.take()


def test_a_wait_is_kept_to_and_ends(budget, clock):
    budget().hold(
        PlateServiceError("no look-ups left", "they are used up there", until=clock.now + 600)
    )
    with pytest.raises(PlateServiceError, match="not asked again yet: they are used up there"):
        budget().take()
    clock.now += 601
    budget().take()


def test_a_wait_out_of_a_wrong_clock_does_not_count(budget, clock):
    clock.now += 400 * DAY
    budget().hold(PlateServiceError("x", "y", until=clock.now + 600))
    clock.now -= 400 * DAY
    budget().take()


def test_the_log_tells_what_is_left_and_warns_once(budget, caplog):
    caplog.set_level(logging.INFO)
    one = budget(10)
    for _ in range(10):
        one.take()
    levels = [record.levelname for record in caplog.records]
    assert levels.count("WARNING") == 1
    assert caplog.messages[0] == "alpr: 1 questions asked this month, 9 left"
    assert levels[caplog.messages.index("alpr: 9 questions asked this month, 1 left")] == "WARNING"


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path, clock, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    one = Budget(str(tmp_path), "x", 3, clock)
    for _ in range(5):
        one.take()
    assert one.left() == Left(0, 3)
    assert len([one for one in caplog.messages if "questions are not counted" in one]) == 1


def test_no_key_is_in_the_file(budget, tmp_path):
    budget(account="cloud\0hunter2").take()
    assert all(b"hunter2" not in one.read_bytes() for one in (tmp_path / "cache").iterdir())
