"""One training at a time in a folder, among all processes of the machine."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zmhook.storage.lock import lock_within, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def folder_lock(folder: Path, wait: float) -> Iterator[bool]:
    """Hold the folder's lock; false when another process still has it after `wait` seconds.

    The folder itself is locked (flock), so there is no lock file to be left behind, or to belong
    to the wrong user. Where that is not possible (NFS), there is no lock: two trainings then
    do the same work twice, and the file stays right because it is replaced as a whole.
    """
    try:
        descriptor = open_folder(folder)
    except OSError as error:
        log.debug("%s cannot be locked: %s", folder, error.strerror)
        yield True
        return
    try:
        yield _locked(descriptor, wait)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, wait: float) -> bool:
    try:
        return lock_within(descriptor, wait)
    except OSError as error:
        log.debug("the folder cannot be locked: %s", error.strerror)
        return True
