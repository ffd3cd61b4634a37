"""Queue the jobs of an event for after its answer, start their worker, and count what waits.

`enqueue` writes what the jobs need into the spool and makes sure that a process works on them. It
costs milliseconds, waits for nobody and never raises.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from zmhook.jobs.kinds import LANES, due_of, kind_of
from zmhook.jobs.spool import ASIDE, FAILED, MOST, NotStored, Spool, Unit, entry_name
from zmhook.jobs.work import pack
from zmhook.process.environment import start_detached
from zmhook.render.line import is_reported
from zmhook.storage.disk import FULL, release_reserve, trouble

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.decide import Decided
    from zmhook.event import Event
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FFMPEG_THREADS"), "1"
)
_started: list[subprocess.Popen[bytes]] = []


def jobs_for(decided: Decided, settings: Settings, *, notes: bool = False) -> list[str]:
    """Return the jobs that the settings ask for about this event.

    None for a picture without an event, and for one about which nobody is told. `notes` says
    that notes are written at once, so that what is left is to see whether they stay.
    """
    if decided.decision.event.id is None or not is_reported(decided.decision, settings):
        return []
    jobs = list(messages(settings))
    if decided.decision.outcome == "alarm":
        jobs += _at_zoneminder(decided, settings, notes=notes)
    return jobs


def messages(settings: Settings) -> Iterator[str]:
    """Yield the jobs that send messages, one for each address."""
    notify = settings.notify
    if notify.notify_mqtt:
        yield "mqtt"
    if notify.notify_webhook:
        yield "webhook"
    if notify.notify_apprise:
        from zmhook.settings.notify import addresses_of

        # One job for each address: one that fails does not send the others again.
        for number, _ in enumerate(addresses_of(notify.notify_apprise.reveal()), 1):
            yield f"apprise-{number}"


def _at_zoneminder(decided: Decided, settings: Settings, *, notes: bool) -> Iterator[str]:
    if settings.general.portal and settings.general.tag_detected_objects:
        yield "tags"
    if settings.general.portal and notes:
        yield "notes-again"
    elif settings.general.portal and settings.general.write_notes:
        yield "notes"
    if settings.animation.create_animation and decided.frame:
        yield "animation"


def enqueue(decided: Decided, settings: Settings, jobs: Sequence[str]) -> None:
    """Have the jobs (of `jobs_for`) done in the background, also when this process ends now."""
    if not jobs:
        return
    event = decided.decision.event
    spool = Spool.of(settings.general.base_data_path)
    packed = pack(decided, settings)
    try:
        _store(spool, packed, jobs, event)
    except NotStored as error:
        _send_from_memory(spool, packed, error, event)
        if len(error.left) == len(jobs):
            return
    try:
        _warn_of_trimmed(spool)
        start(spool, jobs)
    except OSError as error:
        log.warning(
            "%s: %s waits for the next event, no process can be started for it: %s: %s",
            event,
            ", ".join(jobs),
            error.filename or spool.folder,
            error.strerror or error,
        )


def _store(spool: Spool, packed: tuple[bytes, bytes], jobs: Sequence[str], event: Event) -> None:
    """Store jobs; on a full disk once more, in the room of the reserve. Raises `NotStored`."""
    try:
        spool.add(*packed, jobs, event.monitor_id)
    except NotStored as error:
        if error.errno not in FULL or not release_reserve(spool.folder):
            raise
        log.warning("%s (the reserve for messages is in use now)", trouble(error, spool.folder))
        spool.add(*packed, error.left, event.monitor_id)


def _send_from_memory(
    spool: Spool, packed: tuple[bytes, bytes], error: NotStored, event: Event
) -> None:
    """Have what the disk does not take tried once, by a process that needs no disk."""
    from zmhook.jobs import from_memory

    why = trouble(error, spool.folder)
    jobs = [job for job in error.left if from_memory.can_do(job)]
    lost = [job for job in error.left if job not in jobs]
    if lost:
        log.error("%s: %s is lost: %s", event, ", ".join(lost), why)
    if not jobs:
        return
    entry = entry_name(event.monitor_id)
    try:
        process = from_memory.start(entry, jobs, packed, ONE_THREAD)
    except (OSError, from_memory.NotTaken) as failure:
        log.error("%s: %s is lost: %s; %s", event, ", ".join(jobs), why, failure)  # noqa: TRY400
        return
    _keep(process)
    log.error("%s: %s is sent from memory, once only: %s", event, ", ".join(jobs), why)


def start(spool: Spool, jobs: Iterable[str]) -> None:
    """Start a process for each kind of jobs, where nobody is free to work on them."""
    kinds = [kind for kind in map(kind_of, jobs) if kind]
    for lane in dict.fromkeys(kind.lane for kind in kinds):
        waiting = spool.waiting(lane)
        if waiting is None:
            continue  # somebody waits there, who looks again in a moment
        os.close(waiting)
        slot = spool.slot(lane, LANES[lane])
        if slot is not None:
            try:
                arguments = command(spool, lane, slot)
                _keep(start_detached(arguments, pass_fds=[slot], variables=ONE_THREAD))
            finally:
                os.close(slot)


def command(spool: Spool, lane: str, slot: int) -> list[str]:
    """Return what runs the process that works in the place whose lock is the open file `slot`."""
    module = [sys.executable, "-m", "zmhook.jobs.job_process"]
    return [*module, "--spool", str(spool.folder), "--lane", lane, "--slot", str(slot)]


def _keep(process: subprocess.Popen[bytes]) -> None:
    """Keep it until it has ended, so that no zombie is left of it."""
    _started[:] = [child for child in _started if child.poll() is None]
    _started.append(process)


def _warn_of_trimmed(spool: Spool) -> None:
    gone = spool.trim()
    if gone:
        log.warning(
            "%s: more than %d jobs wait, the %d oldest were given up (%s): is the network down?",
            spool.folder,
            MOST,
            len(gone),
            ", ".join(sorted({unit.job for unit in gone})),
        )


# -- what waits ------------------------------------------------------------------------------------


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
