"""Run the trials of a configuration at once, none for longer than it may take."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from zmhook.doctor.trials import SECONDS
from zmhook.errors import SettingsError, ZmhookError
from zmhook.printable import one_line
from zmhook.settings.model import without_secrets
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.doctor.trials import Trial
    from zmhook.settings import Settings

GRACE = 5.0
"""Seconds beyond a trial's own limit after which it is given up."""


class Outcome(NamedTuple):
    """The result of a trial: one line, without any secret of the settings."""

    name: str
    works: bool
    message: str
    seconds: float


def run(
    trials: Sequence[Trial], settings: Sequence[Settings], seconds: float = SECONDS + GRACE
) -> Iterator[Outcome]:
    """Yield the outcome of each trial as it ends; after `seconds` those that hang are given up.

    `settings` are all those with secrets to mask. Raises nothing.
    """
    done: SimpleQueue[Outcome] = SimpleQueue()
    left = {trial.name for trial in trials}
    for trial in trials:
        Thread(target=lambda trial=trial: done.put(_tried(trial, settings)), daemon=True).start()
    until = time.monotonic() + seconds
    while left:
        try:
            outcome = done.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        left.discard(outcome.name)
        yield outcome
    for name in sorted(left):
        yield Outcome(name, False, f"took more than {seconds:g} s", seconds)


def _tried(trial: Trial, settings: Sequence[Settings]) -> Outcome:
    began = time.monotonic()
    works = False
    try:
        message, works = trial.run(), True
    except SettingsError as error:
        message = "; ".join(map(str, error.problems))
    except ZmhookError as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001 - a broken trial must not hide the others
        message = unexpected(error)
    # Masked before and after shortening, which may cut a secret in two.
    line = without_secrets(one_line(without_secrets(message, settings)), settings)
    return Outcome(trial.name, works, line, time.monotonic() - began)
