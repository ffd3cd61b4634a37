"""An event's pictures in the order in which they can be had."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameError, PortalError
from zmhook.frame import Picture
from zmhook.frames.base import Pending, is_track

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.deadline import Deadline
    from zmhook.frames.base import FrameSource

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How often the background thread checks for more to ask for."""


class Arrival(NamedTuple):
    """What has become of a picture: it is there, or there is none for this reason."""

    id: str
    picture: Picture | None = None
    error: FrameError | PortalError | None = None


class PictureQueue:
    """Asks a source for pictures, and again for those that may still come.

    With `ahead`, a thread goes on asking while the caller is busy with what there is: worth it
    where asking takes time. `close` lets it end; the source is the caller's.
    """

    def __init__(self, source: FrameSource, deadline: Deadline, *, ahead: bool = False) -> None:
        self._source = source
        self._deadline = deadline
        self._ahead = ahead
        self._settled: dict[str, Arrival] = {}
        self._due: dict[str, float] = {}
        self._pending: dict[str, Pending] = {}
        self._lock = Lock()  # of the source
        self._stop = Flag()
        self._requested: list[str] = []
        self._thread: Thread | None = None

    def next(self, ids: Sequence[str], *, wait: bool) -> Arrival | None:
        """Return the first of `ids` that is settled by now; None: each of them may still come.

        With `wait` there is always one. Raises `DeadlineExceeded`.
        """
        while True:
            with self._locked(wait=wait) as is_free:
                ready = self._ready(ids, may_attempt=is_free, cheap_only=not wait)
            if isinstance(ready, Arrival):
                return ready
            if not wait:
                return None
            self._deadline.sleep(ready)

    def begin(self, ids: Sequence[str]) -> None:
        """Ask for these in the background, if `ahead`."""
        if not self._ahead:
            return
        self._requested += [frame_id for frame_id in ids if frame_id not in self._requested]
        if self._requested and not (self._thread and self._thread.is_alive()):
            # Not one of an executor's, for which the interpreter would wait in the end.
            self._thread = Thread(target=self._run_ahead, name="ahead", daemon=True)
            self._thread.start()

    def left_out(self, ids: Sequence[str]) -> None:
        """Log once why those of `ids` that may still come were not waited for."""
        for frame_id in ids:
            if frame_id in self._pending and frame_id not in self._settled:
                log.info("%s: not waited for: %s", frame_id, self._pending[frame_id].error)

    def close(self) -> None:
        self._stop.set()

    @contextmanager
    def _locked(self, *, wait: bool) -> Iterator[bool]:
        """Have the source for ourselves; say whether we have it (without `wait` perhaps not)."""
        is_free = self._lock.acquire(blocking=wait)
        try:
            yield is_free
        finally:
            if is_free:
                self._lock.release()

    def _ready(
        self, ids: Sequence[str], *, may_attempt: bool = True, cheap_only: bool = False
    ) -> Arrival | float:
        """Attempt those that are due; return one that is settled, or the seconds until the next.

        Best snapshots are waited for first, as long as `snapshot_wait` says; the others come after
        them.
        """
        soonest = float("inf")
        for frame_id in ids:
            if may_attempt and self._is_due(frame_id, cheap_only=cheap_only):
                self._attempt(frame_id)
            if frame_id in self._settled:
                return self._settled[frame_id]
            soonest = min(soonest, self._due.get(frame_id, 0.0))
            if is_track(frame_id):
                break
        return max(0.0, soonest - time.monotonic())

    def _is_due(self, frame_id: str, *, cheap_only: bool) -> bool:
        before = self._pending.get(frame_id)
        if frame_id in self._settled or (cheap_only and before and not before.is_cheap):
            return False
        return self._due.get(frame_id, 0.0) <= time.monotonic()

    def _attempt(self, frame_id: str) -> None:
        try:
            outcome = self._source.attempt(frame_id, self._deadline)
        except (FrameError, PortalError) as error:
            self._settled[frame_id] = Arrival(frame_id, error=error)
            return
        if isinstance(outcome, Pending):
            self._due[frame_id] = time.monotonic() + outcome.seconds
            self._pending[frame_id] = outcome
        else:
            self._settled[frame_id] = Arrival(frame_id, outcome)

    def _run_ahead(self) -> None:
        try:
            while self._requested and not self._stop.is_set():
                with self._lock:
                    ready = self._ready(list(self._requested))
                if isinstance(ready, Arrival):
                    self._requested.remove(ready.id)
                else:
                    self._stop.wait(min(ready, self._deadline.left(), POLL_SECONDS))
        except Exception as error:  # noqa: BLE001 - whoever waits for the picture meets it again
            log.debug("while fetching pictures ahead: %s", error)
