"""Each event is answered once, by its deadline."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec import structs

from zmhook.detection import Decision
from zmhook.errors import InferenceUnavailable
from zmhook.event import Event
from zmhook.service.ticket import InferTicket
from zmhook.service.wire import FetchedPicture, InferJob, InferResult, InferTask, InputImage, Ready
from zmhook.settings import General, Settings


def test_the_decision_comes_to_whoever_waits(ticket, soon) -> None:
    async def run() -> None:
        one = ticket()
        waiting = asyncio.ensure_future(one.result())
        await asyncio.sleep(0)
        decision = Decision(event=one.event, outcome="nothing")
        one.give(decision)
        one.fail("too late to matter")

        assert await waiting is decision
        assert not one.is_open

    soon(run)


def test_at_the_deadline_it_is_undecided(ticket, soon) -> None:
    async def run() -> None:
        one = ticket(event_deadline=0.05)

        decision = await one.result()

        assert decision.outcome == "undecided"
        assert decision.errors == ["no decision after 0.05 s ([general] event_deadline)"]
        one.give(Decision(event=one.event, outcome="alarm"))
        assert (await one.result()) is decision

    soon(run)


def test_dropped_nobody_waits(ticket, soon) -> None:
    async def run() -> None:
        one = ticket()
        one.drop()

        assert not one.is_open
        await one.closed()
        one.fail("nobody hears")

    soon(run)


def test_closed_does_not_take_the_decision(ticket, soon) -> None:
    async def run() -> None:
        one = ticket()
        closed = asyncio.ensure_future(one.closed())
        await asyncio.sleep(0)
        assert not closed.done()
        one.fail("why")
        await closed

        assert (await one.result()).errors == ["why"]

    soon(run)


def test_what_is_left_ignores_the_wall_clock(ticket, soon, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        one = ticket(event_deadline=30.0)
        monkeypatch.setattr(time, "time", lambda: 0.0)

        assert 27 < one.left() <= 28

    soon(run)


def test_left_is_never_negative(ticket, soon) -> None:
    async def run() -> None:
        one = ticket(event_deadline=0.01)
        one.asked -= 60

        assert one.left() == 0
        assert (await one.result()).outcome == "undecided"

    soon(run)


def decision() -> Decision:
    return Decision.undecided(Event(id=1), "held")


def test_held_until_the_report_is_written(ticket, soon) -> None:
    async def scene() -> None:
        one = ticket()
        one.hold(decision(), 60)
        assert one.is_open
        one.release()
        assert (await one.result()).errors == ["held"]

    soon(scene)


def test_held_no_longer_than_said(ticket, soon) -> None:
    async def scene() -> None:
        one = ticket()
        one.hold(decision(), 0.01)
        assert (await one.result()).errors == ["held"]

    soon(scene)


def test_what_is_held_at_the_deadline_is_the_decision(ticket, soon) -> None:
    async def scene() -> None:
        one = ticket(event_deadline=0.05)
        one.hold(decision(), 60)
        assert (await one.result()).errors == ["held"]

    soon(scene)


def test_nothing_held_nothing_released(ticket, soon) -> None:
    async def scene() -> None:
        one = ticket()
        one.release()
        assert one.is_open
        one.drop()

    soon(scene)


def test_the_times_before_a_worker_had_it_are_added(ticket, soon, monkeypatch) -> None:
    async def scene() -> None:
        async def first() -> FetchedPicture:
            return FetchedPicture("alarm", data=b"1")

        one = ticket()
        monkeypatch.setattr(one.fetcher, "first", first)
        one.fetcher.first_took = 0.01
        one.asked -= 0.05
        await one.job({})
        timings = one.timed(
            structs.replace(decision(), timings={"fetch": 1.0, "total": 5.0})
        ).timings
        assert timings["fetch"] == 11.0
        assert timings["queue"] >= 40.0
        assert timings["total"] == pytest.approx(5 + 10 + timings["queue"], abs=0.1)
        one.drop()

    soon(scene)


def test_what_no_worker_had_was_not_queued_for_one(ticket, soon) -> None:
    async def scene() -> None:
        one = ticket()
        assert one.timed(decision()).timings == {"fetch": 0.0, "queue": 0.0, "total": 0.0}
        one.drop()

    soon(scene)


TASK = InferTask("10.0.0.5", ["yolo"], [InputImage("a", b"x")], {"yolo": 0.3})


def infer_ticket(wanted: InferTask = TASK, **general: object) -> InferTicket:
    return InferTicket(wanted, Settings(general=General(**general)), "fingerprint")


def test_the_result_comes_to_whoever_waits(soon) -> None:
    async def run() -> None:
        one = infer_ticket()
        waiting = asyncio.ensure_future(one.result())
        await asyncio.sleep(0)
        assert await one.receive(Ready(1.0, [])) is None
        assert one.is_open
        await one.receive(InferResult(timings={"yolo": 1.0}))
        await one.receive(InferResult())
        one.fail("too late")
        assert (await waiting).timings == {"yolo": 1.0}
        assert not one.is_open

    soon(run)


def test_what_a_worker_is_told(soon) -> None:
    async def run() -> None:
        one = infer_ticket(event_deadline=30.0)
        await one.prepare()
        message = await one.job({"a": 1})
        assert isinstance(message, InferJob)
        assert 29 < message.seconds <= 30
        assert (message.task.models, message.task.min_confidence, message.task.images) == (
            ["yolo"],
            {"yolo": 0.3},
            [InputImage("a", b"x")],
        )
        one.release()
        assert one.is_open
        assert str(one) == "1 picture for 10.0.0.5"
        assert (one.turn, one.monitor_id) == ("10.0.0.5", None)
        one.drop()
        assert not one.is_open

    soon(run)


@pytest.mark.parametrize(("seconds", "least", "most"), [(5.0, 4, 5), (0.0, 29, 30), (99.0, 29, 30)])
def test_no_longer_than_either_side_says(soon, seconds: float, least: int, most: int) -> None:
    async def run() -> None:
        one = infer_ticket(structs.replace(TASK, seconds=seconds), event_deadline=30.0)
        assert least < one.left() <= most
        one.drop()

    soon(run)


def test_at_the_deadline(soon) -> None:
    async def run() -> None:
        one = infer_ticket(structs.replace(TASK, seconds=0.05))
        result = await one.result()
        assert isinstance(result, InferenceUnavailable)
        assert str(result) == "no result within 0.05 s"
        assert result.retry
        assert not one.is_open
        assert one.left() == 0

    soon(run)


@pytest.mark.parametrize("retry", [True, False])
def test_why_not(soon, retry: bool) -> None:
    async def run() -> None:
        one = infer_ticket()
        one.reject("full") if retry else one.fail("died")
        result = await one.result()
        assert isinstance(result, InferenceUnavailable)
        assert result.retry is retry

    soon(run)
