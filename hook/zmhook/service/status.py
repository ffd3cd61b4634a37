"""Report the state of the service as plain data."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.jobs.enqueue import backlog
from zmhook.storage.corruption import COUNT_SUFFIX, damage_count
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.service.pool import Slot
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Config, Settings


async def status(supervisor: Supervisor) -> dict[str, Any]:
    """Return plain data: times in seconds since the epoch, durations in ms, memory in MB."""
    settings = supervisor.config.current().general
    folder = settings.general.base_data_path
    # A disk may take its time, and nobody else is to wait for it.
    jobs = await asyncio.to_thread(backlog, folder)
    broken = await asyncio.to_thread(damaged_databases, supervisor.config.current())
    collector = await asyncio.to_thread(_collector, settings.snapshots.snapshot_path)
    stats = supervisor.stats
    return {
        "version": __version__,
        "pid": os.getpid(),
        "uptime_s": round(stats.uptime(), 1),
        "config": supervisor.config.path,
        "config_error": supervisor.config.error,
        "problems": supervisor.problems(),
        "workers": [_worker(slot) for slot in supervisor.pool.slots],
        "queue": {
            "size": supervisor.queue.size,
            "waiting": len(supervisor.queue),
            "per_monitor": {str(mid): n for mid, n in supervisor.queue.depths().items()},
        },
        "events": dict(stats.outcomes),
        "inference_requests": dict(stats.inference_requests),
        "refused": stats.refused,
        "dropped": stats.dropped,
        "restarts": stats.restarts,
        "stages_ms": stats.stages(),
        "last_errors": stats.last_errors,
        "jobs": jobs,
        "damaged": broken,
        "collector": collector,
    }


def _collector(folder: str) -> dict[str, Any] | None:
    """Return what the collector of snapshots has written of itself; None if nothing."""
    from msgspec import to_builtins

    from zmhook.snapshots.status import read

    written = read(folder)
    if written is None:
        return None
    counts = written.counts
    return {
        "connected": written.is_running and written.connected,
        "waiting": written.waiting,
        "topics": to_builtins(counts.topics),
        "unused": to_builtins(counts.unused),
    }


def _worker(slot: Slot) -> dict[str, Any]:
    return {
        "pid": slot.worker.pid if slot.worker else None,
        "event": str(slot.ticket) if slot.ticket else "",
        "rss_mb": round(slot.rss_mb, 1),
        "models": slot.models,
    }


def damaged_databases(config: Config) -> dict[str, dict[str, Any]]:
    """Return, by path, how often each database was damaged; of the last time when and why.

    Times are seconds since the epoch. Raises nothing: a folder that cannot be read has none.
    """
    settings = (config.general, *config.monitors.values())
    folders = dict.fromkeys(folder for each in settings for folder in _folders(each))
    damages = {path: damage_count(path) for folder in folders for path in _databases(folder)}
    return {
        str(path): {"count": damage.count, "last": damage.last, "reason": damage.reason}
        for path, damage in sorted(damages.items())
        if damage.count
    }


def _folders(settings: Settings) -> Iterator[Path]:
    base = Path(settings.general.base_data_path)
    yield from (base / "cache", base / "state", Path(settings.gate.state_path))
    yield Path(settings.history.history_path).parent
    yield Path(settings.snapshots.snapshot_path)


def _databases(folder: Path) -> list[Path]:
    try:
        names = [path.name for path in folder.iterdir() if path.name.endswith(COUNT_SUFFIX)]
    except OSError:
        return []
    return [folder / name.removesuffix(COUNT_SUFFIX) for name in names]
