"""Who is next, and who must go."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from zmhook.service.queue import FairQueue


async def filled(queue: FairQueue, *tickets):
    for one in tickets:
        queue.put(one)
        await queue.ready(one)
    return tickets


async def taken(queue: FairQueue, count: int) -> list[tuple[int, int]]:
    got = [await queue.get() for _ in range(count)]
    return [(one.monitor_id, one.event.id) for one in got]


def test_monitors_take_turns(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(100)
        storm = [ticket(number, 1) for number in range(5)]
        await filled(queue, *storm, ticket(10, 2), ticket(20, 3), ticket(21, 3))

        assert await taken(queue, 8) == [
            (1, 0), (2, 10), (3, 20), (1, 1), (3, 21), (1, 2), (1, 3), (1, 4),
        ]  # fmt: skip
        assert len(queue) == 0

    soon(run)


def test_a_monitor_that_comes_late_waits_for_one_event_at_most(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(1000)
        await filled(queue, *(ticket(number, 1) for number in range(500)))
        await taken(queue, 3)
        await filled(queue, ticket(7, 2))

        assert (2, 7) in await taken(queue, 2)

    soon(run)


def test_only_what_is_ready_is_taken_in_the_order_of_asking(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(10)
        first, second, third = (ticket(number) for number in range(3))
        for one in (first, second, third):
            queue.put(one)
        await queue.ready(third)
        await queue.ready(second)
        assert await queue.get() is second
        waiting = asyncio.ensure_future(queue.get())
        assert await waiting is third
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        assert not waiting.done()

        await queue.ready(first)

        assert await waiting is first

    soon(run)


def test_each_waiting_worker_gets_an_event(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(10)
        waiting = [asyncio.ensure_future(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        tickets = await filled(queue, ticket(1), ticket(2), ticket(3))

        assert set(await asyncio.gather(*waiting)) == set(tickets)

    soon(run)


def test_a_worker_that_stops_waiting_takes_nothing_with_it(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(10)
        gone, stays = (asyncio.ensure_future(queue.get()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        (only,) = await filled(queue, ticket())

        assert await stays is only

    soon(run)


def test_a_full_queue_refuses_the_newest_of_the_busiest(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(4)
        storm = [ticket(number, 1) for number in range(3)]
        await filled(queue, *storm, ticket(10, 2))

        assert queue.put(ticket(20, 3)) is storm[2]
        assert queue.put(newest := ticket(3, 1)) is newest
        assert queue.depths() == {1: 2, 2: 1, 3: 1}

    soon(run)


def test_the_refused_are_not_taken(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(1)
        first, second = ticket(1), ticket(2)
        queue.put(first)
        assert queue.put(second) is second
        await queue.ready(second)
        await queue.ready(first)

        assert await queue.get() is first
        assert len(queue) == 0

    soon(run)


def test_one_that_is_tried_again_goes_first_and_refuses_nobody(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(2)
        retried = ticket(1)
        await filled(queue, ticket(2), ticket(3))

        assert queue.put(retried, again=True) is None
        await queue.ready(retried)
        assert await queue.get() is retried

    soon(run)


def test_a_place_given_up_is_free(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(2)
        first, second = await filled(queue, ticket(1), ticket(2))
        queue.remove(first)
        queue.remove(first)

        assert queue.put(ticket(3)) is None
        assert await queue.get() is second

    soon(run)


def test_draining_gives_up_every_place(ticket, soon) -> None:
    async def run() -> None:
        queue = FairQueue(9)
        tickets = await filled(queue, ticket(1, 1), ticket(2, 2))

        assert queue.drain() == [*tickets]
        assert len(queue) == 0
        await queue.ready(tickets[0])
        assert len(queue) == 0

    soon(run)


@given(st.lists(st.integers(1, 4), max_size=40))
def test_while_monitors_wait_none_gets_two_turns_more_than_another(
    storm: list[int],
) -> None:
    async def run() -> None:
        queue = FairQueue(100)
        await filled(queue, *(stand_in(number, monitor) for number, monitor in enumerate(storm)))
        turns: Counter[int] = Counter()
        while len(queue):
            waiting = set(queue.depths())
            ((monitor, _),) = await taken(queue, 1)
            turns[monitor] += 1
            counts = [turns[one] for one in waiting]
            assert max(counts) - min(counts) <= 1
        assert turns == Counter(storm)

    asyncio.run(run())


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["put", "ready", "get", "remove"]))))
def test_nothing_is_lost_and_nothing_is_given_twice(steps: list[tuple[int, str]]) -> None:
    """Whatever happens in whatever order, each event is taken, refused, removed or still there."""

    async def run() -> None:
        queue = FairQueue(5)
        here: list[SimpleNamespace] = []
        ready: list[SimpleNamespace] = []
        for number, (monitor, step) in enumerate(steps):
            if step == "put":
                here.append(stand_in(number, monitor))
                refused = queue.put(here[-1])
                if refused:
                    here.remove(refused)
            elif step == "ready" and here:
                ready.append(here[number % len(here)])
                await queue.ready(ready[-1])
            elif step == "get" and (can := [one for one in ready if one in here]):
                got = await asyncio.wait_for(queue.get(), 1)
                assert got in can
                here.remove(got)
            elif step == "remove" and here:
                queue.remove(here.pop(number % len(here)))
            assert len(queue) == len(here) <= 5
        assert sorted(one.event.id for one in queue.drain()) == [one.event.id for one in here]

    asyncio.run(run())


def stand_in(number: int, monitor: int) -> SimpleNamespace:
    """A ticket as the queue sees it."""
    return Ticketlike(monitor_id=monitor, turn=monitor, event=SimpleNamespace(id=number))


class Ticketlike(SimpleNamespace):
    __hash__ = object.__hash__
    __eq__ = object.__eq__
