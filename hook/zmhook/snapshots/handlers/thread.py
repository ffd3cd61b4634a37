"""Run a handler in a thread of its own, which can be abandoned when it hangs.

An executor of `concurrent.futures` would not do: at its end Python waits for the threads of each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings
    from zmhook.snapshots.handlers.base import SnapshotHandler
    from zmhook.snapshots.snapshot import StoredSnapshot

    Detections = list[Detection] | None


class HandlerTimeout(Exception):
    """A call that did not return in time."""


class _Call(NamedTuple):
    work: Callable[[], Any]
    result: Future[Any]


class HandlerThread:
    """Makes a handler for each settings at its first call with them; one call at a time."""

    def __init__(self, name: str, handler_class: Callable[[Settings], SnapshotHandler]) -> None:
        self._handler_class = handler_class
        self._handlers: dict[int, tuple[Settings, SnapshotHandler]] = {}
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"handler-{name}", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def call(self, settings: Settings, snapshot: StoredSnapshot, picture: bytes) -> Detections:
        """Return the handler's detections. Raises what it raises, and `HandlerTimeout`.

        After a `HandlerTimeout` nothing else may be called but `abandon`.
        """
        timeout = settings.snapshots.snapshot_handler_timeout
        detections: Detections = self._submit(
            lambda: self._handler(settings).on_snapshot(snapshot, picture), timeout
        )
        return detections

    def close(self, timeout: float) -> None:
        """Close the handlers, and end. Raises what one raises, and `HandlerTimeout`."""
        try:
            for _, handler in self._handlers.values():
                self._submit(handler.close, timeout)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the thread when its call returns, if it ever does."""
        self._calls.put(None)

    def _handler(self, settings: Settings) -> SnapshotHandler:
        if id(settings) not in self._handlers:
            self._handlers[id(settings)] = settings, self._handler_class(settings)
        return self._handlers[id(settings)][1]

    def _submit(self, work: Callable[[], Any], timeout: float) -> Any:
        result: Future[Any] = Future()
        self._calls.put(_Call(work, result))
        done, _ = wait([result], timeout)
        if not done:
            raise HandlerTimeout
        return result.result()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.result.set_result(call.work())
            except Exception as error:  # noqa: BLE001 - a stranger's code
                call.result.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - a handler's exit() ends nothing here
                call.result.set_exception(RuntimeError(f"it raised {type(error).__name__}"))
