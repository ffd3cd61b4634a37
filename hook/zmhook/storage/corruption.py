"""Detect a damaged SQLite file, set it aside once, and count it.

A file with sound pages may still be useless: a table was dropped, a trigger ignores what is
inserted, a column is missing. SQLite finds nothing wrong with that, so the tables, indexes and
triggers are compared with those that the schema makes.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
import time
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct

from zmhook.errors import StateError
from zmhook.storage import lock, regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


T = TypeVar("T")

log = logging.getLogger(__name__)

File = tuple[int, int]
"""Device and inode: a new file of the same name is another one."""

MOST_KEPT = 3
"""Damaged files that are kept, the newest ones."""

LONGEST_WAIT = 2.0
"""Seconds to wait for another process that sets the file aside; renaming takes no time."""

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""

COUNT_SUFFIX = ".damage"
"""Ends the name of the file beside the database that holds its `DamageCount`."""

MOST_REMEMBERED = 32
"""Schemas, and states of files, whose comparison is remembered."""

_ALL = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")

_SHORT_READ = 522
"""SQLite's number for a file that ends before it should."""

_BROKEN = {
    getattr(sqlite3, "SQLITE_CORRUPT", 11),  # these names came with Python 3.11
    getattr(sqlite3, "SQLITE_NOTADB", 26),
}


class Damaged(Exception):
    """The file is no usable database; `file` says which one, as `identity` does."""

    def __init__(self, file: File | None, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(reason)


def is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # Python 3.11
    if code is not None:
        return code & 0xFF in _BROKEN or code == _SHORT_READ
    return any(sign in str(error) for sign in ("malformed", "not a database"))


@contextmanager
def raising_damaged(file: File | None) -> Iterator[None]:
    """Turn SQLite's errors about damage into `Damaged`; leave all others."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise Damaged(file, str(error)) from error
        raise


class DamageCount(Struct):
    """How often a database was damaged or deleted, and when and why it was last.

    `file` is the one concerned: whoever has that open need not report it again.
    """

    count: int = 0
    last: float = 0.0
    reason: str = ""
    file: File | None = None


def identity(path: Path) -> File | None:
    """Return which file it is, of a link that leads nowhere which link; None when none is there."""
    status = regular.status(path)
    return (status.st_dev, status.st_ino) if status else None


def damage_count(path: Path) -> DamageCount:
    """Return how often the database was damaged; what cannot be read counts as never."""
    from zmhook.text.bounded_json import Unreadable, decoded

    try:
        return decoded(regular.read(path.with_name(path.name + COUNT_SUFFIX)), DamageCount)
    except (OSError, Unreadable):
        return DamageCount()


def count_loss(path: Path, file: File | None, reason: str) -> None:
    """Log and count that a file in use is gone, unless another process has."""
    with folder_lock(path):
        if damage_count(path).file != file:
            log.warning("%s: %s while it was in use; what was in it is lost", path, reason)
            count(path, file, reason)


def set_aside(path: Path, damage: Damaged, *, locked: bool = False) -> None:
    """Rename the file, unless another process was faster and there is a new one already.

    `locked` says that the caller holds the folder's lock.
    """
    with nullcontext() if locked else folder_lock(path):
        if damage.file is None or identity(path) != damage.file:
            return
        aside = _unused_name(path)
        # What belongs to it goes first: a new file must not find it.
        for suffix in (*BESIDE, ""):
            beside = path.with_name(path.name + suffix)
            if os.path.lexists(beside):
                beside.rename(f"{aside}{suffix}")
        count(path, damage.file, damage.reason)
        log.warning(
            "%s: it is damaged (%s); set aside as %s, going on with a new one",
            path,
            damage.reason,
            aside.name,
        )
        _forget_old(path)


def with_new_file(
    path: Path, attempt: Callable[[], T], *, readonly: bool = False, locked: bool = False
) -> T:
    """Return what `attempt` returns; set a damaged file aside and try once more with a new one.

    Raises `StateError` for a damaged file that is only read, and for a new one that is damaged.
    """
    try:
        return attempt()
    except Damaged as damage:
        if readonly:
            raise StateError(
                f"{path}: it is damaged ({damage.reason}); the next event sets it aside"
            ) from None
        set_aside(path, damage, locked=locked)
    try:
        return attempt()
    except Damaged as damage:
        raise StateError(
            f"{path}: a new file is damaged too ({damage.reason}): look at the disk"
        ) from None


def clear_beside(path: Path) -> None:
    """Set aside whatever is no file where SQLite keeps its own; the database may be sound."""
    for suffix in BESIDE:
        beside = path.with_name(path.name + suffix)
        if obstacle := regular.obstacle(beside):
            aside = _unused_name(path)
            beside.rename(f"{aside}{suffix}")
            log.warning("%s: it is %s; set aside as %s%s", beside, obstacle, aside.name, suffix)


def _unused_name(path: Path) -> Path:
    """Return a name that nothing has, with the time in it."""
    stem = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (stem, *(f"{stem}-{number}" for number in range(1, 1000)))
    for unused in map(path.with_name, names):
        if not any(os.path.lexists(f"{unused}{suffix}") for suffix in ("", *BESIDE)):
            return unused
    return path.with_name(f"{stem}-{os.getpid()}")


def count(path: Path, file: File | None, reason: str) -> None:
    """Count it in the file beside the database; a full disk is no reason to stop."""
    from msgspec import json

    from zmhook.storage import atomic

    new = DamageCount(damage_count(path).count + 1, time.time(), reason, file)
    with suppress(OSError):  # the log has it
        atomic.write(path.with_name(path.name + COUNT_SUFFIX), json.encode(new), 0o660)


@contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Hold the folder of `path`, so that of several processes that meet damage one acts.

    Raises `OSError` when another process holds it for longer than `LONGEST_WAIT`.
    """
    folder = lock.open_folder(path.parent)
    try:
        if not lock.lock_within(folder, LONGEST_WAIT):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path.parent))
        yield
    finally:
        os.close(folder)


def _forget_old(path: Path) -> None:
    aside = f"{path.name}.damaged-"
    mains = sorted(
        (
            file
            for file in path.parent.iterdir()
            if file.name.startswith(aside) and not file.name.endswith(BESIDE)
        ),
        key=lambda file: file.name,
    )
    for main in mains[:-MOST_KEPT]:
        for suffix in (*BESIDE, ""):
            with suppress(OSError):  # a folder is somebody's
                main.with_name(main.name + suffix).unlink(missing_ok=True)


# -- tables that are lost or foreign ---------------------------------------------------------------


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
