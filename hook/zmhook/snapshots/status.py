"""The collector's status, a small file in the store's folder."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, json

from zmhook.snapshots.counts import Totals
from zmhook.storage import atomic
from zmhook.storage.regular import read as read_file
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from os import PathLike

NAME = "collector.json"
LARGEST = 10_000_000

log = logging.getLogger(__name__)


class CollectorStatus(Struct, frozen=True, kw_only=True):
    """The state at `at`, seconds since the epoch as `since` is (of the connection, or its loss).

    `problem` says why there is no connection, `store_problem` why nothing is stored; empty when
    all is well. `waiting` is how many messages are not stored yet.
    """

    pid: int
    at: float
    broker: str
    topics: tuple[str, ...]
    connected: bool
    since: float
    counts: Totals
    problem: str = ""
    store_problem: str = ""
    waiting: int = 0
    ended: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the process is still there; another may have its number by now."""
        return not self.ended and Path("/proc", str(self.pid)).exists()


def write(folder: str | PathLike[str], status: CollectorStatus) -> None:
    """Write the file; one that cannot be written is no reason to stop."""
    try:
        atomic.write(Path(folder, NAME), json.encode(status))
    except OSError as error:
        log.debug("%s: the status cannot be written: %s", folder, error)


def read(folder: str | PathLike[str]) -> CollectorStatus | None:
    """Return what was written last; None when there is nothing that can be read."""
    with contextlib.suppress(OSError, Unreadable):
        return decoded(read_file(Path(folder, NAME), LARGEST), CollectorStatus)
    return None
