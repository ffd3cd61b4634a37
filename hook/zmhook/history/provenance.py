"""What a decision was made with: the fingerprint of the settings, and the hashes of the models."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from zmhook.settings import Settings
    from zmhook.storage.shared_database import SharedDatabase

MOST_FILES = 100
"""Files whose hashes are remembered."""

FileStamp = tuple[str, int, int]
"""A file's path, size and time of change (ns)."""


class ModelFileHash(msgspec.Struct, frozen=True):
    """A model's file. `sha256` is empty when it could not be read."""

    model: str
    path: str
    sha256: str


def fingerprint(settings: Settings) -> str:
    """Return the SHA-256 of all settings in a fixed order, without the secrets.

    `yolo_threads` does not count: the service divides the processor among its workers with it.
    """
    yolo = msgspec.structs.replace(settings.yolo, yolo_threads=0)
    settings = msgspec.structs.replace(settings, yolo=yolo)
    plain = msgspec.to_builtins(settings, enc_hook=_without_secret)
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def _without_secret(value: Any) -> Any:
    from zmhook.settings import Secret

    if isinstance(value, Secret):
        return ""
    raise TypeError(f"a {type(value).__name__} has no plain form")


def model_files(settings: Settings, database: SharedDatabase) -> list[ModelFileHash]:
    """Return the files of the models in the chain, with their hashes.

    A file is read once; after that its path, size and time of change stand for its content.
    Raises `StateError`.
    """
    used = [(model, _stamp(path)) for model, path in _paths(settings) if path]
    hashes = _hashes({stamp for _, stamp in used if stamp[1] >= 0}, database)
    return [ModelFileHash(model, stamp[0], hashes.get(stamp, "")) for model, stamp in used]


def _paths(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each model of the chain with the files that are its own."""
    models = settings.general.models
    if "yolo" in models:
        prefix = "tiny_" if settings.yolo.yolo_type == "tiny" else ""
        for key in ("weights", "config", "labels"):
            yield "yolo", getattr(settings.yolo, f"{prefix}{key}")
    if "face" in models:
        face = settings.face
        yield "face", str(Path(face.known_images_path, "faces.npz"))
        if face.face_model == "yunet":
            yield "face", face.face_yunet_model


def _stamp(path: str) -> FileStamp:
    try:
        status = Path(path).stat()
    except OSError:
        return path, -1, 0
    return path, status.st_size, status.st_mtime_ns


def _hashes(stamps: set[FileStamp], database: SharedDatabase) -> dict[FileStamp, str]:
    known = database.use(lambda connection: _known(connection, stamps))
    new = {stamp: _sha256(stamp[0]) for stamp in stamps - set(known)}
    readable = {stamp: digest for stamp, digest in new.items() if digest}
    if readable:
        database.use(lambda connection: _remember(connection, readable))
    return known | readable


def _sha256(path: str) -> str:
    from zmhook.models.manifest import sha256

    try:
        return sha256(Path(path))
    except OSError:
        return ""


def _known(connection: sqlite3.Connection, stamps: Iterable[FileStamp]) -> dict[FileStamp, str]:
    hashes = {}
    for path, size, mtime_ns in stamps:
        row = connection.execute(
            "SELECT sha256 FROM files WHERE path = ? AND size = ? AND mtime_ns = ?",
            [path, size, mtime_ns],
        ).fetchone()
        if row:
            hashes[path, size, mtime_ns] = row[0]
    return hashes


def _remember(connection: sqlite3.Connection, hashes: dict[FileStamp, str]) -> None:
    now = time.time()
    with transaction(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
            [(*stamp, digest, now) for stamp, digest in hashes.items()],
        )
        connection.execute(
            "DELETE FROM files WHERE path IN"
            " (SELECT path FROM files ORDER BY read DESC LIMIT -1 OFFSET ?)",
            [MOST_FILES],
        )
