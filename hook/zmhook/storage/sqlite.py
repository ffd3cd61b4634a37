"""SQLite files of our own state: opened, brought up to date, set aside when damaged.

State makes answers better and is never the reason that one is missing. So nothing here waits for
long, a file that is damaged is put aside and replaced by an empty one, and whatever else is wrong
is a `StateError`: the caller logs it once and goes on without.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from zmhook.errors import NoState, StateError
from zmhook.storage.corruption import (
    BESIDE,
    Damaged,
    alone,
    clear_beside,
    identity,
    noticed,
    set_aside,
)
from zmhook.storage.regular import obstacle
from zmhook.storage.schema_check import flaw, suspected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

BUSY = 2.0
"""Seconds to wait for a writer; none here writes for more than some milliseconds."""

MODE = 0o660
"""Of a new file: who came when is for those who run ZoneMinder."""

WAL_BYTES = 8 << 20


def open_database(
    path: str | Path, schema: Sequence[str], *, readonly: bool = False, any_thread: bool = False
) -> sqlite3.Connection:
    """Open a database in WAL mode and bring its tables up to date. Close it.

    `schema` is one script for each version of the tables, which leads there from the version
    before; how many were run is the file's `user_version`. Of a script that was released nothing
    but comments may change: a file whose tables are not those that the scripts make is damaged.
    Statements are committed one by one; several belong into a `transaction`. A damaged file is set
    aside, with a warning, and a new one is made. With `any_thread` other threads than this one may
    use it, one at a time.

    Raises `NoState` when there is nothing to read (`readonly`), and `StateError` for a full or
    read-only disk, a file made by a newer zmhook, one that is locked for long, and for a damaged
    one that is only read.
    """
    path = Path(path)
    with told(path):
        return _with_new(
            path,
            lambda: _open(path, schema, readonly=readonly, any_thread=any_thread),
            readonly=readonly,
        )


def use(
    path: str | Path,
    schema: Sequence[str],
    task: Callable[[sqlite3.Connection], T],
    *,
    readonly: bool = False,
) -> T:
    """Open the database, do `task` with it and close it.

    As `open_database`; a file that turns out to be damaged on the way is set aside too, and the
    task done once more with a new one.
    """
    path = Path(path)

    def once() -> T:
        file = identity(path)
        with (
            closing(_open(path, schema, readonly=readonly)) as connection,
            noticed(file),
            suspected(connection, schema),
        ):
            return task(connection)

    with told(path):
        return _with_new(path, once, readonly=readonly)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing; the lock is taken at once, so that two never wait for each other."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors into a `StateError` that names the file."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"{path}: {_advice(error)}") from error


def _open(
    path: Path, schema: Sequence[str], *, readonly: bool, any_thread: bool = False
) -> sqlite3.Connection:
    _look(path, readonly=readonly)
    if not readonly:
        _make(path, schema)
    return _connect(path, schema, readonly=readonly, any_thread=any_thread)


def _look(path: Path, *, readonly: bool) -> None:
    """Raise `Damaged` for what cannot be a database, before anything waits for it."""
    file = identity(path)
    if file is None:
        if readonly:
            raise NoState(f"{path}: nothing is recorded there yet")
        return
    if found := obstacle(path):
        raise Damaged(file, f"{found} lies in its place")
    if not path.stat().st_size:  # a new file has its tables from the beginning
        raise Damaged(file, "it is empty")
    if not readonly:
        clear_beside(path)
    for suffix in BESIDE:
        if found := obstacle(path.with_name(path.name + suffix)):
            raise Damaged(file, f"{found} lies where its {suffix} should be")


def _connect(
    path: Path, schema: Sequence[str], *, readonly: bool = False, any_thread: bool = False
) -> sqlite3.Connection:
    file = identity(path)
    connection = sqlite3.connect(
        _uri(path, readonly=readonly),
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=not any_thread,
    )
    try:
        with noticed(file):
            if not readonly:
                _set_up(connection)
            _bring_up_to_date(connection, path, schema, readonly=readonly)
    except BaseException:
        connection.close()
        raise
    return connection


def sound(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Raise `sqlite3.DatabaseError` for a file whose tables are not those of the schema."""
    if found := flaw(connection, schema):
        raise sqlite3.DatabaseError(f"malformed: {found}")


