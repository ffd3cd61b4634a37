"""What is done with each stored snapshot, by classes that anybody can add."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from zmhook.errors import SnapshotError
from zmhook.extensions import imported, known, location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Detection
    from zmhook.settings import Settings, Snapshots
    from zmhook.snapshots.snapshot import Attribute, StoredSnapshot

GROUP = "zmhook.snapshot_handlers"
DESCRIBE = "describe"

# The same lines as the entry points in pyproject.toml (a test compares them).
BUILT_IN = {DESCRIBE: "zmhook.describe.handler:DescribeHandler"}


class SnapshotHandler(ABC):
    """Does something with each stored snapshot.

    `snapshot_handlers` names a subclass as `module:Class`, or by its entry point
    `zmhook.snapshot_handlers`. Each handler has a thread of its own, in which it is made, too.
    What it raises is logged and counted; a call that takes longer than `snapshot_handler_timeout`
    is given up, and another object of the class is made.
    """

    catches_up: bool = False
    """Whether it gets, at the start, what the last day brought and nobody has described."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def on_snapshot(self, snapshot: StoredSnapshot, picture: bytes) -> list[Detection] | None:
        """Handle a snapshot and its picture (a JPEG or PNG file).

        What is returned is stored with the snapshot, in the index and in the logs. Raises
        `Postponed` to be asked about the same snapshot again later.
        """

    def close(self) -> None:  # noqa: B027 - not every handler holds something
        """Free what was taken."""


def names(settings: Snapshots) -> tuple[str, ...]:
    """Return the handlers that are to run; `describe = yes` names one, too."""
    also = (DESCRIBE,) if settings.describe else ()
    return tuple(dict.fromkeys((*settings.snapshot_handlers, *also)))


def find(name: str) -> type[SnapshotHandler]:
    """Return a handler's class. Raises `SnapshotError` when there is none of that name."""
    path = name if ":" in name else location(name, GROUP, BUILT_IN)
    if path is None:
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: there is no handler '{name}'; known:"
            f" {known(GROUP, BUILT_IN)}, or module:Class of your own"
        )
    try:
        cls = imported(path, SnapshotHandler)  # type: ignore[type-abstract]
    except Exception as error:
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: '{name}' ({path}) cannot be imported:"
            f" {type(error).__name__}: {error}"
        ) from error
    if "on_snapshot" in cls.__abstractmethods__:
        raise SnapshotError(
            f"[snapshots] snapshot_handlers: '{name}' ({path}) has no on_snapshot: see"
            " zmhook.plugin.SnapshotHandler"
        )
    return cls


def description_of(handler: str, detections: Iterable[Detection]) -> dict[str, Attribute]:
    """Return what a handler's detections add to a snapshot's description, by name.

    A description's label and attributes have their own names; other detections are listed under
    the name of the model, or of the handler where that names none.
    """
    description: dict[str, Attribute] = {}
    lists: dict[str, list[str]] = {}
    for detection in detections:
        if detection.kind == "description":
            description |= _described(detection)
        else:
            lists.setdefault(detection.model or handler, []).append(_listed(detection))
    return {**description, **{name: ", ".join(labels) for name, labels in lists.items()}}


def _described(detection: Detection) -> dict[str, Attribute]:
    own: dict[str, Attribute] = {
        "label": detection.label,
        "confidence": round(detection.confidence, 4),
    }
    return {**detection.attributes, **own, "model": detection.model}


def _listed(detection: Detection) -> str:
    attributes = ", ".join(f"{name} {value}" for name, value in detection.attributes.items())
    return f"{detection.label} {detection.confidence:.0%}" + (
        f" ({attributes})" if attributes else ""
    )
