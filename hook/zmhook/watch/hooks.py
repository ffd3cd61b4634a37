"""Run the hook, zm_event_start.sh, for some events at a time.

It is the program that a notification server calls: the service decides, or is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from zmhook.errors import WatchError
from zmhook.event import Event
from zmhook.exit_codes import DETECTED, NOTHING, UNDECIDED

SCRIPT = "zm_event_start.sh"
MOST_AT_ONCE = 8
SPARE_SECONDS = 10.0
"""How much longer than `event_deadline` a hook may take: it ends by itself before."""
OUTCOMES = {DETECTED: "alarm", NOTHING: "nothing", UNDECIDED: "undecided"}


class Running(NamedTuple):
    """A hook, and when it must have ended (`time.monotonic`)."""

    process: subprocess.Popen[bytes]
    event: Event
    end: float


class Finished(NamedTuple):
    """An event and what came of it: a field of `status.EventCounts`."""

    event: Event
    outcome: str


class Hooks:
    """The hooks that run; raises `WatchError` when the program is not there."""

    def __init__(self, config: str, script: Path | None = None) -> None:
        self._script = script or find_script()
        self._environment = {
            **os.environ,
            "ZMHOOK_CONFIG": config,
            "ZMHOOK_PYTHON": sys.executable,
        }
        self._running: list[Running] = []

    def __len__(self) -> int:
        return len(self._running)

    @property
    def has_room(self) -> bool:
        return len(self._running) < MOST_AT_ONCE

    def start(self, event: Event, seconds: float) -> None:
        """Start the hook for an event that has so many seconds. Raises `OSError`."""
        arguments = (event.id, event.monitor_id, event.monitor_name, event.cause, event.folder)
        process = subprocess.Popen(
            [self._script, *map(_argument, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what is detected is in the log, and in the event
            env=self._environment,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for us
        )
        self._running.append(Running(process, event, time.monotonic() + seconds + SPARE_SECONDS))

    def finished(self) -> list[Finished]:
        """Return those that have ended, and end those that take too long."""
        for hook in self._running:
            if hook.process.poll() is None and time.monotonic() > hook.end:
                _kill(hook)
        ended = [hook for hook in self._running if hook.process.returncode is not None]
        self._running = [hook for hook in self._running if hook.process.returncode is None]
        return [
            Finished(hook.event, OUTCOMES.get(hook.process.returncode, "failed")) for hook in ended
        ]

    def seconds_left(self) -> float:
        """Return how long the last of them may still take."""
        return max((hook.end - time.monotonic() for hook in self._running), default=0.0)

    def kill(self) -> None:
        for hook in self._running:
            _kill(hook)


def _argument(value: object) -> bytes:
    """Return an argument without what none may hold: names and causes are anybody's text."""
    return str(value).replace("\0", "").encode("utf-8", "replace")


def _kill(hook: Running) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(hook.process.pid, signal.SIGKILL)
    hook.process.wait()


def find_script() -> Path:
    """Return the hook that install.sh put beside this environment, or that of a checkout.

    Raises `WatchError`.
    """
    places = script_places()
    for path in places:
        if os.access(path, os.X_OK):
            return path
    raise WatchError(f"{places[0]}: the hook is not there: run install.sh, which puts it there")


def script_places() -> list[Path]:
    """Return where the hook may be: beside this environment, or in this checkout."""
    checkout = Path(__file__).resolve().parents[3]
    return [folder / SCRIPT for folder in (Path(sys.prefix).parent / "bin", checkout)]
