"""What was on a camera before it was set up, kept in a file so that it can be put back.

No password is in it: cameras do not tell theirs. The file is for its owner alone all the same, for
it says who logs in where.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from zmhook.camera.plan import alike
from zmhook.errors import CameraError
from zmhook.storage import atomic
from zmhook.storage.regular import reading
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.camera.plan import Change

MODE = 0o600
LARGEST = 1024 * 1024


class Part(Struct):
    """One thing that was changed: how it was, and how it was left."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Memory(Struct):
    """The parts of one camera that were changed and not yet put back."""

    host: str
    parts: dict[str, Part] = field(default_factory=dict)

    def note(self, change: Change) -> None:
        """Remember a change that is about to be made.

        What an earlier set-up left and nobody changed since was not there before: the older memory
        stays.
        """
        known = self.parts.get(change.part)
        if known and alike(change.part, known.after, change.before):
            known.after = change.after
        else:
            self.parts[change.part] = Part(change.before, change.after)


def place(folder: str | Path, host: str) -> Path:
    """Return the file for a camera, whose name or address may hold anything."""
    return Path(folder, "cache", f"camera-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}.json")


def load(path: Path, host: str) -> Memory:
    """Return what is remembered, nothing when there is no file. Raises `CameraError`."""
    try:
        with reading(path) as file:
            return decoded(file.read(LARGEST), Memory)
    except (FileNotFoundError, NotADirectoryError):
        return Memory(host)
    except OSError as error:
        raise CameraError(f"{path}: cannot be read ({error.strerror})") from None
    except Unreadable:
        raise CameraError(
            f"{path}: is damaged: what was on the camera before is not known; delete it to go on"
        ) from None


def save(path: Path, memory: Memory) -> None:
    """Write it, or delete it when nothing is left to put back. Raises `CameraError`."""
    try:
        if not memory.parts:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, msgspec.json.format(msgspec.json.encode(memory)), MODE, durable=True)
    except OSError as error:
        raise CameraError(
            f"{path}: what is on the camera now cannot be written there ({error.strerror}), so"
            " nothing could be put back: run this as the owner of that folder"
        ) from None
