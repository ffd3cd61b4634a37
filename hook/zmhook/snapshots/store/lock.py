"""One writer at a time in a store's folder."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from zmhook.errors import StoreError
from zmhook.storage.lock import open_folder, try_lock

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def lock(folder: Path) -> int:
    """Lock the folder; return the descriptor that holds the lock until it is closed.

    The folder itself is locked (flock), so no lock file is left behind by whoever is killed.
    Raises `StoreError` when another process has it, and `OSError`.
    """
    descriptor = open_folder(folder)
    try:
        is_ours = try_lock(descriptor)
    except OSError as error:
        # Some network file systems cannot lock a folder; the collector is started once anyway.
        log.warning("%s cannot be locked against a second collector: %s", folder, error.strerror)
        return descriptor
    if is_ours:
        return descriptor
    os.close(descriptor)
    raise StoreError(
        f"{folder}: another collector (zmhook snapshots run) writes there: stop it, or set"
        " another snapshot_path"
    )
