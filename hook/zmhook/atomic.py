"""Write a file so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

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
    # Its own short name: the target's may be as long as a file system allows.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _fill(temporary, data, mode, durable=durable, owner=owner)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(target.parent)


def _fill(
    path: Path, data: bytes, mode: int, *, durable: bool, owner: tuple[int, int] | None
) -> None:
    # Nobody else may read it before it has its mode: it may hold a secret.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
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
