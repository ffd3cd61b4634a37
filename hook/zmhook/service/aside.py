"""Putting a service aside that shows no sign of life, so that another can take its place.

Its socket and its lock are renamed; it keeps them, and ends by itself when it goes on and finds
another socket in its place (`run`). Where it never does, its successor ends it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import ZmhookError
from zmhook.service import holder
from zmhook.storage import regular

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

SYSTEMDS = b"systemd"
"""Second line of the lock file of a service whose socket systemd holds."""


class Identity(NamedTuple):
    """What tells one socket's file from the next at its place."""

    device: int
    inode: int
    made: int


def identity(place: Path) -> Identity | None:
    """Return that of the socket which is there now; None when there is none."""
    try:
        found = os.lstat(place)
    except OSError:
        return None
    if not stat.S_ISSOCK(found.st_mode):
        return None
    return Identity(found.st_dev, found.st_ino, found.st_mtime_ns)


def is_systemds(place: Path) -> bool:
    """Say whether systemd holds the socket: there hooks may not put another."""
    with contextlib.suppress(OSError):
        return SYSTEMDS in regular.read(place.with_suffix(".lock")).split()[1:]
    return False


def put(place: Path, silent: Identity) -> None:
    """Put the service aside whose socket is `silent`, unless another is there by now.

    Only with the lock of the start. The lock goes first: should we be killed in between, the next
    hook finds the silent socket again. Raises `OSError`.
    """
    if identity(place) != silent:
        return
    end_older(place)
    theirs = _beside(place)
    process = "its process"
    if holder.is_running(place):
        process = f"process {holder.pid_of(place) or '?'}"
        place.with_suffix(".lock").rename(theirs.with_suffix(".lock"))
    place.rename(theirs)
    if identity(theirs) != silent:
        # Somebody has started one by hand in this very moment.
        with contextlib.suppress(OSError):
            os.link(theirs, place)
        theirs.unlink()
        return
    log.error("%s: %s hangs; it was put aside for a new service", place, process)


def end_older(place: Path) -> None:
    """Kill those that were put aside before and still hang."""
    sweep(place)
    for theirs in _put_aside(place):
        try:
            if holder.kill(theirs):
                log.warning("%s: a service that was put aside, still hung: killed", theirs)
        except (OSError, ZmhookError) as error:
            log.warning("%s: a service that was put aside still hangs: %s", theirs, error)


def hung(place: Path) -> list[Path]:
    """Return the sockets of those that were put aside and still run. Raises `OSError`."""
    sweep(place)
    return sorted(theirs for theirs in _put_aside(place) if holder.is_running(theirs))


def sweep(place: Path) -> None:
    """Take away what those left that were put aside and have ended."""
    for theirs in _put_aside(place):
        with contextlib.suppress(OSError):
            if not holder.is_running(theirs):
                theirs.unlink(missing_ok=True)
                theirs.with_suffix(".lock").unlink(missing_ok=True)


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.stem}.aside-{secrets.token_hex(4)}.sock")


def _put_aside(place: Path) -> set[Path]:
    """Return the sockets of those that were put aside, whether they are still there or not."""
    start, ends = f"{place.stem}.aside-", (".sock", ".lock")
    try:
        names = os.listdir(place.parent)  # noqa: PTH208 - a glob would take the name's own marks
    except OSError:
        return set()
    mine = (name for name in names if name.startswith(start) and name.endswith(ends))
    return {place.with_name(name).with_suffix(".sock") for name in mine}
