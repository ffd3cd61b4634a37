"""Start a service from a hook, so that a hundred hooks at once start exactly one.

One that shows no sign of life is put aside first: its socket and its lock are renamed. It keeps
them, and ends by itself when it goes on and finds another socket in its place. Where it never
does, its successor ends it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import ZmhookError
from zmhook.process.environment import start_detached
from zmhook.service import running
from zmhook.storage import regular
from zmhook.storage.lock import is_locked, lock_file

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

SYSTEMDS = b"systemd"
"""Second line of the lock file of a service whose socket systemd holds."""

START_SECONDS = 10.0
POLL_SECONDS = 0.05


def start(config: str, socket: Path, silent: SocketIdentity | None = None) -> bool:
    """Start a service unless another process is starting one; return whether we did.

    `silent` is one that shows no sign of life: while its socket is still there, it is put aside.

    The new service holds the lock until it serves. It is detached, and does not depend on who came
    first: see `child_environment`. Raises `OSError` when the run folder cannot be used.
    """
    socket.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file(socket.with_suffix(".start"))
    if lock is None:
        return False
    try:
        if silent:
            put_aside(socket, silent)
        command = [sys.executable, "-m", "zmhook.server", "-c", config]
        command += ["--socket", str(socket), "--start-lock", str(lock)]
        start_detached(command, pass_fds=[lock])
        return True
    finally:
        os.close(lock)


def wait_for(socket: Path, seconds: float) -> bool:
    """Wait until a starting service serves; False when it takes too long or failed to start.

    A socket alone says nothing: it may be one that a dead service left behind.
    """
    end = time.monotonic() + min(seconds, START_SECONDS)
    while _is_starting(socket):
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_SECONDS)
    return socket.exists()


def _is_starting(socket: Path) -> bool:
    """Say whether somebody holds the lock of the start."""
    try:
        return is_locked(socket.with_suffix(".start"))
    except OSError:
        return False


# -- a service that hangs -------------------------------------------------------------------------


class SocketIdentity(NamedTuple):
    """Distinguishes a socket's file from the next one of the same name."""

    device: int
    inode: int
    made: int


def socket_identity(socket: Path) -> SocketIdentity | None:
    """Return the identity of the current socket; None without one."""
    try:
        status = os.lstat(socket)
    except OSError:
        return None
    if not stat.S_ISSOCK(status.st_mode):
        return None
    return SocketIdentity(status.st_dev, status.st_ino, status.st_mtime_ns)


def is_held_by_systemd(socket: Path) -> bool:
    """Say whether systemd holds the socket, so that hooks may not replace it."""
    with contextlib.suppress(OSError):
        return SYSTEMDS in regular.read(socket.with_suffix(".lock")).split()[1:]
    return False


def put_aside(socket: Path, silent: SocketIdentity) -> None:
    """Put the silent service aside, unless its socket has been replaced meanwhile.

    Only with the lock of the start. The lock goes first: should we be killed in between, the next
    hook finds the silent socket again. Raises `OSError`.
    """
    if socket_identity(socket) != silent:
        return
    kill_put_aside(socket)
    theirs = _beside(socket)
    process = "its process"
    if running.is_running(socket):
        process = f"process {running.pid_of(socket) or '?'}"
        socket.with_suffix(".lock").rename(theirs.with_suffix(".lock"))
    socket.rename(theirs)
    if socket_identity(theirs) != silent:
        # Somebody has started one by hand in this very moment.
        with contextlib.suppress(OSError):
            os.link(theirs, socket)
        theirs.unlink()
        return
    log.error("%s: %s hangs; it was put aside for a new service", socket, process)


def kill_put_aside(socket: Path) -> None:
    """Kill services that were put aside and still hang."""
    sweep(socket)
    for theirs in _all_put_aside(socket):
        try:
            if running.kill(theirs):
                log.warning("%s: a service that was put aside, still hung: killed", theirs)
        except (OSError, ZmhookError) as error:
            log.warning("%s: a service that was put aside still hangs: %s", theirs, error)


def still_hung(socket: Path) -> list[Path]:
    """Return the sockets of services that were put aside and still run. Raises `OSError`."""
    sweep(socket)
    return sorted(theirs for theirs in _all_put_aside(socket) if running.is_running(theirs))


def sweep(socket: Path) -> None:
    """Remove the files of services that were put aside and have ended."""
    for theirs in _all_put_aside(socket):
        with contextlib.suppress(OSError):
            if not running.is_running(theirs):
                theirs.unlink(missing_ok=True)
                theirs.with_suffix(".lock").unlink(missing_ok=True)


def _beside(socket: Path) -> Path:
    return socket.with_name(f"{socket.stem}.aside-{secrets.token_hex(4)}.sock")


def _all_put_aside(socket: Path) -> set[Path]:
    """Return the sockets of services that were put aside, whether they still exist or not."""
    start, ends = f"{socket.stem}.aside-", (".sock", ".lock")
    try:
        names = os.listdir(socket.parent)  # noqa: PTH208 - a glob would take the name's own marks
    except OSError:
        return set()
    ours = (name for name in names if name.startswith(start) and name.endswith(ends))
    return {socket.with_name(name).with_suffix(".sock") for name in ours}
