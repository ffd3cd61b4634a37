"""The tables of `history_path`.

What lists and counts need is in narrow rows of `decisions`; the decision itself, as its JSON, is
beside them in `reports`, compressed where that makes it smaller. What many decisions have in
common (version, settings, model files) is stored once, in `makers`.
"""

from __future__ import annotations

import zlib

from msgspec import Struct

from zmhook.detection import Outcome

SCHEMA = (
    """
    CREATE TABLE makers (
        number INTEGER PRIMARY KEY,
        version TEXT NOT NULL,
        settings TEXT NOT NULL,  -- fingerprint, SHA-256 in hexadecimal digits
        models TEXT NOT NULL,  -- JSON
        UNIQUE (version, settings, models)
    );
    CREATE TABLE decisions (
        number INTEGER PRIMARY KEY,
        at REAL NOT NULL,  -- seconds since the epoch
        event_id INTEGER NOT NULL,
        monitor_id INTEGER,
        outcome TEXT NOT NULL,
        line TEXT NOT NULL,
        frame TEXT NOT NULL,
        kept INTEGER NOT NULL,
        drops TEXT NOT NULL,  -- JSON: how many by each rule
        error TEXT NOT NULL,
        total REAL NOT NULL,  -- milliseconds
        maker INTEGER NOT NULL
    );
    CREATE INDEX decisions_at ON decisions (at);
    CREATE INDEX decisions_event ON decisions (event_id);
    CREATE INDEX decisions_monitor ON decisions (monitor_id, at);
    CREATE INDEX decisions_maker ON decisions (maker);
    CREATE INDEX decisions_outcome ON decisions (outcome, at);
    CREATE TABLE reports (decision INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE labels (
        decision INTEGER NOT NULL, label TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (decision, label)
    ) WITHOUT ROWID;
    CREATE INDEX labels_label ON labels (label, at);
    CREATE TABLE files (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        sha256 TEXT NOT NULL, read REAL NOT NULL
    ) WITHOUT ROWID;
    """,
)

_JSON = b"{"


def pack(data: bytes) -> bytes:
    """Return JSON as it is stored."""
    small = zlib.compress(data, 6)
    return small if len(small) < len(data) else data


def unpack(data: bytes) -> bytes:
    """Return the JSON that was packed. Raises `zlib.error`."""
    return data if data.startswith(_JSON) else zlib.decompress(data)


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """A decision in short. `at` is seconds since the epoch, `total` milliseconds.

    `drops` counts by rule what was dropped; `error` is what went wrong, or its beginning. `last`
    says whether the event was not decided again after that.
    """

    number: int
    at: float
    event_id: int
    monitor_id: int | None
    outcome: Outcome
    line: str
    frame: str
    kept: int
    drops: dict[str, int]
    error: str
    total: float
    last: bool = True