def probe(connection: sqlite3.Connection, *, thorough: bool) -> None:
    """Raise `sqlite3.DatabaseError` for a damaged file: look at all of it, or at its ends."""
    if thorough:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"malformed: {found}")
        return
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in connection.execute(tables).fetchall():
        connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()  # noqa: S608 - our names
        with suppress(sqlite3.OperationalError):  # some have no rowid
            last = f'SELECT * FROM "{name}" ORDER BY rowid DESC LIMIT 1'  # noqa: S608
            connection.execute(last).fetchone()


def _uri(path: Path, *, readonly: bool) -> str:
    if not readonly:
        return f"file:{quote(str(path))}?mode=rw"
    # Who may not write the folder cannot make the files that SQLite keeps beside one in use;
    # while nobody has made them, nobody writes, and the file alone is all there is.
    unused = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if unused else ''}"


# -- a new file ----------------------------------------------------------------------------------


def _make(path: Path, schema: Sequence[str]) -> None:
    """Make the folder and the file.

    A file has its tables before it has its name, so that an empty one is known to be damaged.
    """
    if identity(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path):
        if identity(path):
            return
        new = path.with_name(f".{path.name}.new")
        for suffix in ("", *BESIDE):  # of one that was killed while it did this
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE)
        try:
            os.fchmod(descriptor, MODE)
        finally:
            os.close(descriptor)
        _connect(new, schema).close()
        # What a deleted one left beside would be taken for the new one's.
        for suffix in BESIDE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        new.rename(path)


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # holds where there are no tables yet
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        # Several open a new file at once: the next one does it. Without WAL it works, only slower.
        if not _is_busy(error):
            raise


def _bring_up_to_date(
    connection: sqlite3.Connection, path: Path, schema: Sequence[str], *, readonly: bool
) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # damage shows here
    found = _check(connection, path, schema)
    sound(connection, schema[:found])
    if found == len(schema):
        return
    if readonly:
        raise NoState(f"{path}: it is still being made; try again in a moment")
    with transaction(connection):
        found = _check(connection, path, schema)
        sound(connection, schema[:found])
        for script in schema[found:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(schema)}")


def _check(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found < 0:
        raise sqlite3.DatabaseError(f"malformed: its tables have version {found}")
    if found > len(schema):
        raise StateError(
            f"{path}: its tables have version {found}, made by a newer zmhook; this one knows "
            f"{len(schema)}: upgrade zmhook, or name another file"
        )
    return found


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would end the transaction that it is to be part of."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement
            statement = ""


# -- a damaged file ------------------------------------------------------------------------------


def _with_new(path: Path, attempt: Callable[[], T], *, readonly: bool) -> T:
    """Do it; with a new file when this one is damaged."""
    try:
        return attempt()
    except Damaged as damage:
        if readonly:
            raise StateError(
                f"{path}: it is damaged ({damage.reason}); the next event sets it aside"
            ) from None
        set_aside(path, damage)
    try:
        return attempt()
    except Damaged as damage:
        raise StateError(
            f"{path}: a new file is damaged too ({damage.reason}): look at the disk"
        ) from None


# -- words ---------------------------------------------------------------------------------------


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error)


def _advice(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        return f"it cannot be read or written ({text})"
    text = str(error)
    if "full" in text:
        return f"the disk is full, nothing was stored: make room ({text})"
    if "readonly" in text or "unable to open" in text:
        return f"it cannot be written to or opened: is it read-only, or another user's? ({text})"
    if _is_busy(error):
        return f"another process kept it locked for {BUSY:g} s ({text})"
    return f"it cannot be read or written ({text})"
