"""Drop everything at times when nobody wants to be told."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context


def reason(detection: Detection, context: Context) -> str | None:  # noqa: ARG001 - as every rule
    gate = context.settings.gate
    if not gate.quiet_times and not gate.active_times:
        return None
    minute = int(context.now // 60)
    for time in gate.quiet_times:
        if _is(time, minute):
            return f"quiet at {_clock(minute)} (quiet_times {time})"
    if gate.active_times and not any(_is(time, minute) for time in gate.active_times):
        return f"{_clock(minute)} is in none of active_times"
    return None


@lru_cache(maxsize=256)
def _is(time: str, minute: int) -> bool:
    from cronsim import CronSim

    now = _local(minute)
    return next(CronSim(time, now - timedelta(minutes=1)), None) == now


def _local(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60)  # noqa: DTZ006 - people write local times


def _clock(minute: int) -> str:
    return f"{_local(minute):%a %H:%M}"
