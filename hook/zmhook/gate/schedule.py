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
    now = datetime.fromtimestamp(context.now // 60 * 60)  # noqa: DTZ006 - people write local times
    for time in gate.quiet_times:
        if _is(time, now):
            return f"quiet at {now:%a %H:%M} (quiet_times {time})"
    if gate.active_times and not any(_is(time, now) for time in gate.active_times):
        return f"{now:%a %H:%M} is in none of active_times"
    return None


@lru_cache(maxsize=256)
def _is(time: str, now: datetime) -> bool:
    from cronsim import CronSim

    return next(CronSim(time, now - timedelta(minutes=1)), None) == now
