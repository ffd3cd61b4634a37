"""Write a file atomically: a reader gets the old one or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.storage.regular import open_folder

if TYPE_CHECKING:
    from os import PathLike


def write(
    path: str | PathLike[str],
    data: bytes,
    mode: int = 0o644,
    *,
    durable: bool = False,
    owner: tuple[int, int] | None = None,
) -> None:
    """Put `data` at `path` with the permissions `mode`, through a temporary file beside it.

    It gets the `owner` (user and group), as far as we may give it away. `durable` also waits until
    the disk has it, for what must survive a power cut. Raises `OSError`; whatever was at `path` is
    then still there, and the temporary file is not.
    """
    target = Path(path)
    _put(target, None, data, mode, durable=durable, owner=owner)
    if durable:
        _sync_folder(target.parent)


def write_to_event(path: Path, data: bytes) -> None:
    """Do as `write` in an event's folder; root follows no link of others to it.

    Raises `OSError`.
    """
    with open_folder(path.parent) as folder:
        _put(path if folder is None else Path(path.name), folder, data, 0o644)


def _put(
    target: Path,
    folder: int | None,
    data: bytes,
    mode: int,
    *,
    durable: bool = False,
    owner: tuple[int, int] | None = None,
) -> None:
    """Write the file; with an open `folder` its name is one in there."""
    # Its own short name: the target's may be as long as a file system allows.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _fill(temporary, folder, data, mode, durable=durable, owner=owner)
        os.replace(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _fill(
    path: Path,
    folder: int | None,
    data: bytes,
    mode: int,
    *,
    durable: bool,
    owner: tuple[int, int] | None,
) -> None:
    # Nobody else may read it before it has its mode: it may hold a secret.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            # Never by its name: that may lead elsewhere by now.
            with suppress(PermissionError):
                os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.write(data)
        if durable:
            file.flush()
            os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
