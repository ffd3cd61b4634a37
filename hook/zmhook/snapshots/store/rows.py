"""Make rows from best snapshots, and change them as later messages say.

Strings and numbers come from the network: what SQLite or JSON cannot hold is replaced here, so
that one strange message never prevents others from being stored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from zmhook.snapshots.snapshot import BestSnapshot, Classification, StoredSnapshot, TrackFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zmhook.snapshots.snapshot import Amendment, Attribute, SceneBox

FILE_ONLY = "file"
"""The `format` of a snapshot of which nothing but its picture is known."""

LONGEST_TEXT = 1000
LONGEST_ATTRIBUTE = 4000
MOST_VALUES = 100
HIGHEST_INTEGER = 2**53

_SHARED = tuple(name for name in TrackFacts.__struct_fields__ if name != "received")


class PictureFile(NamedTuple):
    """Where a picture is, and what its bytes say: `file` below the store, sizes in pixels."""

    number: int
    file: str
    size: int
    sha256: str
    width: int
    height: int


def from_snapshot(snapshot: BestSnapshot, stored: PictureFile) -> StoredSnapshot:
    """Return the row of a snapshot (a clean one) whose picture is stored in that file."""
    shared = {name: getattr(snapshot, name) for name in _SHARED}
    return StoredSnapshot(**shared, received=snapshot.received, **stored._asdict())


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
