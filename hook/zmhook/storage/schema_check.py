"""Check that a database has the tables, indexes and triggers that its schema makes, no others.

A file with sound pages may still be useless: a table was dropped, a trigger ignores what is
inserted, a column is missing. SQLite itself finds nothing wrong with that.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.storage.corruption import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_REMEMBERED = 32
"""Schemas, and states of files, whose comparison is remembered."""

_ALL = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")


class Part(NamedTuple):
    """A row of `sqlite_master`: a table, an index, a trigger or a view, and its statement."""

    type: str
    name: str
    table: str
    sql: str | None


def flaw(connection: sqlite3.Connection, schema: Sequence[str]) -> str:
    """Return how the file differs from what the scripts of `schema` make; "" when it does not.

    Comments and blanks in a statement make no difference. A table that nobody asked for does no
    harm; whatever else is foreign may keep our statements from doing what they say. Reads
    few rows, so it can run before each use. Raises `sqlite3.Error`.
    """
    return _flaw(tuple(connection.execute(_ALL).fetchall()), tuple(schema))


@contextmanager
def blaming_schema(connection: sqlite3.Connection, schema: Sequence[str]) -> Iterator[None]:
    """When anything fails, check the tables; raise `sqlite3.DatabaseError` if they are at fault.

    Their loss shows in many ways: an error of SQLite, or a result without a row.
    """
    try:
        yield
    except Damaged:
        raise
    except Exception as error:
        _blame(connection, schema, error)
        raise


def insert(connection: sqlite3.Connection, sql: str, row: Sequence[object]) -> int:
    """Insert one row and return its number.

    Raises `sqlite3.DatabaseError`, which counts as damage, when SQLite reports that it is done and
    there is no such row.
    """
    cursor = connection.execute(sql, row)
    if cursor.rowcount != 1 or cursor.lastrowid is None:
        raise sqlite3.DatabaseError("malformed: the inserted row is missing")
    return cursor.lastrowid


def _blame(connection: sqlite3.Connection, schema: Sequence[str], error: Exception) -> None:
    try:
        problem = flaw(connection, schema)
    except sqlite3.Error:
        return  # the first error says more
    if problem:
        raise sqlite3.DatabaseError(f"malformed: {problem}") from error


@lru_cache(MOST_REMEMBERED)
def _flaw(rows: tuple[tuple[str, str, str, str | None], ...], schema: tuple[str, ...]) -> str:
    present, expected = _parts(rows), _made_by(schema)
    for key, part in expected.items():
        if key not in present:
            return f"the {part.type} {part.name} is missing"
        if _plain(present[key].sql) != _plain(part.sql):
            return f"the {part.type} {part.name} is another one"
    tables = {part.table for part in expected.values()}
    for key, part in present.items():
        harmless = part.type == "table" or (part.type == "index" and part.table not in tables)
        if key not in expected and not harmless:
            return f"the {part.type} {part.name} does not belong there"
    return "" if expected or not present else "it has tables, but no version"


@lru_cache(MOST_REMEMBERED)
def _made_by(schema: tuple[str, ...]) -> dict[tuple[str, str], Part]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in schema:
            connection.executescript(script)
        return _parts(connection.execute(_ALL).fetchall())


def _parts(rows: Sequence[tuple[str, str, str, str | None]]) -> dict[tuple[str, str], Part]:
    parts = (Part(*row) for row in rows)
    return {(part.type, part.name): part for part in parts}


def _plain(sql: str | None) -> str:
    return _SPACE.sub("", _COMMENT.sub("", sql or "")).lower()
