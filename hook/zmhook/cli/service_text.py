"""The service's status as text and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.cli.tables import Block, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400
DAMAGE_SHOWN = 7 * DAY
"""Seconds for which a damaged file is reported."""
OUTCOMES = ("alarm", "nothing", "undecided")
_INFERENCE = {
    "answered": "answered",
    "refused": "refused, no usable picture",
    "failed": "failed, queue full, too late or no worker",
}


def blocks(
    status: dict[str, Any], socket: Path, now: float, names: Mapping[int, str] | None = None
) -> Iterator[Block]:
    """Yield the response of `GET /status` as blocks.

    `now` is in seconds since the epoch; `names` are those of monitors.
    """
    names = names or {}
    yield f"zmhook {status['version']} runs at {socket} (process {status['pid']})"
    yield f"up for {age(status['uptime_s'])}, configuration {status['config']}"
    if status["config_error"]:
        error = status["config_error"]
        yield f"PROBLEM: the last edit of the configuration is not in force: {error}"
    yield from (f"PROBLEM: {problem}" for problem in status.get("problems", ()))
    yield from _queue(status["queue"], names)
    yield _workers(status["workers"])
    yield _events(status)
    if requests := status.get("inference_requests"):
        yield _inference(requests)
    if jobs := status.get("jobs"):
        yield from backlog(jobs)
    yield from _damaged(status.get("damaged", {}), now)
    if status["stages_ms"]:
        yield _stages(status["stages_ms"])
    if status["last_errors"]:
        yield _errors(status["last_errors"], now, names)


def age(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _queue(queue: dict[str, Any], names: Mapping[int, str]) -> Iterator[str]:
    waiting = "; ".join(f"{_monitor(mid, names)}: {n}" for mid, n in queue["per_monitor"].items())
    yield f"{queue['waiting']} of at most {queue['size']} events wait{waiting and f' ({waiting})'}"


def _damaged(files: dict[str, dict[str, Any]], now: float) -> Iterator[Block]:
    for path, damage in files.items():
        if now - damage["last"] < DAMAGE_SHOWN:
            times = "once" if damage["count"] == 1 else f"{damage['count']} times"
            yield (
                f"PROBLEM: {path} was damaged {times}, last {age(now - damage['last'])} ago"
                f" ({damage['reason']}); its old contents are beside it, *.damaged-*"
            )


def backlog(jobs: dict[str, Any]) -> Iterator[Block]:
    """Yield the state of the background jobs: messages, notes, tags and films."""
    if jobs["error"]:
        yield f"PROBLEM: jobs cannot be stored or read: {jobs['error']}"
    counts = {
        "waiting": jobs["waiting"],
        "  of these tried before": jobs["retried"],
        "failed within a day": jobs["failed"],
        "set aside as unreadable": jobs["set_aside"],
    }
    rows = [(name, str(count)) for name, count in counts.items()]
    for name, key in (("age of the oldest", "oldest_s"), ("overdue by", "overdue_s")):
        if jobs[key] is not None:
            rows.append((name, age(jobs[key])))
    rows += [(f"waiting: {job}", str(count)) for job, count in jobs["by_job"].items()]
    yield Table("Background jobs", ("jobs", "count"), rows, frozenset({1}))


def _workers(workers: list[dict[str, Any]]) -> Table:
    rows = [
        (
            str(worker["pid"]),
            f"{worker['rss_mb']:.0f} MB",
            ", ".join(worker["models"]) or "none loaded",
            worker["event"] or "idle",
        )
        if worker["pid"]
        else ("-", "-", "unloaded until the next event", "-")
        for worker in workers
    ]
    head = ("process", "memory", "models", "state")
    return Table("Workers", head, rows, frozenset({0, 1}), wrapped=frozenset({2, 3}))


def _events(status: dict[str, Any]) -> Table:
    counts = {outcome: status["events"].get(outcome, 0) for outcome in OUTCOMES}
    counts |= {
        "  of these refused, queue full": status["refused"],
        "dropped, caller gone": status["dropped"],
        "workers replaced": status["restarts"],
    }
    rows = [(name, str(count)) for name, count in counts.items()]
    return Table("Events", ("outcome", "count"), rows, frozenset({1}))


def _inference(requests: dict[str, int]) -> Table:
    rows = [(_INFERENCE[name], str(requests[name])) for name in _INFERENCE if name in requests]
    return Table("Inference requests of other machines", ("outcome", "count"), rows, frozenset({1}))


def _stages(stages: dict[str, dict[str, float]]) -> Table:
    rows = [
        (stage, f"{times['events']:.0f}", f"{times['p50']:.1f}", f"{times['p95']:.1f}")
        for stage, times in stages.items()
    ]
    head = ("stage", "events", "p50 ms", "p95 ms")
    return Table("Time of the last events", head, rows, frozenset({1, 2, 3}))


def _errors(errors: dict[str, dict[str, Any]], now: float, names: Mapping[int, str]) -> Table:
    rows = [
        (_monitor(mid, names), f"{age(now - error['at'])} ago", error["error"])
        for mid, error in errors.items()
    ]
    return Table("Last error of each monitor", ("monitor", "when", "error"), rows)


def _monitor(mid: str, names: Mapping[int, str]) -> str:
    """Name the origin of an event: a monitor, or a remote client by its address."""
    if mid == "None":
        return "no monitor"
    if not mid.isdigit():
        return mid
    name = names.get(int(mid))
    return f"monitor {mid} ({name})" if name else f"monitor {mid}"
