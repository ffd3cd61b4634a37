"""A handler's object in a thread of its own, which can be left behind when it hangs."""

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

    Found = list[Detection] | None


class Hung(Exception):
    """A call that did not come back in time."""


class _Call(NamedTuple):
    work: Callable[[], Any]
    result: Future[Any]


class Worker:
    """Makes a handler for each settings when it is called first with them; one call at a time."""

    def __init__(self, name: str, made_by: Callable[[Settings], SnapshotHandler]) -> None:
        self._made_by = made_by
        self._handlers: dict[int, tuple[Settings, SnapshotHandler]] = {}
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"handler-{name}", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def call(self, settings: Settings, snapshot: StoredSnapshot, picture: bytes) -> Found:
        """Return what the handler says. Raises what it raises, and `Hung`.

        After a `Hung` nothing else may be called but `leave`.
        """
        timeout = settings.snapshots.snapshot_handler_timeout
        found: Found = self._ask(
            lambda: self._handler(settings).on_snapshot(snapshot, picture), timeout
        )
        return found

    def close(self, timeout: float) -> None:
        """Close the handlers, and end. Raises what one raises, and `Hung`."""
        try:
            for _, handler in self._handlers.values():
                self._ask(handler.close, timeout)
        finally:
            self.leave()

    def leave(self) -> None:
        """End the thread when what it does comes to an end, if it ever does."""
        self._calls.put(None)

    def _handler(self, settings: Settings) -> SnapshotHandler:
        if id(settings) not in self._handlers:
            self._handlers[id(settings)] = settings, self._made_by(settings)
        return self._handlers[id(settings)][1]

    def _ask(self, work: Callable[[], Any], timeout: float) -> Any:
        result: Future[Any] = Future()
        self._calls.put(_Call(work, result))
        done, _ = wait([result], timeout)
        if not done:
            raise Hung
        return result.result()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.result.set_result(call.work())
            except Exception as error:  # noqa: BLE001 - a stranger's code
                call.result.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - a handler's exit() ends nothing here
                call.result.set_exception(RuntimeError(f"it raised {type(error).__name__}"))
