from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.describe.cache import LONGEST, Cache, CachedAnswer, database_below, key_of
from zmhook.describe.description import Description
from zmhook.storage.shared_database import FallbackDatabase

VAN = CachedAnswer(
    Description(
        label="van",
        description="A van.",
        confidence=0.9,
        alarm="no",
        attributes={"make": "Ford"},
        box=(0.1, 0.2, 0.3, 0.4),
        model="m",
    )
)
BLOCKED = CachedAnswer(short="blocked", message="the answer is blocked")


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(tmp_path: Path):
    made = database_below(str(tmp_path))
    yield made
    made.close()


@pytest.mark.parametrize("answer", [VAN, BLOCKED])
def test_an_answer_comes_back_as_it_was(database: FallbackDatabase, answer: CachedAnswer) -> None:
    Cache(database).put("key", answer)
    database.close()
    assert Cache(database).get("key") == answer
    assert Cache(database).get("other") is None


def test_it_is_bounded_in_number_and_age(database: FallbackDatabase) -> None:
    clock = Clock()
    cache = Cache(database, clock, most=3)
    for key in "abcde":
        clock.now += 1
        cache.put(key, VAN)
    assert [key for key in "abcde" if cache.get(key)] == ["c", "d", "e"]
    clock.now += LONGEST
    assert cache.get("e") is None
    cache.put("f", VAN)
    rows = database.run(lambda one: one.execute("SELECT key FROM answers").fetchall())
    assert rows == [("f",)]


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"description": {"label": 1}}'])
def test_one_that_cannot_be_read_is_none(database: FallbackDatabase, data: bytes) -> None:
    database.run(lambda one: one.execute("INSERT INTO answers VALUES ('key', 1e12, ?)", (data,)))
    assert Cache(database).get("key") is None


def test_picture_question_and_service_make_the_key() -> None:
    keys = {
        key_of(b"a", "q", "s"),
        key_of(b"b", "q", "s"),
        key_of(b"a", "p", "s"),
        key_of(b"a", "q", "t"),
        key_of(b"a", "q\ud800", "s"),
    }
    assert len(keys) == 5
    assert key_of(b"a", "q", "s") == key_of(b"a", "q", "s")
