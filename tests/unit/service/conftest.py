"""Tickets, and pictures that come when a test says so."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zmhook.event import Event
from zmhook.service.fetch import Fetcher
from zmhook.service.ticket import Ticket
from zmhook.settings import General, Settings

MakeTicket = Callable[..., Ticket]


@pytest.fixture
def ticket() -> MakeTicket:
    """Make a ticket; only inside a running loop. Its pictures are never asked for."""

    def make(number: int = 1, monitor: int | None = 1, **general: object) -> Ticket:
        settings = Settings(general=General(**general))
        event = Event(id=number, monitor_id=monitor)
        fetcher = Fetcher(event, settings, ["alarm"], ThreadPoolExecutor(1))
        return Ticket(event, settings, "stamp", fetcher)

    return make


@pytest.fixture
def soon() -> Callable[..., object]:
    """Run a coroutine function, which must end within seconds."""
    return lambda make: asyncio.run(asyncio.wait_for(make(), 20))


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something holds, for seconds at most."""

    async def until(holds: Callable[[], object]) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.01)
        pytest.fail("it never came to that")

    return until


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's path may have 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
        yield Path(folder)
