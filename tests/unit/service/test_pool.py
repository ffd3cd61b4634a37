"""Slots with workers that do what a test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import pytest
from typing_extensions import Self

from zmhook.detection import Decision
from zmhook.errors import InferenceUnavailable
from zmhook.service import pool
from zmhook.service.pool import Pool, Slot
from zmhook.service.queue import FairQueue
from zmhook.service.stats import Stats
from zmhook.service.ticket import InferTicket
from zmhook.service.wire import (
    DecideJob,
    DecideResult,
    FetchedPicture,
    FrameData,
    FrameRequest,
    InferJob,
    InferResult,
    InferTask,
    InputImage,
    LoadModels,
    LogLine,
    Ready,
)
from zmhook.service.worker_process import WorkerDied
from zmhook.settings import Settings, Yolo
from zmhook.settings.model import to_plain


def plain(threads: int) -> dict[str, object]:
    return to_plain(Settings(yolo=Yolo(yolo_threads=threads)))


TASK = InferTask("10.0.0.5", ["yolo"], [InputImage("a", b"x")], {})
READY = Ready(100.0, ["yolo"])


class Pictures:
    """A fetcher that has every picture."""

    def __init__(self) -> None:
        self.lacks_resources = False
        self.begun: list[str] = []

    async def first(self) -> FetchedPicture:
        return FetchedPicture("alarm", "here", b"1")

    async def picture(self, frame_id: str) -> FetchedPicture:
        return FetchedPicture(frame_id, "here", b"2")

    def begin_after(self, frame_id: str) -> None:
        self.begun.append(frame_id)


class FakeWorker:
    """A worker process that follows a script per job: see `Workers.script`."""

    def __init__(self, owner: Workers) -> None:
        self.owner = owner
        self.pid = 1000 + len(owner.made)
        self.sent: list[object] = []
        self.inbox: asyncio.Queue[object] = asyncio.Queue()
        self.has_ended = False
        self.stopped = False
        owner.made.append(self)

    async def start(self) -> None:
        if self.owner.refuse_to_start:
            raise WorkerDied("before it began (no memory)")

    async def send(self, message: object) -> None:
        if self.has_ended:
            raise WorkerDied("by SIGKILL")
        self.sent.append(message)
        if isinstance(message, LoadModels):
            self.inbox.put_nowait(self.owner.prepared)
        elif isinstance(message, DecideJob | InferJob):
            for step in self.owner.next_script(message):
                self.inbox.put_nowait(step)

    async def receive(self) -> object:
        message = await self.inbox.get()
        if isinstance(message, Exception):
            self.has_ended = True
            raise message
        return message

    def kill(self) -> None:
        self.has_ended = True

    async def stop(self) -> None:
        self.has_ended = self.stopped = True


class Workers:
    """Makes the workers. `script` has what each job in turn brings; then they answer."""

    def __init__(self) -> None:
        self.made: list[FakeWorker] = []
        self.script: deque[list[object]] = deque()
        self.prepared: object = READY
        self.refuse_to_start = False

    def __call__(self) -> FakeWorker:
        return FakeWorker(self)

    def next_script(self, job: DecideJob | InferJob) -> list[object]:
        if self.script:
            return self.script.popleft()
        return [DecideResult(Decision(event=job.event, outcome="nothing")), READY]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    workers = Workers()
    monkeypatch.setattr(pool, "WorkerProcess", workers)
    return workers


class Bench:
    """A queue and slots, running."""

    def __init__(self, ticket: Callable, slots: int, **limits: float) -> None:
        self.make = ticket
        self.queue = FairQueue(10)
        self.stats = Stats()
        self.records: list[tuple[LogLine, int | None]] = []
        limits = {"max_rss_mb": 500.0, "idle_unload": 0.0, **limits}
        self.slots = [
            Slot(
                self.queue,
                self.stats,
                self._record,
                lambda: (Settings(), "fingerprint"),
                rank=rank,
                threads=lambda rank=rank: rank + 1,
                **limits,
            )
            for rank in range(slots)
        ]
        self.pool = Pool(self.slots)

    def _record(self, record: LogLine, monitor: int | None) -> None:
        self.records.append((record, monitor))

    async def __aenter__(self) -> Self:
        self.pool.start()
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.finish(1)

    def ticket(self, **more: object):
        one = self.make(**more)
        one.fetcher = Pictures()
        self.queue.put(one)
        return one

    async def decided(self, **more: object) -> Decision:
        one = self.ticket(**more)
        await self.queue.ready(one)
        return await one.result()


@pytest.fixture
def bench(ticket, workers):
    return lambda slots=1, **limits: Bench(ticket, slots, **limits)


def died(how: str = "by SIGSEGV") -> WorkerDied:
    return WorkerDied(how)


def test_a_worker_loads_at_once_and_decides(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            (worker,) = workers.made
            assert worker.sent == [LoadModels(plain(threads=1), "fingerprint")]
            assert (await running.decided()).outcome == "nothing"
            await running.slots[0].idle.wait()
            assert running.slots[0].models == ["yolo"]
            assert running.stats.restarts == 0

    soon(run)


def test_a_further_picture_is_given_and_the_next_begun(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            one = running.ticket()
            answer = DecideResult(Decision(event=one.event, outcome="alarm"))
            workers.script.append([FrameRequest("snapshot"), answer, READY])
            await running.queue.ready(one)
            assert (await one.result()).outcome == "alarm"
            assert FrameData(FetchedPicture("snapshot", "here", b"2")) in workers.made[0].sent
            assert one.fetcher.begun == ["alarm", "snapshot"]

    soon(run)


def test_a_record_goes_to_the_log_of_its_monitor(bench, workers: Workers, soon, until) -> None:
    async def run() -> None:
        async with bench() as running:
            line = LogLine(20, "text", "/a.py", 1)
            workers.script.append([line, READY])
            one = running.ticket(monitor=7)
            await running.queue.ready(one)
            await until(lambda: running.records)
            assert running.records == [(line, 7)]
            one.drop()

    soon(run)


def test_a_crash_is_tried_once_more_in_a_fresh_worker(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script.append([died()])
            assert (await running.decided()).outcome == "nothing"
            assert running.stats.restarts == 1
            assert len(workers.made) == 2
            assert workers.made[0].stopped

    soon(run)


def test_two_crashes_fail_and_say_how(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script += [[died()], [died()]]
            decision = await running.decided()
            assert decision.outcome == "undecided"
            assert decision.errors == ["the model process ended by SIGSEGV, 2 times"]

    soon(run)


def test_the_next_event_after_two_crashes_is_decided(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script += [[died()], [died()]]
            await running.decided()
            assert (await running.decided(number=2)).outcome == "nothing"

    soon(run)


def test_a_crash_after_the_answer_is_not_tried_again(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            one = running.ticket()
            answer = DecideResult(Decision(event=one.event, outcome="alarm"))
            workers.script.append([answer, died()])
            await running.queue.ready(one)
            assert (await one.result()).outcome == "alarm"
            await running.slots[0].idle.wait()
            assert one.tries == 1
            assert len(running.queue) == 0

    soon(run)


def test_a_worker_that_dies_while_it_loads_does_not_hold_the_event_for_long(
    bench, workers: Workers, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slot, "_back_off", lambda _: 0.0)

    async def run() -> None:
        workers.prepared = died()
        async with bench() as running:
            decision = await running.decided()
            assert decision.errors == ["the model process ended by SIGSEGV, 2 times"]
            workers.prepared = READY
            assert (await running.decided(number=2)).outcome == "nothing"

    soon(run)


def test_without_memory_for_a_worker_the_slot_goes_on(
    bench, workers: Workers, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slot, "_back_off", lambda _: 0.0)

    async def run() -> None:
        workers.refuse_to_start = True
        async with bench() as running:
            assert "before it began" in (await running.decided()).errors[0]
            workers.refuse_to_start = False
            assert (await running.decided(number=2)).outcome == "nothing"

    soon(run)


def test_workers_that_were_killed_between_events_cost_no_event(
    bench, workers: Workers, soon
) -> None:
    async def run() -> None:
        async with bench(2) as running:
            for worker in workers.made:
                worker.kill()
            assert (await running.decided()).outcome == "nothing"
            assert (await running.decided(number=2)).outcome == "nothing"
            assert running.stats.restarts >= 1

    soon(run)


def test_a_bug_costs_an_event_but_not_the_slot(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script += [[OverflowError("too big")], [OverflowError("too big")]]
            assert "OverflowError: too big" in (await running.decided()).errors[0]
            assert (await running.decided(number=2)).outcome == "nothing"

    soon(run)


def test_a_worker_that_hangs_is_killed(
    bench, workers: Workers, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "HANG_GRACE", 0.05)

    async def run() -> None:
        async with bench() as running:
            workers.script.append([])
            decision = await running.decided(event_deadline=0.1)
            assert decision.errors == ["no decision after 0.1 s ([general] event_deadline)"]
            assert (await running.decided(number=2)).outcome == "nothing"
            assert workers.made[0].has_ended
            assert running.stats.restarts == 1

    soon(run)


def test_a_worker_that_hangs_while_it_loads_is_killed(
    bench, workers: Workers, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LONGEST_LOAD", 0.05)

    async def run() -> None:
        workers.prepared = None
        monkeypatch.setattr(FakeWorker, "receive", _never_when_none)
        async with bench() as running:
            await asyncio.sleep(0.1)
            assert workers.made[0].has_ended
            workers.prepared = READY
            assert (await running.decided()).outcome == "nothing"

    soon(run)


async def _never_when_none(worker: FakeWorker) -> object:
    message = await worker.inbox.get()
    return message if message is not None else await asyncio.Event().wait()


def test_a_grown_worker_is_replaced_after_its_event(bench, workers: Workers, soon, until) -> None:
    async def run() -> None:
        async with bench(max_rss_mb=200) as running:
            one = running.ticket()
            answer = DecideResult(Decision(event=one.event, outcome="alarm"))
            workers.script.append([answer, Ready(201, [])])
            await running.queue.ready(one)
            assert (await one.result()).outcome == "alarm"
            await until(lambda: len(workers.made) == 2)
            assert workers.made[0].stopped
            assert running.stats.restarts == 1

    soon(run)


def test_idle_workers_give_their_memory_back(bench, workers: Workers, soon, until) -> None:
    async def run() -> None:
        async with bench(idle_unload=0.05) as running:
            await running.decided()
            await until(lambda: running.slots[0].worker is None)
            assert running.slots[0].can_serve
            assert workers.made[0].stopped
            assert (await running.decided(number=2)).outcome == "nothing"
            assert len(workers.made) == 2
            assert running.stats.restarts == 0

    soon(run)


def test_deaths_in_a_row_back_off_within_a_bound(bench) -> None:
    async def run() -> list[float]:
        slot = bench().slots[0]
        waits = []
        for slot._deaths in range(1, 20):
            waits.append(slot._back_off())
            assert not slot.can_serve
        return waits

    waits = asyncio.run(run())
    assert waits[:4] == [0.0, 1.0, 2.0, 4.0]
    assert max(waits) == pool.LONGEST_BACK_OFF


def test_an_event_alone_gets_the_first_slot_and_its_threads(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench(3) as running:
            for number in range(4):
                await running.decided(number=number)
                await asyncio.sleep(0.01)
            jobs = [one for one in workers.made[0].sent if isinstance(one, DecideJob)]
            assert [job.event.id for job in jobs] == [0, 1, 2, 3]
            assert {job.settings["yolo"]["yolo_threads"] for job in jobs} == {1}

    soon(run)


def test_the_end_waits_for_what_runs_and_stops_every_worker(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        running = bench(2)
        async with running:
            one = running.ticket()
            answer = DecideResult(Decision(event=one.event, outcome="alarm"))
            workers.script.append([])
            await running.queue.ready(one)
            await asyncio.sleep(0.01)
            busy = next(worker for worker in workers.made if len(worker.sent) > 1)
            finishing = asyncio.ensure_future(running.pool.finish(5))
            await asyncio.sleep(0.02)
            assert not finishing.done()
            for message in (answer, READY):
                busy.inbox.put_nowait(message)
            await finishing
            assert (await one.result()).outcome == "alarm"
        assert all(worker.has_ended for worker in workers.made)

    soon(run)


def test_the_end_does_not_wait_for_ever(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            one = running.ticket()
            workers.script.append([])
            await running.queue.ready(one)
            await asyncio.sleep(0.01)
            await running.pool.finish(0.05)
            assert workers.made[0].has_ended
            assert one.is_open

    soon(run)


def test_the_end_is_reached_though_a_cancellation_is_lost(
    bench, workers: Workers, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `asyncio.wait_for` loses it when a worker dies at the same moment."""
    monkeypatch.setattr(pool, "CANCEL_AGAIN", 0.05)
    lost = []
    wait = Slot._next

    async def losing(slot: Slot) -> object:
        try:
            return await wait(slot)
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append(slot)
            return await wait(slot)

    monkeypatch.setattr(Slot, "_next", losing)

    async def run() -> None:
        async with bench() as running:
            await running.pool.finish(0.05)
            assert lost == running.slots
            assert all(task.done() for task in running.pool._tasks)
            assert all(worker.has_ended for worker in workers.made)

    soon(run)


def test_a_task_is_tried_once_more_and_then_given_up(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script.extend([[died()], [died()]])
            inference = InferTicket(TASK, Settings(), "fingerprint")
            running.queue.put(inference)
            await running.queue.ready(inference)
            result = await inference.result()
            assert isinstance(result, InferenceUnavailable)
            assert str(result) == "the model process ended by SIGSEGV, 2 times"
            assert (await running.decided()).outcome == "nothing"

    soon(run)


def test_a_task_has_a_result(bench, workers: Workers, soon) -> None:
    async def run() -> None:
        async with bench() as running:
            workers.script.append([InferResult({"yolo": [[]]}), READY])
            inference = InferTicket(TASK, Settings(), "fingerprint")
            running.queue.put(inference)
            await running.queue.ready(inference)
            assert (await inference.result()).results == {"yolo": [[]]}
            told = workers.made[0].sent[-1]
            assert (told.task, told.fingerprint) == (TASK, "fingerprint")

    soon(run)
