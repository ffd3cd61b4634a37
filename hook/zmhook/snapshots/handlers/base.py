"""What a handler is, and how one is found by its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from zmhook.errors import SnapshotError

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings, Snapshots
    from zmhook.snapshots.snapshot import Row

GROUP = "zmhook.snapshot_handlers"
DESCRIBE = "describe"

# The same lines as the entry points in pyproject.toml (a test compares them).
BUILT_IN = {DESCRIBE: "zmhook.describe.handler:DescribeHandler"}


class NotYet(SnapshotError):
    """Raised by a handler that is to be asked about the same snapshot again, but not before then.

    `until` is seconds since the epoch.
    """

    def __init__(self, why: str, until: float) -> None:
        super().__init__(why)
        self.until = until


class Handler(Protocol):
    """Does something with each stored snapshot.

    A class with this shape is named in `snapshot_handlers` as `module:Class`, or by the name of an
    entry point `zmhook.snapshot_handlers`. Each has a thread of its own, in which it is made, too.
    What it raises is logged and counted; a call that takes longer than `snapshot_handler_timeout`
    is given up, and another object of the class made. A class whose `catches_up` is true is given,
    when the collector starts, what was stored in the last day and has no description yet.
    """

    def __init__(self, settings: Settings) -> None: ...

    def on_snapshot(self, snapshot: Row, picture: bytes) -> list[Detection] | None:
        """Look at a snapshot and its picture (a JPEG or PNG file).

        What is returned is stored with the snapshot, in the index and in the logs.
        """

    def close(self) -> None:
        """Free what was taken."""


def names(settings: Snapshots) -> tuple[str, ...]:
    """Return the handlers that are to run; `describe = yes` names one, too."""
    also = (DESCRIBE,) if settings.describe else ()
    return tuple(dict.fromkeys((*settings.snapshot_handlers, *also)))


def find(name: str) -> type[Handler]:
    """Return a handler's class. Raises `SnapshotError` when there is none of that name."""
    place = name if ":" in name else BUILT_IN.get(name) or _installed().get(name)
    if place is None:
        known = ", ".join(sorted({*BUILT_IN, *_installed()}))
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: there is no handler '{name}'; known: {known}, or "
            "module:Class of your own"
        )
    module, _, attribute = place.partition(":")
    try:
        found: type[Handler] = getattr(import_module(module), attribute)
    except Exception as error:
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: '{name}' ({place}) cannot be imported:"
            f" {type(error).__name__}: {error}"
        ) from error
    if not callable(getattr(found, "on_snapshot", None)):
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: '{name}' ({place}) has no on_snapshot: see"
            " zmhook.snapshots.handlers.base"
        )
    return found


def _installed() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
