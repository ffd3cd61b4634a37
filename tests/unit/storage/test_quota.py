"""Requests in windows, waits, and what a service reports itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.describe import cache
from zmhook.detectors.alpr.services import account
from zmhook.errors import ServiceError
from zmhook.storage.quota import BELIEVED, DAY, MINUTE, MONTH, TABLES, Limit, Quota, clock_time
from zmhook.storage.shared_database import FallbackDatabase

NOON = 1_800_000_000.0
"""In January 2027."""


class Error(ServiceError):
    model = "model"


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_quota(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Quota]]:
    databases: list[FallbackDatabase] = []

    def make(*limits: Limit, service: str = "gemini", counted_as: str | None = "") -> Quota:
        databases.append(FallbackDatabase(tmp_path / "cache" / "quota.sqlite", (TABLES,)))
        return Quota(
            databases[-1],
            service,
            limits,
            Error,
            longest_hold=26 * 3600.0,
            counted_as=counted_as,
            clock=clock,
        )

    yield make
    for database in databases:
        database.close()


@pytest.fixture
def budget(make_quota) -> Callable[..., Quota]:
    """Make a quota of two sliding windows, shared by all services."""

    def make(minute: int = 2, day: int = 5, service: str = "gemini") -> Quota:
        return make_quota(
            Limit(minute, MINUTE, f"{minute} a minute are used up", "per_minute is used up"),
            Limit(day, DAY, f"{day} a day are used up", "per_day is used up until {next}"),
            service=service,
        )

    return make


@pytest.fixture
def monthly(make_quota) -> Callable[..., Quota]:
    """Make a quota of a month for one account."""

    def make(most: int = 3, account: str = "cloud") -> Quota:
        limit = Limit(most, MONTH, "no look-ups left", "they are used up")
        return make_quota(limit, service=account, counted_as=None)

    return make


def test_the_window_of_a_minute_slides(budget, clock: Clock) -> None:
    mine = budget()
    mine.take()
    clock.now += 20
    mine.take()
    with pytest.raises(Error) as told:
        mine.take()
    assert told.value.short == "model skipped: 2 a minute are used up"
    assert told.value.until == NOON + 60
    assert told.value.is_own_limit
    clock.now = NOON + 60
    mine.take()
    with pytest.raises(Error) as told:
        mine.take()
    assert told.value.until == NOON + 80


def test_the_day_is_24_hours(budget, clock: Clock) -> None:
    mine = budget(minute=0)
    for _ in range(5):
        clock.now += 60
        mine.take()
    with pytest.raises(Error, match="per_day is used up") as told:
        mine.take()
    assert told.value.until == NOON + 60 + DAY
    clock.now = NOON + 60 + DAY
    mine.take()


def test_no_limit(budget) -> None:
    mine = budget(minute=0, day=0)
    for _ in range(50):
        mine.take()
    assert mine.usage() == ((50, 50), None, "", 0.0)


def test_processes_share_it_and_it_survives_a_restart(budget) -> None:
    budget().take()
    budget(service="another").take()
    with pytest.raises(Error):
        budget().take()


def test_a_limit_that_is_lowered_holds_at_once(budget) -> None:
    for _ in range(4):
        budget(minute=10).take()
    with pytest.raises(Error):
        budget(minute=2).take()


def test_what_the_service_did_not_take_is_given_back(budget) -> None:
    mine = budget(minute=1)
    mine.give_back(mine.take())
    mine.take()
    assert mine.usage().counts[0] == 1


def test_a_wait_holds_for_the_service_that_asked_for_it(budget, clock: Clock) -> None:
    budget().hold(Error("too many requests", "slow down", until=NOON + 29))
    with pytest.raises(Error, match=r"not asked before .*: slow down") as told:
        budget().take()
    assert (told.value.reason, told.value.until) == ("too many requests", NOON + 29)
    assert not told.value.is_own_limit
    assert budget().usage()[2:] == ("slow down", NOON + 29)
    budget(service="at home").take()
    clock.now += 29
    budget().take()
    assert budget().usage()[2:] == ("", 0.0)


def test_a_clock_that_was_wrong_does_not_silence_for_years(budget, clock: Clock) -> None:
    clock.now = NOON + 400 * DAY
    mine = budget(minute=1, day=1)
    mine.take()
    mine.hold(Error("too many requests", "slow down", until=clock.now + DAY))
    clock.now = NOON
    mine.take()
    with pytest.raises(Error):
        mine.take()


def test_no_wait_is_without_end(budget, clock: Clock) -> None:
    mine = budget()
    mine.hold(Error("too many requests", "slow down", until=NOON + 1000 * DAY))
    clock.now += 27 * 3600
    mine.take()


def test_so_many_a_month_and_no_more(monthly, clock: Clock) -> None:
    mine = monthly(2)
    mine.take()
    mine.take()
    with pytest.raises(Error, match="they are used up") as caught:
        mine.take()
    assert caught.value.until == 1_801_440_000  # the first of February
    assert mine.usage()[:2] == ((2,), 0)
    clock.now += 20 * DAY
    mine.take()
    assert mine.usage()[:2] == ((1,), 1)


def test_the_month_after_december_is_january(monthly, clock: Clock) -> None:
    clock.now = NOON - 20 * DAY
    monthly(1).take()
    with pytest.raises(Error) as caught:
        monthly(1).take()
    assert time.gmtime(caught.value.until)[:3] == (2027, 1, 1)


def test_accounts_are_counted_apart(monthly) -> None:
    monthly().take()
    assert monthly().usage().remaining == 2
    assert monthly(account="other").usage().remaining == 3


def test_the_service_is_believed_where_it_says_less(monthly) -> None:
    mine = monthly(100)
    mine.report(5)
    number = mine.take()
    assert mine.usage().remaining == 4
    mine.give_back(number)
    mine.give_back(number)
    assert mine.usage()[:2] == ((0,), 5)
    mine.report(1000)
    assert mine.usage().remaining == 100
    assert monthly(0).usage().remaining == 1000


def test_a_service_that_reports_none_is_asked_again_after_a_while(monthly, clock: Clock) -> None:
    mine = monthly(100)
    mine.report(0)
    with pytest.raises(Error):
        mine.take()
    clock.now += BELIEVED + 1
    mine.take()


def test_a_report_of_last_month_does_not_count(monthly, clock: Clock) -> None:
    mine = monthly(100)
    mine.report(5)
    clock.now += 20 * DAY
    assert mine.usage().remaining == 100


def test_a_time_of_another_day_has_its_date() -> None:
    now = time.time()
    assert clock_time(now) == time.strftime("%H:%M:%S", time.localtime(now))
    later = now + 3 * 86_400
    assert clock_time(later) == time.strftime("%Y-%m-%d %H:%M", time.localtime(later))


def old_file(path: Path, schema: str, *rows: str) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(schema)
        for row in rows:
            database.execute(row)
        database.execute("PRAGMA user_version = 1")
        database.commit()


def test_what_an_earlier_version_counted_for_descriptions_stays(tmp_path: Path) -> None:
    now = time.time()
    path = tmp_path / "cache" / cache.FILE
    old_file(
        path,
        cache.SCHEMA[0],
        f"INSERT INTO asked (at) VALUES ({now}), ({now})",
        f"INSERT INTO held VALUES ('service', {now + 60}, 'slow', 'slow down')",
    )
    limit = Limit(3, DAY, "", "")
    with closing(cache.database_below(str(tmp_path))) as database:
        mine = Quota(database, "service", [limit], Error, longest_hold=DAY, counted_as="")
        assert mine.usage() == ((2,), 1, "slow down", now + 60)


def test_what_an_earlier_version_counted_for_plates_stays(tmp_path: Path) -> None:
    path, now = tmp_path / "cache" / account.FILE, time.time()
    month = time.strftime("%Y-%m", time.gmtime(now))
    old_file(
        path,
        account.SCHEMA[0],
        f"INSERT INTO asked VALUES ('me', '{month}', 700, 1800, {now})",
        "INSERT INTO asked VALUES ('me', '2020-01', 9, NULL, NULL)",
        f"INSERT INTO held VALUES ('me', {now + 60}, 'slow', 'slow down')",
    )
    with closing(FallbackDatabase(path, account.SCHEMA)) as database:
        mine = account.quota_of(database, "me", 2500)
        assert mine.usage() == ((700,), 1800, "slow down", now + 60)
