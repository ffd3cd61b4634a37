"""Starting a service from a hook, so that a hundred hooks at once start exactly one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from zmhook.process.environment import environment
from zmhook.service import aside
from zmhook.storage.lock import is_locked, lock_file

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 10.0
LOOK_EVERY = 0.05


def start(config: str, place: Path, silent: aside.Identity | None = None) -> bool:
    """Start a service unless somebody else is just doing so; say whether we did.

    `silent` is one that shows no sign of life: while its socket is still there, it is put aside.

    The new service holds the lock until it serves. It is fully detached: the notification server
    reads the hook's stdout until everybody has closed it. Nor does it depend on who came first:
    see `surroundings`. Raises `OSError` when the run folder cannot be used.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file(place.with_suffix(".start"))
    if lock is None:
        return False
    try:
        if silent:
            aside.put(place, silent)
        command = [sys.executable, "-m", "zmhook.server", "-c", config, "--socket", str(place)]
        subprocess.Popen(
            [*command, "--start-lock", str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment(),
            pass_fds=[lock],
            start_new_session=True,
        )
        return True
    finally:
        os.close(lock)


def wait_for(place: Path, seconds: float) -> bool:
    """Wait until a starting service serves; False when it takes too long or failed to start.

    A socket alone says nothing: it may be one that a dead service left behind.
    """
    end = time.monotonic() + min(seconds, START_SECONDS)
    while _is_starting(place):
        if time.monotonic() >= end:
            return False
        time.sleep(LOOK_EVERY)
    return place.exists()


def _is_starting(place: Path) -> bool:
    """Say whether somebody holds the lock of the start."""
    try:
        return is_locked(place.with_suffix(".start"))
    except OSError:
        return False
