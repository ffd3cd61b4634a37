"""An inference request has one result, by its deadline at the latest."""

from __future__ import annotations

import asyncio

import pytest

from zmhook.errors import InferenceUnavailable
from zmhook.service.inference import InferTask, InferTicket
from zmhook.service.wire import InferJob, InferResult, InputImage, Ready
from zmhook.settings import General, Settings

TASK = InferTask("10.0.0.5", ["yolo"], [InputImage("a", b"x")], {"yolo": 0.3})


def ticket(wanted: InferTask = TASK, **general: object) -> InferTicket:
    return InferTicket(wanted, Settings(general=General(**general)), "fingerprint")


def test_the_result_comes_to_whoever_waits(soon) -> None:
    async def run() -> None:
        one = ticket()
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
        one = ticket(event_deadline=30.0)
        await one.prepare()
        message = await one.job({"a": 1})
        assert isinstance(message, InferJob)
        assert 29 < message.seconds <= 30
        assert (message.models, message.min_confidence, message.images) == (
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
        one = ticket(TASK._replace(seconds=seconds), event_deadline=30.0)
        assert least < one.left() <= most
        one.drop()

    soon(run)


def test_at_the_deadline(soon) -> None:
    async def run() -> None:
        one = ticket(TASK._replace(seconds=0.05))
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
        one = ticket()
        one.reject("full") if retry else one.fail("died")
        result = await one.result()
        assert isinstance(result, InferenceUnavailable)
        assert result.retry is retry

    soon(run)
