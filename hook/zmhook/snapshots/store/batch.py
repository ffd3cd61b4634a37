"""Best snapshots that are stored together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from zmhook.image.header import read_header
from zmhook.snapshots.store import layout, rows
from zmhook.snapshots.store.files import NewFile

if TYPE_CHECKING:
    from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot
    from zmhook.snapshots.store.index_writer import IndexWriter

Key = tuple[str, int | None, str, str]


class Batch:
    """The `files` and the `rows` (by number) to write for some snapshots."""

    def __init__(self, writer: IndexWriter) -> None:
        self._writer = writer
        self._first = writer.next_number
        self._numbers: dict[Key, int] = {}
        self._before: dict[int, StoredSnapshot] = {}
        self.files: list[NewFile] = []
        self.rows: dict[int, StoredSnapshot] = {}

    def take(self, snapshot: BestSnapshot) -> int:
        """Take a snapshot (a clean one) in; return its number."""
        sha256 = hashlib.sha256(snapshot.picture).hexdigest()
        row = self._known(snapshot, sha256)
        row = self._make(snapshot, sha256) if row is None else rows.again(row, snapshot)
        self._numbers[_key(snapshot, sha256)] = row.number
        self.rows[row.number] = row
        return row.number

    def new(self) -> list[StoredSnapshot]:
        return [self.rows[file.number] for file in self.files]

    def changed(self) -> list[StoredSnapshot]:
        """Return the rows of pictures that came again with something new."""
        return [self.rows[n] for n, before in self._before.items() if self.rows[n] != before]

    def _known(self, snapshot: BestSnapshot, sha256: str) -> StoredSnapshot | None:
        number = self._numbers.get(_key(snapshot, sha256))
        if number is not None:
            return self.rows[number]
        row = self._writer.same(snapshot, sha256)
        if row is None:
            return None
        self._before.setdefault(row.number, row)
        return self.rows.get(row.number, row)

    def _make(self, snapshot: BestSnapshot, sha256: str) -> StoredSnapshot:
        number = self._first + len(self.files)
        file = layout.picture_file(number, snapshot.label, snapshot.picture)
        self.files.append(NewFile(number, file, snapshot.picture))
        header = read_header(snapshot.picture)
        size = (header.width, header.height) if header else (0, 0)
        return rows.from_snapshot(
            snapshot, rows.PictureFile(number, file, len(snapshot.picture), sha256, *size)
        )


def _key(snapshot: BestSnapshot, sha256: str) -> Key:
    return snapshot.camera, snapshot.channel, snapshot.track_id, sha256
