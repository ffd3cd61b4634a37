"""Snapshots that are stored together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from zmhook.image.header import read_header
from zmhook.snapshots.store import layout, rows
from zmhook.snapshots.store.files import NewFile

if TYPE_CHECKING:
    from zmhook.snapshots.snapshot import Row, Snapshot
    from zmhook.snapshots.store.ledger import Ledger

Key = tuple[str, int | None, str, str]


class Batch:
    """What is to be written for some snapshots: `files`, and the `rows` by number."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._first = ledger.next_number
        self._numbers: dict[Key, int] = {}
        self._before: dict[int, Row] = {}
        self.files: list[NewFile] = []
        self.rows: dict[int, Row] = {}

    def take(self, snapshot: Snapshot) -> int:
        """Take a snapshot (a clean one) in; return its number."""
        sha256 = hashlib.sha256(snapshot.picture).hexdigest()
        row = self._known(snapshot, sha256)
        row = self._make(snapshot, sha256) if row is None else rows.again(row, snapshot)
        self._numbers[_key(snapshot, sha256)] = row.number
        self.rows[row.number] = row
        return row.number

    def new(self) -> list[Row]:
        return [self.rows[file.number] for file in self.files]

    def changed(self) -> list[Row]:
        """Return the rows of pictures that came again, where that said anything new."""
        return [self.rows[n] for n, before in self._before.items() if self.rows[n] != before]

    def _known(self, snapshot: Snapshot, sha256: str) -> Row | None:
        number = self._numbers.get(_key(snapshot, sha256))
        if number is not None:
            return self.rows[number]
        row = self._ledger.same(snapshot, sha256)
        if row is None:
            return None
        self._before.setdefault(row.number, row)
        return self.rows.get(row.number, row)

    def _make(self, snapshot: Snapshot, sha256: str) -> Row:
        number = self._first + len(self.files)
        file = layout.picture_file(number, snapshot.label, snapshot.picture)
        self.files.append(NewFile(number, file, snapshot.picture))
        header = read_header(snapshot.picture)
        size = (header.width, header.height) if header else (0, 0)
        return rows.from_snapshot(
            snapshot, rows.Stored(number, file, len(snapshot.picture), sha256, *size)
        )


def _key(snapshot: Snapshot, sha256: str) -> Key:
    return snapshot.camera, snapshot.channel, snapshot.track_id, sha256
