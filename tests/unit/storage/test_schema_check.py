"""A file with sound pages whose tables are not those that its schema makes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from zmhook.describe import cache
from zmhook.detectors.alpr.services import account
from zmhook.history import schema as history
from zmhook.memory import cooldown, past
from zmhook.snapshots.store import schema as snapshots
from zmhook.storage.schema_check import blaming_schema, flaw, insert

SCHEMA = (
    """
    CREATE TABLE things (
        name TEXT,  -- a word
        size INTEGER
    );
    CREATE INDEX things_name ON things (name);
    """,
    "ALTER TABLE things ADD COLUMN colour TEXT;",
)
REPLACED = """
    DROP TABLE things;
    CREATE TABLE things (name TEXT, size INTEGER, colour TEXT, CHECK (0));
    CREATE INDEX things_name ON things (name);
"""
OURS = {
    "history": history.SCHEMA,
    "cooldown": cooldown.SCHEMA,
    "past": past.SCHEMA,
    "gemini": cache.SCHEMA,
    "alpr": account.SCHEMA,
    "snapshots": (snapshots.TABLES,),
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as one:
        for script in SCHEMA:
            one.executescript(script)
        yield one


def test_what_the_schema_makes_is_sound(connection: sqlite3.Connection) -> None:
    assert flaw(connection, SCHEMA) == ""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DROP TABLE things", "the table things is missing"),
        ("DROP INDEX things_name", "the index things_name is missing"),
        ("ALTER TABLE things RENAME TO others", "the table things is missing"),
        ("ALTER TABLE things RENAME COLUMN size TO height", "the table things is another one"),
        ("ALTER TABLE things ADD COLUMN more", "the table things is another one"),
        (
            REPLACED,
            "the table things is another one",
        ),
        ("DROP TABLE things; CREATE VIEW things AS SELECT 1", "the table things is missing"),
        (
            "DROP INDEX things_name; CREATE UNIQUE INDEX things_name ON things (name)",
            "the index things_name is another one",
        ),
        (
            "CREATE TRIGGER x BEFORE INSERT ON things BEGIN SELECT raise(ignore); END",
            "the trigger x does not belong there",
        ),
        ("CREATE UNIQUE INDEX x ON things (size)", "the index x does not belong there"),
        ("CREATE VIEW x AS SELECT * FROM things", "the view x does not belong there"),
    ],
)
def test_what_is_changed_is_named(connection: sqlite3.Connection, sql: str, reason: str) -> None:
    flaw(connection, SCHEMA)
    connection.executescript(sql)
    assert flaw(connection, SCHEMA) == reason


def test_tables_without_a_version(connection: sqlite3.Connection) -> None:
    assert flaw(connection, ()) == "it has tables, but no version"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE others (name TEXT PRIMARY KEY); CREATE INDEX o ON others (name)",
        "ANALYZE",
        "VACUUM",
        "REINDEX",
    ],
)
def test_what_does_no_harm(connection: sqlite3.Connection, sql: str) -> None:
    connection.executescript(sql)
    assert flaw(connection, SCHEMA) == ""


def test_another_comment_or_blank_is_the_same_table(connection: sqlite3.Connection) -> None:
    before = SCHEMA[0].replace("a word", "another word").replace("things (", "things  (\n")
    assert before != SCHEMA[0]
    assert flaw(connection, (before, SCHEMA[1])) == ""


def test_each_version_of_our_schemas_can_be_compared() -> None:
    for schema in OURS.values():
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as one:
            for count, script in enumerate(schema, 1):
                one.executescript(script)
                assert flaw(one, schema[:count]) == ""
            assert flaw(one, ())


def test_an_insert_that_is_ignored_is_damage(connection: sqlite3.Connection) -> None:
    sql = "INSERT INTO things VALUES (?, ?, ?)"
    assert [insert(connection, sql, ["a", 1, ""]) for _ in range(2)] == [1, 2]
    connection.execute("CREATE TRIGGER x BEFORE INSERT ON things BEGIN SELECT raise(ignore); END")
    with pytest.raises(sqlite3.DatabaseError, match="malformed: the inserted row is missing"):
        insert(connection, sql, ["b", 1, ""])


def test_an_error_is_the_tables_fault_only_where_they_are_wrong(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(TypeError), blaming_schema(connection, SCHEMA):
        raise TypeError("a bug")
    connection.execute("DROP TABLE things")
    reason = "malformed: the table things is missing"
    with pytest.raises(sqlite3.DatabaseError, match=reason), blaming_schema(connection, SCHEMA):
        raise TypeError("'NoneType' object is not subscriptable")
