"""One training at a time in a folder, among all processes of the machine."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAUSE = 0.05

log = logging.getLogger(__name__)


@contextmanager
def folder_lock(folder: Path, wait: float) -> Iterator[bool]:
    """Hold the folder's lock; false when another process still has it after `wait` seconds.

    The folder itself is locked (flock), so there is no lock file to be left behind, or to belong
    to the wrong user. Where that is not possible (NFS), there is no lock: two trainings then
    do the same work twice, and the file stays right because it is replaced as a whole.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        log.debug("%s cannot be locked: %s", folder, error.strerror)
        yield True
        return
    try:
        yield _locked(descriptor, time.monotonic() + wait)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(PAUSE)
        except OSError as error:
            log.debug("the folder cannot be locked: %s", error.strerror)
            return True
        else:
            return True
