"""The service's log: its own lines, and those of the workers in their monitors' logs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.logs import Logs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from zmhook.service.live import LiveConfig
    from zmhook.service.wire import Record


class Records:
    """Call it with a worker's record; a context manager that opens and closes the log."""

    def __init__(self, config: LiveConfig, *, debug: bool = False) -> None:
        self._config = config
        self._debug = debug
        self._logger = logging.getLogger("zmhook.worker")

    def __enter__(self) -> Self:
        general = self._config.current().general
        self._logs = Logs(general, None, debug=self._debug, in_force=self._config.in_force)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._logs.close()

    def __call__(self, record: Record, monitor_id: int | None) -> None:
        """Write a worker's line as if it had been logged here."""
        made = logging.LogRecord(
            self._logger.name, record.level, record.path, record.line, record.text, None, None
        )
        made.monitor_id = monitor_id
        self._logger.handle(made)
