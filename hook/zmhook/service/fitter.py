"""Have networks fitted to the pictures that came, in a process beside the service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

from zmhook.detectors.yolo.fitted_files import any_needed
from zmhook.process.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.service.config_watch import ConfigWatch

log = logging.getLogger(__name__)

PAUSE = 30.0
"""Seconds between two looks at what is needed."""
LONGEST = 600.0
NICENESS = 15


class Fitter:
    """Makes what is needed, each once in the life of a service."""

    def __init__(self, config: ConfigWatch, pause: Callable[[], float] = lambda: PAUSE) -> None:
        self._config = config
        self._pause = pause
        self._tried: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look again and again until cancelled; a process that runs then is killed."""
        while True:
            needed = self._needed()
            if needed - self._tried:
                self._tried |= needed
                await self._fit()
            await asyncio.sleep(self._pause())

    def _needed(self) -> frozenset[str]:
        config = self._config.current()
        if not any(settings.yolo.yolo_fit for settings in config.in_force()):
            return frozenset()
        return any_needed(config.general.general)

    async def _fit(self) -> None:
        arguments = ["models", "fit", "--needed", "--config", self._config.path]
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "zmhook.cli.main", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd="/",
                env={**child_environment(), "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            log.warning("no network is fitted: %s", error.strerror)
            return
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        try:
            output, _ = await asyncio.wait_for(process.communicate(), LONGEST)
        except asyncio.TimeoutError:
            log.warning("no network is fitted: it took more than %.0f s", LONGEST)
            return
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        level = logging.WARNING if process.returncode else logging.INFO
        for line in output.decode("utf-8", "replace").splitlines():
            log.log(level, "%s", line)
