"""Notes in a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from zmhook.detection import Decision
from zmhook.errors import PortalError
from zmhook.event import Event
from zmhook.report.notes import MAX_BYTES, write_notes
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.zoneminder

FOUND = "[s] detected:person:97% car:88%"


@pytest.fixture
def write(general) -> Iterator[Callable[[int, str], None]]:
    portal = Portal(general())
    yield lambda event_id, text: write_notes(
        Decision(event=Event(id=event_id), outcome="alarm"), text, portal
    )
    portal.close()


@pytest.fixture
def event(zm, recorded_event, photo) -> Iterator[Any]:
    """An event that others look at, too: its notes are ZoneMinder's again in the end."""
    event = recorded_event(photo("dog.jpg"))
    zm.sql(f"UPDATE Events SET Notes='Forced Web: ' WHERE Id={event.id}")
    yield event
    zm.sql(f"UPDATE Events SET Notes='Forced Web: ' WHERE Id={event.id}")


def test_motion_part_stays_and_older_detection_goes(zm_either, event, write) -> None:
    zm_either.sql(f"UPDATE Events SET Notes='Motion: All' WHERE Id={event.id}")
    write(event.id, "[a] detected:dog:50%")
    assert zm_either.notes(event) == "[a] detected:dog:50% Motion: All"
    write(event.id, f'{FOUND} --SPLIT--{{"labels":["person"]}}')
    assert zm_either.notes(event) == f"{FOUND} Motion: All"


def test_notes_that_zoneminder_wrote(zm, write) -> None:
    event = zm.wait_for_motion()
    write(event.id, FOUND)
    assert zm.notes(event) == f"{FOUND} Motion: All"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("detected:Zoë Łukasz 妈妈", "detected:Zoë Łukasz 妈妈"),
        ("detected:Zoë 🙂 Łukasz", "detected:Zoë ? Łukasz"),
        ("detected:a'b\"c\\\\d <b>&amp; 100%;--", "detected:a'b\"c\\\\d <b>&amp; 100%;--"),
    ],
    ids=["unicode", "emoji", "quotes"],
)
def test_any_characters(zm, event, write, text: str, stored: str) -> None:
    zm.sql(f"UPDATE Events SET Notes='Motion: All' WHERE Id={event.id}")
    write(event.id, text)
    saved = zm.sql(f"SELECT hex(Notes) FROM Events WHERE Id={event.id}")
    assert bytes.fromhex(saved).decode() == f"{stored} Motion: All"


def test_more_than_the_column_holds(zm, event, write) -> None:
    zm.sql(f"UPDATE Events SET Notes=concat('Motion: ', repeat('é', 32700)) WHERE Id={event.id}")
    write(event.id, "detected:" + ",".join(f"name{i}" for i in range(100)))
    length = int(zm.sql(f"SELECT length(Notes) FROM Events WHERE Id={event.id}"))
    assert MAX_BYTES - 2 < length <= MAX_BYTES


def test_missing_event(zm, write) -> None:
    with pytest.raises(PortalError, match="does not know event 987654"):
        write(987654, FOUND)
