"""Admitting, refusing, dropping and ending; the workers are a test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.deadline import waited
from zmhook.detection import Decision
from zmhook.errors import FrameUnavailable, InferenceUnavailable
from zmhook.event import Event
from zmhook.frames import sources
from zmhook.net.http_connection import CloseConnection
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.paths import patience_path, silence_of
from zmhook.service.supervisor import Supervisor
from zmhook.service.ticket import InferTicket
from zmhook.service.wire import DecideResult, InferResult, InferTask, InputImage

Make = Callable[..., Supervisor]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a supervisor, inside a loop: its workers never start, its events have no picture."""
    path = tmp_path / "o.ini"

    def nowhere(*_: object, **__: object) -> None:
        raise FrameUnavailable("there is none")

    monkeypatch.setattr(sources, "open_source", nowhere)

    def make(service: str = "", general: str = "") -> Supervisor:
        path.write_text(f"[general]\n{general}\n[service]\nservice_workers = 1\n{service}\n")
        return Supervisor(ConfigWatch(str(path)), lambda *_: None)

    return make


def event(number: int = 1, monitor: int = 1) -> Event:
    return Event(id=number, monitor_id=monitor)


async def one_decided(supervisor: Supervisor) -> None:
    """Be the worker for one event."""
    ticket = await supervisor.queue.get()
    ticket.give(Decision(event=ticket.event, outcome="nothing", timings={"yolo": 1.0}))


