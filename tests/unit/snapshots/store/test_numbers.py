import sqlite3

import pytest

from zmhook.snapshots.store import numbers, schema


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(schema.TABLES)
    yield connection
    connection.close()


def test_the_highest_of_all_that_is_known_counts(tmp_path, connection):
    assert numbers.first_free(tmp_path, connection, 0) == 0
    assert numbers.first_free(tmp_path, connection, 5) == 5
    assert numbers.first_free(tmp_path, connection, 2) == 5
    (tmp_path / "index").write_text(" 9\n")
    assert numbers.first_free(tmp_path, connection, 2) == 9
    numbers.keep(connection, 11)
    assert numbers.first_free(tmp_path, connection, 2) == 11


@pytest.mark.parametrize(
    ("text", "number", "wrong"),
    [
        ("17", 17, False),
        ("0", 0, False),
        ("", 0, True),
        ("x", 0, True),
        ("-3", 0, True),
        ("9" * 99, 0, True),
    ],
)
def test_the_earlier_counter(tmp_path, text, number, wrong, caplog):
    (tmp_path / "index").write_text(text)
    assert numbers.counter(tmp_path) == number
    assert ("holds no number" in caplog.text) is wrong


def test_without_an_earlier_counter_there_is_none(tmp_path, caplog):
    assert numbers.counter(tmp_path) == 0
    assert not caplog.text
