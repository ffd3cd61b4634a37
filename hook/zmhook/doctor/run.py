"""Trying many things at once, none for longer than it may take."""

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
"""Seconds after which what has not ended by itself is not waited for any more."""


class Outcome(NamedTuple):
    """What came of a trial: one line, without any secret of the settings."""

    name: str
    works: bool
    said: str
    seconds: float


def run(
    trials: Sequence[Trial], settings: Sequence[Settings], seconds: float = SECONDS + GRACE
) -> Iterator[Outcome]:
    """Yield what comes of each, as it comes; after `seconds` what hangs is given up.

    `settings` are all that have secrets. Raises nothing.
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
        said, works = trial.run(), True
    except SettingsError as error:
        said = "; ".join(map(str, error.problems))
    except ZmhookError as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - one that breaks must not hide the others
        said = unexpected(error)
    # Cleaned of what may cut a secret in two first.
    line = without_secrets(one_line(without_secrets(said, settings)), settings)
    return Outcome(trial.name, works, line, time.monotonic() - began)
