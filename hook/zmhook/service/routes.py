"""Route the requests that the service answers over its socket, and report its status.

`POST /decide` (form: eid, mid, name, cause, path, config) answers for zm_event_start.sh, whose
clients read the status: 200 with the line is an alarm, a redirect (to nowhere) is "nothing
detected", 422 is "no decision", 400 "that is no number", the last two with the reason. Each is a
class of its own, so that no client can take an error for "nothing"; whatever else happens the hook
takes for "no service here". curl can tell them too, by its exit code: `curl -fL --max-redirs 0`
ends with 0, 47 and 22.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from msgspec import json

from zmhook import __version__
from zmhook.event import Event
from zmhook.jobs.enqueue import backlog
from zmhook.net.http_connection import CloseConnection, Request, Response
from zmhook.render.line import detection_line
from zmhook.render.summary import log_decision
from zmhook.service.client import ALARM, NOTHING, STOPPING, UNDECIDED
from zmhook.storage.corruption import COUNT_SUFFIX, damage_count
from zmhook.text.names import spelled
from zmhook.text.numbers import parsed, parsed_or_none

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from zmhook.service.pool import Slot
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Config, Settings


JSON = "application/json"
MOST_FIELDS = 20
PING = "ping"
"""In place of an event's number: whoever asks only wants to know whether the hook gets here."""

log = logging.getLogger(__name__)


class Routes:
    """Answers requests with what the supervisor decides and knows.

    With `public` only health and metrics: those may be asked over a network.
    """

    def __init__(self, supervisor: Supervisor, *, public: bool = False) -> None:
        self._supervisor = supervisor
        self._routes: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", "/health/live"): self._live,
            ("GET", "/health/ready"): self._ready,
            ("GET", "/metrics"): self._metrics,
        }
        if not public:
            self._routes |= {
                ("POST", "/decide"): self._decide,
                ("POST", "/stop"): self._stop,
                ("GET", "/status"): self._status,
            }

    async def __call__(self, request: Request) -> Response:
        route = self._routes.get((request.method, request.path))
        if route is None:
            return Response(404, f"nothing at {request.method} {request.path}\n".encode())
        return await route(request)

    async def _decide(self, request: Request) -> Response:
        try:
            form = parse_qs(
                request.body.decode("utf-8", "replace"),
                keep_blank_values=True,
                max_num_fields=MOST_FIELDS,
                errors="surrogateescape",
            )
            if _field(form, "config") not in ("", self._supervisor.config.path):
                raise CloseConnection
            if _field(form, "eid") == PING:
                return Response(ALARM, f"zmhook {__version__}\n".encode())
            event = _event(form)
        except ValueError as error:
            log.error("%s", error)  # noqa: TRY400
            return Response(400, f"{error}\n".encode())
        decision, settings = await self._supervisor.decide(event)
        line = detection_line(decision, settings)
        log_decision(decision, line)
        if _field(form, "json"):
            return Response(ALARM, decision.to_json(), JSON)
        if line:
            return Response(ALARM, line.encode() + b"\n")
        if decision.outcome == "undecided":
            return Response(UNDECIDED, "; ".join(decision.errors).encode() + b"\n")
        return Response(NOTHING, location="http://nothing/")

    async def _stop(self, request: Request) -> Response:
        """End the service, unless the caller is only of the group that may request decisions."""
        if request.uid not in (0, os.geteuid()):
            return Response(403, b"only root and the service's own user may end it\n")
        self._supervisor.stopping.set()
        return Response(STOPPING, b"stopping\n")

    async def _status(self, _: Request) -> Response:
        return Response(200, json.encode(await status(self._supervisor)), JSON)

    async def _live(self, _: Request) -> Response:
        return Response(200, b"alive\n")

    async def _ready(self, _: Request) -> Response:
        ready = self._supervisor.is_ready()
        return Response(200 if ready else 503, b"ready\n" if ready else b"not ready\n")

    async def _metrics(self, _: Request) -> Response:
        from zmhook.service.metrics import CONTENT_TYPE, exposition

        return Response(200, exposition(await status(self._supervisor)), CONTENT_TYPE)


def _event(form: dict[str, list[str]]) -> Event:
    """Raise `ValueError` with one line when the ids are no numbers."""
    return Event(
        id=parsed(_field(form, "eid"), "event"),
        monitor_id=parsed_or_none(_field(form, "mid"), "monitor"),
        monitor_name=_field(form, "name"),
        cause=_field(form, "cause"),
        path=spelled(form.get("path", [""])[0]),
    )


def _field(form: dict[str, list[str]], name: str) -> str:
    text = form.get(name, [""])[0]
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# -- the status ------------------------------------------------------------------------------------


async def status(supervisor: Supervisor) -> dict[str, Any]:
    """Return plain data: times in seconds since the epoch, durations in ms, memory in MB."""
    settings = supervisor.config.current().general
    folder = settings.general.base_data_path
    # A disk may take its time, and nobody else is to wait for it.
    jobs = await asyncio.to_thread(backlog, folder)
    broken = await asyncio.to_thread(damaged_databases, supervisor.config.current())
    collector = await asyncio.to_thread(_collector, settings.snapshots.snapshot_path)
    watch = await asyncio.to_thread(watch_state, folder)
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
        "watch": watch,
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


def watch_state(base_data_path: str) -> dict[str, Any] | None:
    """Return what `zmhook watch` has written of itself; None if it is not used."""
    from msgspec import to_builtins

    from zmhook.watch.status import folder_of, is_running, read

    folder = folder_of(base_data_path)
    written = read(folder)
    if written is None or written.ended:
        return None
    return {
        "ok": is_running(folder) and not written.problem,
        "waiting": written.waiting,
        "events": to_builtins(written.counts),
    }


def damaged_databases(config: Config) -> dict[str, dict[str, Any]]:
    """Return, by path, how often each database was damaged; of the last time when and why.

    Times are seconds since the epoch. Raises nothing: a folder that cannot be read has none.
    """
    settings = config.in_force()
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
