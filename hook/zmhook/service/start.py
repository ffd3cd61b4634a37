"""Starting a service from a hook, so that a hundred hooks at once start exactly one."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

import zmhook


class Owner(TypedDict, total=False):
    """Arguments of `Popen`."""

    user: int
    group: int
    extra_groups: list[int]


START_SECONDS = 10.0
LOOK_EVERY = 0.05


def start(config: str, place: Path) -> bool:
    """Start a service unless somebody else is just doing so; say whether we did.

    The new service holds the lock until it serves. It is fully detached: the notification server
    reads the hook's stdout until everybody has closed it. Raises `OSError` when the run folder
    cannot be used.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.with_suffix(".start"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        command = [sys.executable, "-m", "zmhook.service", "-c", config, "--socket", str(place)]
        owner = owner_of(place.parent)
        if owner:
            os.fchown(lock, owner["user"], owner["group"])
        subprocess.Popen(
            [*command, "--start-lock", str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment(),
            pass_fds=[lock],
            start_new_session=True,
            **owner,
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
        lock = os.open(place.with_suffix(".start"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def owner_of(folder: Path) -> Owner:
    """Return as whom to run: when root tries the hook by hand, as the folder's owner.

    A service of root's would lock the web server's user out until it ends.
    """
    if os.geteuid() != 0:
        return {}
    found = folder.stat()
    if found.st_uid == 0:
        return {}
    name = pwd.getpwuid(found.st_uid).pw_name
    groups = os.getgrouplist(name, found.st_gid)
    return {"user": found.st_uid, "group": found.st_gid, "extra_groups": groups}


def environment() -> dict[str, str]:
    """Pass on what finds our package, and nothing that speaks of this one event."""
    source = str(Path(zmhook.__file__).resolve().parent.parent)
    kept = {key: value for key, value in os.environ.items() if key != "ZMHOOK_SHELL_PID"}
    found = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys([source, *found]))}
