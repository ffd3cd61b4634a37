"""The kinds of jobs that run after an answer: their function, attempts and time limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from zmhook.settings import Settings

if TYPE_CHECKING:
    from zmhook.jobs.spool import Unit
    from zmhook.jobs.work import Work

MESSAGES, FILMS = "messages", "films"
LANES = {MESSAGES: 3, FILMS: 1}
"""How many processes may work on each kind of jobs: a film keeps no message waiting."""

HOUR, DAY = 3600.0, 86400.0
LONGEST_PAUSE = 600.0
"""Seconds between two attempts at the most, whatever the other side asks for."""
SET_RIGHT = 60.0
"""Seconds by which a clock is set back without more ado."""
_PARTS = re.compile(r"(.+?)(?:-(\d+))?")


class JobKind(NamedTuple):
    """How a job is done.

    `run` names a module of zmhook and a function of it that takes the `Work`. `tries` and `pause`
    say how often and after how many seconds it is tried (the pause doubles, unless `steady`);
    `seconds` is what one attempt may take before its process is ended, `age` how old its event
    may become before it is given up. `delay` is after how many seconds at the most its first
    attempt may be wanted.
    """

    run: str
    tries: Callable[[Settings], int]
    pause: Callable[[Settings], float]
    seconds: Callable[[Settings], float]
    age: float = HOUR
    lane: str = MESSAGES
    steady: bool = False
    delay: float = 0.0

    def wait(self, settings: Settings, tries: int) -> float:
        """Return the seconds between the attempt number `tries` and the next one."""
        pause = self.pause(settings)
        return pause if self.steady else min(pause * 2.0 ** (tries - 1), LONGEST_PAUSE)

    def function(self) -> Callable[[Work], None]:
        module, _, name = self.run.partition(":")
        parts: Callable[[Work], None] = getattr(import_module(f"zmhook.{module}"), name)
        return parts


def _message(run: str, age: float = HOUR, delay: float = 0.0) -> JobKind:
    return JobKind(
        run,
        tries=lambda settings: settings.notify.notify_max_tries,
        pause=lambda settings: settings.notify.notify_retry_sleep,
        # The part of an attempt that is no waiting: packages are imported, a picture is drawn.
        seconds=lambda settings: settings.notify.notify_timeout * 2 + 20,
        age=age,
        delay=delay,
    )


def _at_zoneminder(run: str, tries: int, pause: float) -> JobKind:
    return JobKind(
        run,
        tries=lambda _: tries,
        pause=lambda _: pause,
        seconds=lambda settings: settings.general.portal_timeout * 6 + 20,
    )


KINDS = {
    "mqtt": _message("notify.mqtt:send"),
    # Late is better than never: a state that stays on would hide the next alarm.
    "mqtt-off": _message("notify.mqtt:switch_off", age=2 * DAY, delay=DAY),
    "webhook": _message("notify.webhook:send"),
    "apprise": _message("notify.apprise:send"),
    "tags": _at_zoneminder("report.tags:run", tries=4, pause=10.0),
    "notes": _at_zoneminder("report.notes:run_write", tries=40, pause=5.0),
    "notes-again": _at_zoneminder("report.notes:run_check", tries=40, pause=5.0),
    "notes-last": _at_zoneminder("report.notes:run_last_check", tries=40, pause=5.0),
    "animation": JobKind(
        "report.animation:run",
        tries=lambda settings: settings.animation.animation_max_tries,
        pause=lambda settings: settings.animation.animation_retry_sleep,
        seconds=lambda _: 240.0,
        age=DAY,
        lane=FILMS,
        steady=True,
    ),
}


def kind_of(job: str) -> JobKind | None:
    """Return how the job `apprise-2` is done; None for one that this version does not know."""
    return KINDS.get(job) or KINDS.get(name_of(job))


def due_of(unit: Unit, now: float) -> float:
    """Return when a job is due, in seconds since 1970; never later than it can be wanted.

    What its name says may come from a clock that was ahead and has been set back: it is due now.
    """
    kind = kind_of(unit.job)
    delay = kind.delay if kind and not unit.tries else 0.0
    is_wrong = unit.due > now + delay + LONGEST_PAUSE + SET_RIGHT
    return now if is_wrong else unit.due_at(now)


def name_of(job: str) -> str:
    parts = _PARTS.fullmatch(job)
    return parts[1] if parts else job


def number_of(job: str) -> int:
    """Return the number at the end of a job's name: which of several addresses it is for."""
    parts = _PARTS.fullmatch(job)
    return int(parts[2] or 0) if parts else 0
