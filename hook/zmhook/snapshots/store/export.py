"""Copy best snapshots into a folder, with a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import json, structs

from zmhook.errors import StoreError
from zmhook.image.header import MAX_BYTES
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.storage import atomic
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from zmhook.snapshots.store.index import Index

LIST = "snapshots.json"
LARGEST_LIST = 1 << 30
"""Bytes; an export may be of everything that there is."""


class Exported(NamedTuple):
    """How many pictures were written, the rows whose picture is gone, and the name of the list."""

    written: int
    gone: list[StoredSnapshot]
    listing: str


def export(index: Index, rows: Iterable[StoredSnapshot], to: Path) -> Exported:
    """Copy the rows' pictures into a folder; describe them in a JSON list there, by number.

    What an earlier export put into the list stays. Nothing that is another's is replaced: raises
    `StoreError` for a file that is another one, and when the folder cannot be written to.
    """
    try:
        to.mkdir(parents=True, exist_ok=True)
        listed = _listed(to / LIST)
        copied = {row.number: (row, _copy(index.path(row), to)) for row in rows}
        for number, (row, name) in copied.items():
            if name:
                listed[number] = structs.replace(row, file=name)
        in_order = [listed[number] for number in sorted(listed)]
        atomic.write(to / LIST, json.format(json.encode(in_order), indent=2) + b"\n")
    except OSError as error:
        raise StoreError(f"{error.filename or to}: {error.strerror}") from error
    gone = [row for row, name in copied.values() if not name]
    return Exported(len(copied) - len(gone), gone, LIST)


def _copy(picture: Path, to: Path) -> str:
    """Return the copy's name, empty when the picture is not there any more."""
    try:
        data = read(picture, MAX_BYTES)
    except FileNotFoundError:
        return ""
    target = to / picture.name
    if not target.exists():
        atomic.write(target, data)
    elif read(target, MAX_BYTES) != data:
        raise StoreError(f"{target} is there and another picture: export to another folder")
    return picture.name


def _listed(path: Path) -> dict[int, StoredSnapshot]:
    try:
        return {row.number: row for row in decoded(read(path, LARGEST_LIST), list[StoredSnapshot])}
    except FileNotFoundError:
        return {}
    except Unreadable:
        raise StoreError(
            f"{path} is there and is no list of best snapshots: export to another folder"
        ) from None
