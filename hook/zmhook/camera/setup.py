"""Change a camera as planned, remember what was there, wait until it has found its broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.camera import memory
from zmhook.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from zmhook.camera.axis import Axis
    from zmhook.camera.plan import Change
    from zmhook.camera.undo import Way

LOOK_EVERY = 0.5


def carry_out(
    axis: Axis, changes: Sequence[Change], file: Path, host: str, say: Callable[[str], None]
) -> None:
    """Make the changes, one after another.

    Each is remembered in `file` before it is made, so that one which stops halfway can be undone.
    Raises `CameraError`.
    """
    known = memory.load(file, host)
    for change in changes:
        known.note(change)
        memory.save(file, known)
        _make(axis, change)
        say(change.what)


def put_back(axis: Axis, way: Way, file: Path, host: str, say: Callable[[str], None]) -> None:
    """Undo, and forget each part as soon as it is as it was. Raises `CameraError`."""
    known = memory.load(file, host)
    for name in way.settled:
        known.parts.pop(name, None)
    for change in way.changes:
        _make(axis, change)
        known.parts.pop(change.part, None)
        memory.save(file, known)
        say(change.what)
    memory.save(file, known)


def wait_until_connected(axis: Axis, seconds: float) -> str:
    """Return the camera's connection as soon as it is one, or what it is when the time is over."""
    until = time.monotonic() + seconds
    while True:
        client = axis.client()
        if client.connected:
            return ""
        if time.monotonic() >= until:
            return client.connection
        time.sleep(min(LOOK_EVERY, seconds))


def _make(axis: Axis, change: Change) -> None:
    for request in change.requests:
        try:
            axis.send(request)
        except CameraError as error:
            raise CameraError(f"{change.what}: {error}") from None
