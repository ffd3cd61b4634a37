"""Reconcile the index with the pictures after a kill, a loss, or an earlier script.

A picture without a row gets one: from its JSON line, or, where there is none (a picture of the
earlier script), from the file. A row without a picture is deleted: somebody removed the picture.
"""

from __future__ import annotations

import hashlib
import logging
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.image.header import MAX_BYTES, read_header
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store import files, layout, records, schema
from zmhook.snapshots.store.rows import FILE_ONLY
from zmhook.storage.regular import UNUSABLE, discard, read, reading
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from zmhook.snapshots.store.records import JsonLines

PER_COMMIT = 100
LONGEST_COUNTER = 32

log = logging.getLogger(__name__)


class Reconciled(NamedTuple):
    """What was done, and what is left to do.

    `strays` are pictures, below the store's folder, whose number another one has or that lie in
    another number's folder; `empty` are folders without pictures; `behind` is the first number
    that no picture has.
    """

    adopted: int
    dropped: int
    strays: list[str]
    empty: list[str]
    behind: int


def reconcile(folder: Path, connection: sqlite3.Connection, writer: JsonLines) -> Reconciled:
    """Give each picture its row, and drop the rows without one. Raises `OSError` and SQLite's.

    One commit a folder, so that what is done is done when this is ended half way.
    """
    known = dict[int, str](connection.execute("SELECT number, file FROM snapshots"))
    strays: list[str] = []
    foreign: list[int] = []
    empty: list[str] = []
    adopted, highest = 0, max(known, default=-1)
    for name in layout.folders(folder):
        try:
            here = _pictures(folder, name, known, strays, foreign)
        except PermissionError as error:
            highest = max(highest, _skip(name, known, error))
            continue
        if not here:
            empty.append(name)
        highest = max(highest, max(here, default=-1))
        new = {number: file for number, file in here.items() if known.pop(number, "") != file}
        if new:
            _put(connection, _rows(folder, name, new, writer))
            adopted += len(new)
    _drop(connection, known)
    return Reconciled(adopted, len(known), strays, empty, max(highest, *foreign, -1) + 1)


def move(
    folder: Path, connection: sqlite3.Connection, writer: JsonLines, strays: list[str], number: int
) -> int:
    """Give strays numbers of their own, from `number` on; return the first that is left.

    The earlier script kept its counter only when it ended well, so it gave numbers out twice.
    """
    for begin in range(0, len(strays), PER_COMMIT):
        rows = []
        for stray in strays[begin : begin + PER_COMMIT]:
            try:
                rows.append(_move(folder, stray, number))
            except OSError as error:
                if error.errno not in UNUSABLE:
                    raise
                log.warning("%s: it is left out: %s", folder / stray, error.strerror)
                continue
            number += 1
        writer.append(rows, durable=True)
        schema.put_next_number(connection, number)
        _put(connection, rows)
    return number


def first_free(folder: Path, connection: sqlite3.Connection, behind_files: int) -> int:
    """Return the number to go on with, and store it: it only grows, whatever is deleted or lost.

    It is behind all pictures (`behind_files`), all that the index knows of, the earlier script's
    counter, and, in an index that was just made, all JSON lines.
    """
    stored = schema.next_number(connection)
    known = records.highest(folder) + 1 if stored is None else stored
    number = max(known, behind_files, legacy_counter(folder))
    if number != stored:
        schema.put_next_number(connection, number)
    return number


def legacy_counter(folder: Path) -> int:
    """Return the next number by the earlier script's text file; 0 without a number in it."""
    try:
        with reading(folder / layout.COUNTER, follow=True) as file:
            text = file.read(LONGEST_COUNTER)
        number = int(text)
    except FileNotFoundError:
        return 0
    except ValueError:
        number = -1
    if 0 <= number < layout.HIGHEST:
        return number
    log.warning(
        "%s holds no number: the pictures alone say which comes next", folder / layout.COUNTER
    )
    return 0


def _skip(name: str, known: dict[int, str], error: OSError) -> int:
    """Leave a folder that may not be read as it is; return the highest number that it can have."""
    log.warning("%s: cannot be read (%s): its pictures stay as they are", name, error)
    for number in [number for number, file in known.items() if file.startswith(f"{name}/")]:
        del known[number]
    return (int(name) + 1) * layout.PER_FOLDER - 1


def _pictures(
    folder: Path, name: str, known: dict[int, str], strays: list[str], foreign: list[int]
) -> dict[int, str]:
    """Return a folder's pictures by number; add to `strays`; remove what was never finished.

    `foreign` gets the numbers of what has a picture's name and is no file.
    """
    here: dict[int, str] = {}
    for file in layout.names(folder / name):
        path = f"{name}/{file}"
        if layout.is_temporary(file):
            with suppress(OSError):
                discard(folder / path)
        elif (parts := layout.read_name(file)) is None:
            continue
        elif known.get(parts.number) != path and not _is_file(folder / path):
            log.warning("%s: it is left out: it is no file", folder / path)
            foreign.append(parts.number)
        elif layout.folder_name(parts.number) != name:
            strays.append(path)
        elif known.get(parts.number) == path or parts.number not in here:
            if parts.number in here:
                strays.append(here[parts.number])
            here[parts.number] = path
        else:
            strays.append(path)
    return here


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _rows(folder: Path, name: str, new: dict[int, str], writer: JsonLines) -> list[StoredSnapshot]:
    lines = records.read(folder / name / records.NAME)
    rows: list[StoredSnapshot] = []
    bare: list[StoredSnapshot] = []
    for number, file in new.items():
        row = lines.get(number)
        if row is not None and row.size == (folder / file).stat().st_size:
            rows.append(structs.replace(row, file=file))
        else:
            bare += _rows_of_files(folder, {number: file})
    writer.append(bare, durable=True)
    return rows + bare


def _rows_of_files(folder: Path, pictures: dict[int, str]) -> list[StoredSnapshot]:
    """Make rows of pictures alone; what cannot be read is skipped, and stays where it is."""
    rows = []
    for number, file in pictures.items():
        try:
            rows.append(_from_file(folder, number, file))
        except OSError as error:
            if error.errno not in UNUSABLE:
                raise
            log.warning("%s: it is left out: %s", folder / file, error.strerror)
    return rows


def _move(folder: Path, stray: str, number: int) -> StoredSnapshot:
    name = layout.read_name(stray.rpartition("/")[2])
    data = read(folder / stray, MAX_BYTES)
    file = layout.picture_file(number, name.label if name else "", data)
    files.make_folder(folder / layout.folder_name(number))
    files.rename(folder / stray, folder / file)
    log.warning("%s: %s had another picture's number and is now %s", folder, stray, file)
    return _from_file(folder, number, file)


def _from_file(folder: Path, number: int, file: str) -> StoredSnapshot:
    path = folder / file
    data, made = read(path, MAX_BYTES), path.stat().st_mtime
    name = layout.read_name(path.name)
    header = read_header(data)
    return StoredSnapshot(
        number=number,
        file=file,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        camera="",
        topic="",
        format=FILE_ONLY,
        track_id="",
        taken=made,
        received=made,
        ended=True,
        label=name.label if name else "",
        width=header.width if header else 0,
        height=header.height if header else 0,
    )


def _put(connection: sqlite3.Connection, rows: list[StoredSnapshot]) -> None:
    with transaction(connection):
        connection.executemany(schema.PUT, map(schema.to_values, rows))


def _drop(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    with transaction(connection):
        connection.executemany(schema.DELETE, [[number] for number in numbers])
