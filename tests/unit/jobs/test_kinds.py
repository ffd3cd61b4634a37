from __future__ import annotations

import pytest

from zmhook.jobs.kinds import KINDS, LANES, LONGEST_PAUSE, kind_of, name_of, number_of
from zmhook.settings import Animation, Notify, Settings


@pytest.mark.parametrize("name", KINDS)
def test_each_job_has_a_function_and_limits(name: str) -> None:
    kind = KINDS[name]
    assert callable(kind.function())
    assert kind.lane in LANES
    assert kind.tries(Settings()) >= 1
    assert 0 < kind.seconds(Settings()) <= 240
    assert kind.age > 0


@pytest.mark.parametrize(
    ("job", "name", "number"),
    [("webhook", "webhook", 0), ("apprise-12", "apprise", 12), ("mqtt-off", "mqtt-off", 0)],
)
def test_a_job_may_have_a_number(job: str, name: str, number: int) -> None:
    assert (name_of(job), number_of(job)) == (name, number)
    assert kind_of(job) is KINDS[name]


def test_one_that_nobody_knows() -> None:
    assert kind_of("carrier-pigeon") is None


def test_a_messages_pauses_double() -> None:
    settings = Settings(notify=Notify(notify_retry_sleep=2, notify_max_tries=20))
    kind = KINDS["webhook"]
    pauses = [kind.wait(settings, tries) for tries in range(1, 21)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert max(pauses) == LONGEST_PAUSE
    assert kind.tries(settings) == 20


def test_a_films_do_not() -> None:
    settings = Settings(animation=Animation(animation_retry_sleep=15, animation_max_tries=3))
    kind = KINDS["animation"]
    assert [kind.wait(settings, tries) for tries in (1, 2)] == [15, 15]
    assert kind.tries(settings) == 3
