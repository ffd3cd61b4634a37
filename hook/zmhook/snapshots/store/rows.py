"""Make rows from best snapshots, and change them as later messages say.

Strings and numbers come from the network: what SQLite or JSON cannot hold is replaced here, so
that one strange message never prevents others from being stored.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from msgspec import structs

from zmhook.image.header import read_header
from zmhook.snapshots.snapshot import (
    Amendment,
    Attribute,
    BestSnapshot,
    Classification,
    SceneBox,
    StoredSnapshot,
    TrackFacts,
)
from zmhook.snapshots.store import layout
from zmhook.snapshots.store.files import NewFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FILE_ONLY = "file"
"""The `format` of a snapshot of which nothing but its picture is known."""

LONGEST_TEXT = 1000
LONGEST_ATTRIBUTE = 4000
MOST_VALUES = 100
HIGHEST_INTEGER = 2**53

_SHARED = tuple(name for name in TrackFacts.__struct_fields__ if name != "received")


def from_snapshot(snapshot: BestSnapshot, **stored: Any) -> StoredSnapshot:
    """Return the row of a snapshot (a clean one); `stored` are the fields of a row alone."""
    shared = {name: getattr(snapshot, name) for name in _SHARED}
    return StoredSnapshot(**shared, received=snapshot.received, **stored)


def clean(snapshot: BestSnapshot, now: float) -> BestSnapshot:
    """Return the snapshot with nothing in it that cannot be stored."""
    received = _number(snapshot.received, now)
    return structs.replace(
        snapshot,
        camera=text(snapshot.camera),
        topic=text(snapshot.topic),
        format=text(snapshot.format),
        track_id=text(snapshot.track_id),
        label=text(snapshot.label),
        received=received,
        taken=_number(snapshot.taken, received),
        monitor_id=_integer(snapshot.monitor_id),
        channel=_integer(snapshot.channel),
        start=_number(snapshot.start, None),
        end=_number(snapshot.end, None),
        duration=_number(snapshot.duration, None),
        score=_number(snapshot.score, None),
        classes=_classes(snapshot.classes),
        colours=_texts(snapshot.colours),
        attributes=attributes(snapshot.attributes),
        box=_box(snapshot.box),
        crop=_box(snapshot.crop),
    )


def again(row: StoredSnapshot, snapshot: BestSnapshot) -> StoredSnapshot:
    """Return the row of a picture that came again (a clean snapshot): what is new in it counts."""
    shared = {name: getattr(snapshot, name) for name in _SHARED}
    news = {name: value for name, value in shared.items() if value not in (None, "", (), {})}
    news["ended"] = snapshot.ended or (row.ended and row.format != FILE_ONLY)
    # A time that was taken from the message's arrival is later each time it arrives.
    news["taken"] = min(row.taken, snapshot.taken)
    return structs.replace(row, **news)


def amended(row: StoredSnapshot, amendment: Amendment) -> StoredSnapshot:
    """Return the row with what the amendment says that is new."""
    news: dict[str, Any] = {
        "start": _number(amendment.start, None),
        "end": _number(amendment.end, None),
        "ended": amendment.ended,
        "label": None if amendment.label is None else text(amendment.label),
        "score": _number(amendment.score, None),
        "classes": None if amendment.classes is None else _classes(amendment.classes),
        "colours": None if amendment.colours is None else _texts(amendment.colours),
        "box": _box(amendment.box),
        "track_id": None if amendment.renamed_to is None else text(amendment.renamed_to),
    }
    row = structs.replace(row, **{name: value for name, value in news.items() if value is not None})
    if row.start is None or row.end is None:
        return row
    return structs.replace(row, duration=round(max(0.0, row.end - row.start), 3))


def clean_key(amendment: Amendment) -> tuple[str, int | None, str]:
    """Return the camera, channel and track that an amendment names, as rows have them."""
    return text(amendment.camera), _integer(amendment.channel), text(amendment.track_id)


def text(value: str, most: int = LONGEST_TEXT) -> str:
    """Return at most so many characters, without the halves of pairs that UTF-8 cannot say."""
    short = value[:most]
    return short if short.isascii() else short.encode("utf-8", "replace").decode()


def attributes(values: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return at most `MOST_VALUES` of them, each one that JSON can carry."""
    pairs = list(values.items())[:MOST_VALUES]
    return {text(name): _attribute(value) for name, value in pairs}


def _attribute(value: Attribute) -> Attribute:
    if isinstance(value, str):
        return text(value, LONGEST_ATTRIBUTE)
    if isinstance(value, bool):
        return value
    fits = math.isfinite(value) and (isinstance(value, float) or abs(value) <= HIGHEST_INTEGER)
    return value if fits else str(value)


def _number(value: float | None, otherwise: Any) -> Any:
    """Return a float that is a number; JSON has no others."""
    return otherwise if value is None or not math.isfinite(value) else float(value)


def _integer(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= HIGHEST_INTEGER else None


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(text(value) for value in values[:MOST_VALUES])


def _classes(classes: Sequence[Classification]) -> tuple[Classification, ...]:
    return tuple(
        Classification(text(own.name), _number(own.score, None)) for own in classes[:MOST_VALUES]
    )


def _box(box: SceneBox | None) -> SceneBox | None:
    if box is None or not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
        return None
    return box


Key = tuple[str, int | None, str, str]


class Batch:
    """The `files` and the `rows` (by number) to write for some snapshots.

    `first` is the number of the first new one; `same` returns the row of a picture that is there.
    """

    def __init__(
        self, first: int, same: Callable[[BestSnapshot, str], StoredSnapshot | None]
    ) -> None:
        self._first = first
        self._same = same
        self._numbers: dict[Key, int] = {}
        self._before: dict[int, StoredSnapshot] = {}
        self.files: list[NewFile] = []
        self.rows: dict[int, StoredSnapshot] = {}

    def take(self, snapshot: BestSnapshot) -> int:
        """Take a snapshot (a clean one) in; return its number."""
        sha256 = hashlib.sha256(snapshot.picture).hexdigest()
        row = self._known(snapshot, sha256)
        row = self._make(snapshot, sha256) if row is None else again(row, snapshot)
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
        row = self._same(snapshot, sha256)
        if row is None:
            return None
        self._before.setdefault(row.number, row)
        return self.rows.get(row.number, row)

    def _make(self, snapshot: BestSnapshot, sha256: str) -> StoredSnapshot:
        number = self._first + len(self.files)
        file = layout.picture_file(number, snapshot.label, snapshot.picture)
        self.files.append(NewFile(number, file, snapshot.picture))
        header = read_header(snapshot.picture)
        return from_snapshot(
            snapshot,
            number=number,
            file=file,
            size=len(snapshot.picture),
            sha256=sha256,
            width=header.width if header else 0,
            height=header.height if header else 0,
        )


def _key(snapshot: BestSnapshot, sha256: str) -> Key:
    return snapshot.camera, snapshot.channel, snapshot.track_id, sha256
