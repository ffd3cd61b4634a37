"""Set a camera up as planned, restore it, and wait until it is connected to its broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.camera import undo
from zmhook.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from zmhook.camera.axis import Axis
    from zmhook.camera.plan import Change
    from zmhook.camera.undo import UndoPlan

POLL_SECONDS = 0.5


def carry_out(
    axis: Axis, changes: Sequence[Change], file: Path, host: str, say: Callable[[str], None]
) -> None:
    """Make the changes, one after another.

    Each is remembered in `file` before it is made, so that one which stops halfway can be undone.
    Raises `CameraError`.
    """
    backup = undo.load_backup(file, host)
    for change in changes:
        backup.note(change)
        undo.save_backup(file, backup)
        _make(axis, change)
        say(change.what)


def put_back(axis: Axis, plan: UndoPlan, file: Path, host: str, say: Callable[[str], None]) -> None:
    """Restore the camera, and forget each restored part. Raises `CameraError`."""
    backup = undo.load_backup(file, host)
    for name in plan.settled:
        backup.parts.pop(name, None)
    for change in plan.changes:
        _make(axis, change)
        backup.parts.pop(change.part, None)
        undo.save_backup(file, backup)
        say(change.what)
    undo.save_backup(file, backup)


def wait_until_connected(axis: Axis, seconds: float) -> str:
    """Wait for the connection; return "" once it is there, else its state when time is up."""
    until = time.monotonic() + seconds
    while True:
        client = axis.client()
        if client.connected:
            return ""
        if time.monotonic() >= until:
            return client.connection
        time.sleep(min(POLL_SECONDS, seconds))


def _make(axis: Axis, change: Change) -> None:
    for request in change.requests:
        try:
            axis.send(request)
        except CameraError as error:
            raise CameraError(f"{change.what}: {error}") from None
