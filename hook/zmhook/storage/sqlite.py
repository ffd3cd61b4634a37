"""Open SQLite files, bring their tables up to date, replace damaged ones.

State improves a decision and must never prevent one. So nothing here waits for long, a damaged
file is set aside and replaced by an empty one, and whatever else is wrong is a `StateError`: the
caller logs it once and goes on without.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from zmhook.errors import NoState, StateError
from zmhook.storage.corruption import (
    BESIDE,
    Damaged,
    File,
    blaming_schema,
    clear_beside,
    flaw,
    folder_lock,
    identity,
    raising_damaged,
    with_new_file,
)
from zmhook.storage.regular import discard, obstacle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

BUSY = 2.0
"""Seconds to wait for a writer; none here writes for more than some milliseconds."""

MODE = 0o660
"""Of a new file: who came when is for those who run ZoneMinder."""

WAL_BYTES = 8 << 20


class OpenMode(NamedTuple):
    """How a database is opened: for reading alone, for use by `any_thread`, one at a time.

    A `sole_writer` holds the folder's lock already. For it a commit is on the disk when it returns,
    and the whole file is checked first.
    """

    readonly: bool = False
    any_thread: bool = False
    sole_writer: bool = False


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
    with state_errors(path):
        return connect(path, schema, OpenMode(readonly, any_thread))


def connect(path: Path, schema: Sequence[str], mode: OpenMode) -> sqlite3.Connection:
    """Open a database as `open_database` does, but let `OSError` and `sqlite3.Error` through."""
    attempt = partial(_open, path, schema, mode)
    return with_new_file(path, attempt, readonly=mode.readonly, locked=mode.sole_writer)


def use(
    path: str | Path,
    schema: Sequence[str],
    task: Callable[[sqlite3.Connection], T],
    *,
    readonly: bool = False,
) -> T:
    """Open the database, run `task` on it and close it.

    As `open_database`; a file that turns out to be damaged on the way is set aside too, and the
    task runs once more with a new one.
    """
    path = Path(path)

    def attempt() -> T:
        file = identity(path)
        with (
            closing(_open(path, schema, OpenMode(readonly))) as connection,
            raising_damaged(file),
            blaming_schema(connection, schema),
        ):
            return task(connection)

    with state_errors(path):
        return with_new_file(path, attempt, readonly=readonly)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing; the lock is taken at once, so that two never wait for each other."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite roll back of itself
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def state_errors(path: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors into a `StateError` that names the file."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"{path}: {_advice(error)}") from error


def _open(path: Path, schema: Sequence[str], mode: OpenMode) -> sqlite3.Connection:
    _check_files(path, readonly=mode.readonly)
    if not mode.readonly:
        _make(path, schema, locked=mode.sole_writer)
    return _connect(path, schema, mode)


def _check_files(path: Path, *, readonly: bool) -> None:
    """Raise `Damaged` for what cannot be a database, before anything waits for it."""
    file = identity(path)
    if file is None:
        if readonly:
            raise NoState(f"{path}: nothing is recorded there yet")
        return
    if kind := obstacle(path):
        raise Damaged(file, f"{kind} lies in its place")
    if not path.stat().st_size:  # a new file has its tables from the beginning
        raise Damaged(file, "it is empty")
    if not readonly:
        clear_beside(path)
    for suffix in BESIDE:
        if kind := obstacle(path.with_name(path.name + suffix)):
            raise Damaged(file, f"{kind} lies where its {suffix} should be")


def _connect(path: Path, schema: Sequence[str], mode: OpenMode) -> sqlite3.Connection:
    file = identity(path)
    try:
        return _connected(path, schema, mode, file)
    except sqlite3.OperationalError as error:
        if mode.readonly or identity(path) == file:
            raise
        # It had the name a moment ago, and was damaged: the next try finds or makes the new one.
        raise Damaged(file, "another process set it aside") from error


def _connected(
    path: Path, schema: Sequence[str], mode: OpenMode, file: File | None
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        readonly_uri(path) if mode.readonly else f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=not mode.any_thread,
    )
    try:
        with raising_damaged(file):
            if not mode.readonly:
                _set_up(connection, sole_writer=mode.sole_writer)
            _bring_up_to_date(connection, path, schema, readonly=mode.readonly)
            if mode.sole_writer:
                probe(connection, thorough=True)
    except BaseException:
        connection.close()
        raise
    return connection


def check_schema(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Raise `sqlite3.DatabaseError` for a file whose tables are not those of the schema."""
    if problem := flaw(connection, schema):
        raise sqlite3.DatabaseError(f"malformed: {problem}")


def probe(connection: sqlite3.Connection, *, thorough: bool) -> None:
    """Raise `sqlite3.DatabaseError` for a damaged file: check it all, or its tables' ends."""
    if thorough:
        result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise sqlite3.DatabaseError(f"malformed: {result}")
        return
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in connection.execute(tables).fetchall():
        connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()  # noqa: S608 - our names
        with suppress(sqlite3.OperationalError):  # some have no rowid
            last = f'SELECT * FROM "{name}" ORDER BY rowid DESC LIMIT 1'  # noqa: S608
            connection.execute(last).fetchone()


def readonly_uri(path: Path) -> str:
    """Return the URI that opens a database for reading, also in a folder one may not write to."""
    # Without the right to write there, SQLite cannot make the files that it keeps beside a
    # database in use; while nobody has made them, nobody writes, and the file alone is all.
    unused = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if unused else ''}"


# -- a new file ----------------------------------------------------------------------------------


def _make(path: Path, schema: Sequence[str], *, locked: bool) -> None:
    """Make the folder and the file.

    A file gets its tables before its name, so an empty one is known to be damaged.
    """
    if identity(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with nullcontext() if locked else folder_lock(path):
        if identity(path):
            return
        new = path.with_name(f".{path.name}.new")
        for suffix in ("", *BESIDE):  # left by a process that was killed here
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, MODE)
        try:
            os.fchmod(descriptor, MODE)
        finally:
            os.close(descriptor)
        _connect(new, schema, OpenMode()).close()
        # What a deleted one left beside would be taken for the new one's.
        for suffix in BESIDE:
            discard(path.with_name(path.name + suffix))
        new.rename(path)


def _set_up(connection: sqlite3.Connection, *, sole_writer: bool) -> None:
    connection.execute(f"PRAGMA synchronous = {'FULL' if sole_writer else 'NORMAL'}")
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
    version = _check_version(connection, path, schema)
    check_schema(connection, schema[:version])
    if version == len(schema):
        return
    if readonly:
        raise NoState(f"{path}: it is still being made; try again in a moment")
    with transaction(connection):
        version = _check_version(connection, path, schema)
        check_schema(connection, schema[:version])
        for script in schema[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(schema)}")


def user_version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables. Raises `sqlite3.Error`."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _check_version(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> int:
    version = user_version(connection)
    if version < 0:
        raise sqlite3.DatabaseError(f"malformed: its tables have version {version}")
    if version > len(schema):
        raise StateError(
            f"{path}: its tables have version {version}, made by a newer zmhook; this one knows "
            f"{len(schema)}: upgrade zmhook, or name another file"
        )
    return version


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would end the transaction that it is to be part of."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement
            statement = ""


# -- messages --------------------------------------------------------------------------------------


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
