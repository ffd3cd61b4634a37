"""What training tells at its end: a line per person, and what is wrong with which picture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from zmhook.detectors.face.lookalikes import lookalikes
from zmhook.detectors.face.pictures import person_of
from zmhook.text.numbers import apart, exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zmhook.detectors.face.known import KnownFaces
    from zmhook.detectors.face.store import Entry

HEAD = ("person", "pictures used", "rejected")
MOST_PAIRS = 20


def table_lines(entries: Mapping[str, Entry], missing: Sequence[str] = ()) -> list[str]:
    """Return a table of people, and below it each rejected picture with the reason.

    `missing` are those who have no picture at all.
    """
    used, rejected = Counter[str](), Counter[str]()
    for path, entry in entries.items():
        (rejected if entry.reason else used)[person_of(path)] += 1
    people = sorted({*used, *rejected, *missing})
    rows = [(person, str(used[person]), str(rejected[person])) for person in people]
    lacking = [f"{person} has no pictures: put some into that folder" for person in missing]
    return [*_aligned([HEAD, *rows]), *(["", *lacking] if lacking else []), *_reasons(entries)]


def look_alike_lines(known: KnownFaces, threshold: float) -> list[str]:
    """Return a warning for each two people whose pictures are nearer than the threshold."""
    pairs = lookalikes(known, threshold)
    lines = [
        f"warning: {pair.person} and {pair.other} look alike to the model:"
        f" {pair.picture} and {pair.other_picture} are {apart(pair.distance, threshold)} apart"
        f" (face_recog_dist_threshold is {exact(threshold)})"
        for pair in pairs[:MOST_PAIRS]
    ]
    if len(pairs) > MOST_PAIRS:
        lines.append(f"warning: and {len(pairs) - MOST_PAIRS} more pairs of people look alike")
    return ["", *lines] if lines else []


def _reasons(entries: Mapping[str, Entry]) -> list[str]:
    rows = [(path, entry.reason) for path, entry in sorted(entries.items()) if entry.reason]
    return ["", *_aligned([("rejected", "why"), *rows])] if rows else []


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
