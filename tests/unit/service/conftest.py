"""Tickets, and pictures that come when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from zmhook.event import Event
from zmhook.service.fetch import Fetcher
from zmhook.service.ticket import EventTicket
from zmhook.settings import General, Settings

MakeTicket = Callable[..., EventTicket]


@pytest.fixture
def ticket() -> MakeTicket:
    """Make a ticket; only inside a running loop. Its pictures are never asked for."""

    def make(number: int = 1, monitor: int | None = 1, **general: object) -> EventTicket:
        settings = Settings(general=General(**general))
        event = Event(id=number, monitor_id=monitor)
        fetcher = Fetcher(event, settings, ["alarm"], ThreadPoolExecutor(1))
        return EventTicket(event, settings, "fingerprint", fetcher)

    return make
