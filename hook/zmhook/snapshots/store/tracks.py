"""Which rows an amendment speaks of.

A camera that names its tracks by short numbers gives the same ones again after a restart, so a
name alone does not tell: what is long over is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.snapshots.store.rows import clean_key

if TYPE_CHECKING:
    from zmhook.snapshots.snapshot import Amendment, Row
    from zmhook.snapshots.store.ledger import Ledger

MOST_ROWS = 50
"""Pictures of one track that are amended, the newest."""
OPEN_FOR = 86_400.0
"""Seconds after its last picture that a track which has not ended may be amended."""
ENDED_FOR = 600.0
"""The same, when it has ended."""
SAME_START = 2.0
"""Seconds by which two starts of one track may differ."""


def rows_of(ledger: Ledger, amendment: Amendment, now: float) -> list[Row]:
    """Return the rows of the track that the amendment, which came `now`, is about."""
    key = clean_key(amendment)
    if not amendment.track_id:
        return []
    found = ledger.of_track(*key, now - OPEN_FOR, MOST_ROWS)
    return [row for row in found if _concerns(amendment, row, found[0], now)]


def _concerns(amendment: Amendment, row: Row, newest: Row, now: float) -> bool:
    if row.ended and row.received < now - ENDED_FOR:
        return False
    # Of the pictures under one name, those of the last track that had it.
    start = newest.start if amendment.start is None else amendment.start
    return start is None or row.start is None or abs(row.start - start) <= SAME_START