def test_a_decision_is_returned_with_its_settings(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make(general="[monitor-2]\nevent_deadline = 9")
        asked = asyncio.ensure_future(supervisor.decide(event(monitor=2)))
        await one_decided(supervisor)
        decision, settings = await asked
        assert decision.outcome == "nothing"
        assert settings.general.event_deadline == 9
        assert supervisor.stats.outcomes == {"nothing": 1}
        assert not supervisor._open
        await supervisor.finish(0)

    soon(run)


async def failed(supervisor: Supervisor, *, for_want: bool) -> None:
    """Be the worker for one event that it cannot decide."""
    ticket = await supervisor.queue.get()
    undecided = Decision.undecided(ticket.event, "alarm: cannot be read")
    await ticket.receive(DecideResult(undecided, lacks_resources=for_want))
    ticket.release()


def test_where_the_service_has_nothing_left_the_hook_decides(
    make: Make, soon, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        supervisor = make()
        asked = asyncio.ensure_future(supervisor.decide(event()))
        await failed(supervisor, for_want=True)
        with pytest.raises(CloseConnection):
            await asked
        assert "event 1 of monitor 1: left to the hook: alarm: cannot be read" in caplog.text
        asked = asyncio.ensure_future(supervisor.decide(event()))
        await failed(supervisor, for_want=False)
        assert (await asked)[0].outcome == "undecided"
        await supervisor.finish(0)

    soon(run)


def test_at_its_deadline_a_waiting_event_is_answered_and_gives_up_its_place(
    make: Make, soon
) -> None:
    async def run() -> None:
        supervisor = make(general="event_deadline = 0.1")
        decision, _ = await supervisor.decide(event())
        assert decision.errors == ["no decision after 0.1 s ([general] event_deadline)"]
        assert len(supervisor.queue) == 0
        assert supervisor.stats.last_errors["1"]["error"] == decision.errors[0]
        await supervisor.finish(0)

    soon(run)


def test_a_full_queue_refuses_the_busiest_and_counts(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("service_queue = 2")
        asked = [
            asyncio.ensure_future(supervisor.decide(event(number, monitor)))
            for number, monitor in ((1, 1), (2, 1), (3, 2))
        ]
        refused, _ = await asked[1]
        assert refused.outcome == "undecided"
        assert refused.errors == ["refused: 2 events wait already ([service] service_queue)"]
        assert supervisor.stats.refused == 1
        for _ in range(2):
            await one_decided(supervisor)
        assert [(await one)[0].outcome for one in asked] == ["nothing", "undecided", "nothing"]
        await supervisor.finish(0)

    soon(run)


def test_the_pictures_of_a_refused_event_are_not_fetched(
    make: Make, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    monkeypatch.setattr(sources, "open_source", lambda one, *_, **__: fetched.append(one.id))

    async def run() -> None:
        supervisor = make("service_queue = 1")
        asked = [asyncio.ensure_future(supervisor.decide(event(number))) for number in range(5)]
        await one_decided(supervisor)
        await asyncio.gather(*asked)
        await supervisor.finish(0)

    soon(run)
    assert fetched == [0]


def test_who_leaves_is_dropped(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        asked = asyncio.ensure_future(supervisor.decide(event()))
        while not len(supervisor.queue):  # noqa: ASYNC110 - an event of its own would be more than this
            await asyncio.sleep(0.005)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert len(supervisor.queue) == 0
        assert supervisor.stats.dropped == 1
        assert supervisor.stats.outcomes == {}
        assert not supervisor._open
        await supervisor.finish(0)

    soon(run)


def test_the_end_answers_everybody(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        asked = [asyncio.ensure_future(supervisor.decide(event(number))) for number in range(3)]
        taken = await supervisor.queue.get()
        await supervisor.finish(0)
        errors = [(await one)[0].errors[0] for one in asked]
        assert errors[taken.event.id] == "the service was stopped"
        assert errors.count("the service was stopped before the event's turn came") == 2
        with pytest.raises(CloseConnection):
            await supervisor.decide(event(9))

    soon(run)


def test_a_replaced_package_sends_callers_elsewhere(
    make: Make, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        supervisor = make()
        monkeypatch.setattr(supervisor.code, "has_changed", lambda: True)
        with pytest.raises(CloseConnection):
            await supervisor.decide(event())
        assert supervisor.stopping.is_set()
        assert not supervisor.is_ready()
        await supervisor.finish(0)

    soon(run)


def why(supervisor: Supervisor, *, there: bool = True, permanent: bool = False) -> str:
    return supervisor._why_end(Path("/s"), lambda: there, permanent=permanent)


def test_when_it_ends(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("service_idle_exit = 60")
        assert why(supervisor) == ""
        assert why(supervisor, there=False) == "/s has been removed"
        supervisor.last_asked -= 61
        assert why(supervisor) == "no event for 60 s"
        assert why(supervisor, permanent=True) == ""
        await supervisor.finish(0)

    soon(run)


def test_idle_for_ever_when_told_so(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("service_idle_exit = 0")
        supervisor.last_asked -= 1e9
        assert why(supervisor) == ""
        await supervisor.finish(0)

    soon(run)


def test_an_event_under_way_is_not_idleness(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("service_idle_exit = 60")
        asked = asyncio.ensure_future(supervisor.decide(event()))
        await asyncio.sleep(0)
        supervisor.last_asked -= 3600
        assert why(supervisor) == ""
        await one_decided(supervisor)
        await asked
        assert why(supervisor) == ""
        await supervisor.finish(0)

    soon(run)


@pytest.mark.parametrize("jump", [-3600, 3600, 10**9])
def test_a_jump_of_the_clock_changes_nothing(
    make: Make, soon, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    now = time.time()

    async def run() -> None:
        supervisor = make("service_idle_exit = 60", "event_deadline = 30")
        asked = asyncio.ensure_future(supervisor.decide(event()))
        await asyncio.sleep(0)
        monkeypatch.setattr(time, "time", lambda: now + jump)
        await one_decided(supervisor)
        assert (await asked)[0].outcome == "nothing"
        assert why(supervisor) == ""
        assert 0 <= supervisor.stats.uptime() < 30
        assert supervisor.stats.stages()["whole"]["p95"] < 30_000
        await supervisor.finish(0)

    soon(run)


@pytest.mark.parametrize(("shortest", "silence"), [(60, 3), (30, 3), (7, 0.88), (1, 0.5)])
def test_hooks_are_told_how_long_to_wait(
    make: Make, soon, short: Path, shortest: int, silence: float
) -> None:
    """For an answer, and for a sign of life: what is left must do for deciding without us."""

    async def run() -> None:
        supervisor = make(general=f"event_deadline = {shortest}\n[monitor-4]\nevent_deadline = 90")
        waiting = asyncio.ensure_future(
            supervisor.until_stopped(short / "o.sock", lambda: True, is_permanent=lambda: True)
        )
        await asyncio.sleep(0.05)
        usual = f"{waited(shortest):.3f} {silence:.3f}"
        assert patience_path(short / "o.sock").read_text() == f"{usual} 4={waited(90):.3f}\n"
        assert silence_of(short / "o.sock") == silence
        assert supervisor.beat() <= silence / 3
        supervisor.stopping.set()
        await waiting
        await supervisor.finish(0)

    soon(run)


TASK = InferTask("10.0.0.5", ["yolo"], [InputImage("a", b"x")], {})


async def run_one_task(supervisor: Supervisor, result: InferResult) -> InferTicket:
    """Be the worker for one task."""
    ticket = await supervisor.queue.get()
    await ticket.receive(result)
    return ticket


def test_a_task_takes_its_turn(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        asked = asyncio.ensure_future(supervisor.infer(TASK))
        await run_one_task(supervisor, InferResult(timings={"yolo": 1.0}))
        assert (await asked).timings == {"yolo": 1.0}
        assert supervisor.stats.inference_requests == {"answered": 1}
        assert supervisor.stats.stages()["infer"]["events"] == 1
        assert supervisor.stats.outcomes == {}
        assert not supervisor._open
        await supervisor.finish(0)

    soon(run)


def test_machines_and_monitors_take_turns(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        tasks = [
            asyncio.ensure_future(supervisor.infer(structs.replace(TASK, client=machine)))
            for machine in ("a", "a", "a", "b")
        ]
        asked = asyncio.ensure_future(supervisor.decide(event(1, 7)))
        await asyncio.sleep(0.05)
        turns = []
        for _ in range(5):
            ticket = await supervisor.queue.get()
            turns.append(ticket.turn)
            ticket.fail("enough")
        assert set(turns[:3]) == {"a", "b", 7}
        assert turns[3:] == ["a", "a"]
        await asked
        assert all(isinstance(one.exception(), InferenceUnavailable) for one in tasks)
        await supervisor.finish(0)

    soon(run)


def test_a_task_that_finds_no_room_is_told_to_come_again(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("service_queue = 2")
        tasks = [asyncio.ensure_future(supervisor.infer(TASK)) for _ in range(3)]
        with pytest.raises(InferenceUnavailable, match="refused: 2 events wait") as error:
            await tasks[2]
        assert error.value.retry
        assert (supervisor.stats.refused, supervisor.stats.inference_requests) == (1, {"failed": 1})
        for _ in range(2):
            await run_one_task(supervisor, InferResult(refused="damaged"))
        await asyncio.gather(*tasks[:2])
        assert supervisor.stats.inference_requests == {"failed": 1, "refused": 2}
        await supervisor.finish(0)

    soon(run)


def test_a_task_nobody_waits_for_is_dropped(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        inference = asyncio.ensure_future(supervisor.infer(TASK))
        await asyncio.sleep(0.02)
        assert len(supervisor.queue) == 1
        assert supervisor.busy == 1.0
        inference.cancel()
        with pytest.raises(asyncio.CancelledError):
            await inference
        assert len(supervisor.queue) == 0
        assert supervisor.stats.dropped == 1
        await supervisor.finish(0)

    soon(run)


def test_the_end_rejects_tasks(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make()
        inference = asyncio.ensure_future(supervisor.infer(TASK))
        await asyncio.sleep(0.02)
        await supervisor.finish(0)
        with pytest.raises(InferenceUnavailable, match="stopped"):
            await inference
        with pytest.raises(InferenceUnavailable, match="ending"):
            await supervisor.infer(TASK)

    soon(run)


def test_who_is_asked_asks_nobody_else(make: Make, soon) -> None:
    async def run() -> None:
        supervisor = make("[remote]\nml_gateway = http://10.0.0.9:5000")
        inference = asyncio.ensure_future(supervisor.infer(TASK))
        ticket = await run_one_task(supervisor, InferResult())
        assert ticket.settings.remote.ml_gateway == ()
        await inference
        await supervisor.finish(0)

    soon(run)


def test_what_needs_a_restart_is_told(tmp_path: Path, soon) -> None:
    path = tmp_path / "o.ini"
    path.write_text("[service]\nservice_workers = 1\n")

    async def run() -> None:
        supervisor = Supervisor(ConfigWatch(str(path)), lambda *_: None)
        assert supervisor.problems() == []
        path.write_text("[service]\nservice_workers = 3\nservice_queue = 7\nservice_threads = 2\n")
        (line,) = supervisor.problems()
        assert line.startswith("[service] service_workers, service_queue: changed")
        assert "zmhook service restart" in line
        await supervisor.finish(0)

    soon(run)
