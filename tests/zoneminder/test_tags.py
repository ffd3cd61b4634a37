"""Tags in a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zmhook.report.tags import SINCE, write_tags
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.zoneminder


@pytest.fixture
def portal(zm_either, general) -> Iterator[Portal]:
    if zm_either.version < SINCE:
        pytest.skip("optional: this ZoneMinder has no tags")
    portal = Portal(general())
    yield portal
    portal.close()
    zm_either.sql("DELETE FROM Events_Tags; DELETE FROM Tags WHERE Name LIKE 'zmhook %'")


def test_what_can_be_stored_and_what_cannot(
    zm_either, portal, recorded_event, photo, caplog
) -> None:
    event = recorded_event(photo("dog.jpg"))
    letters = [f"zmhook {name}" for name in ("Zoë 5 €", "Łukasz", "x'\"&=%", "妈妈", "dog", "🙂")]
    long = "zmhook " + "é" * 60
    for _ in range(2):
        write_tags(portal, event.id, [*letters, long, letters[0].upper()])
    stored = zm_either.rows(
        "SELECT hex(convert(Name USING utf8mb4)) FROM Tags JOIN Events_Tags ON TagId=Id"
        f" WHERE EventId={event.id} AND Name LIKE 'zmhook %' ORDER BY Id"
    )
    names = [bytes.fromhex(row[0]).decode() for row in stored]
    assert names == [letters[0], letters[2], letters[4], long[:64]]
    assert caplog.text.count("cannot store a tag") == 6
