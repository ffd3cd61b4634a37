"""How many jobs wait, failed or were set aside: for the service's status and its metrics."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from zmhook.jobs.jobs import due_of
from zmhook.jobs.spool import ASIDE, FAILED, Spool

if TYPE_CHECKING:
    from zmhook.jobs.spool import Unit


def backlog(base_data_path: str) -> dict[str, Any]:
    """Return plain data; ages in seconds, None without a job. Raises nothing.

    `retried` are those that wait and were tried before; `failed` those that were given up within a
    day; `oldest_s` is how long ago the event of the oldest one was answered, `overdue_s` for how
    long the one that is overdue most could have been done; `error` says why
    nothing is known, or can be stored.
    """
    spool = Spool.of(base_data_path)
    try:
        waiting, failed, aside = (spool.units(ending) for ending in ("", FAILED, ASIDE))
    except OSError as error:
        return {**_counted([], [], []), "error": f"{spool.folder}: {error.strerror}"}
    return _counted(waiting, failed, aside)


def _counted(waiting: list[Unit], failed: list[Unit], aside: list[Unit]) -> dict[str, Any]:
    now = time.time()
    late = [now - due for unit in waiting if (due := due_of(unit, now)) <= now]
    return {
        "waiting": len(waiting),
        "retried": sum(unit.tries > 0 for unit in waiting),
        "failed": len(failed),
        "set_aside": len(aside),
        "oldest_s": _age(max((now - unit.born for unit in waiting), default=None)),
        "overdue_s": _age(max(late, default=None)),
        "by_job": dict(sorted(Counter(unit.job for unit in waiting).items())),
        "error": "",
    }


def _age(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(0.0, seconds), 1)
