"""Recorded decisions in words, for people."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from zmhook.cli.tables import Block, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.detection import Decision, Detection
    from zmhook.history.read import Recorded
    from zmhook.history.schema import Entry
    from zmhook.history.stats import Day

_LIST_HEAD = ("time", "event", "monitor", "outcome", "ms", "what")
_FOUND_HEAD = ("found", "sure", "model", "box", "rule", "why")
_DAYS_HEAD = (
    *("monitor", "day", "events", "alarms", "nothing", "undecided"),
    *("decisions", "p50 ms", "p95 ms", "dropped"),
)
_DAYS_NUMBERS = frozenset(range(len(_DAYS_HEAD) - 1)) - {1}
AGAIN = "(decided again later)"


def as_json(one: Entry | Recorded, at: float) -> dict[str, Any]:
    """Return it as plain data; `time` is `at` in local time, in ISO 8601's form."""
    local = datetime.fromtimestamp(at).astimezone()
    return {"time": local.isoformat(timespec="seconds"), **to_builtins(one)}


# -- list ----------------------------------------------------------------------------------------


def listing(entries: Sequence[Entry], place: str) -> Block:
    if not entries:
        return f"No decision in {place} is like that."
    rows = [_cells(entry) for entry in entries]
    many = "decision" if len(rows) == 1 else "decisions"
    events = len({entry.event_id for entry in entries})
    of = "" if events == len(rows) else f" of {events} event{'s' if events > 1 else ''}"
    return Table(f"{len(rows)} {many}{of} in {place}", _LIST_HEAD, rows, frozenset({1, 2, 4}))


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        _time(entry.at),
        str(entry.event_id),
        _monitor(entry.monitor_id),
        entry.outcome,
        f"{entry.total:.0f}",
        _what(entry),
    )


def _what(entry: Entry) -> str:
    """Return what was answered, else why nothing was."""
    what = entry.line or entry.error
    if not what:
        what = f"dropped: {_counts(entry.drops)}" if entry.drops else "nothing found"
    return what if entry.last else f"{what} {AGAIN}"


# -- show ----------------------------------------------------------------------------------------


def all_explained(found: Sequence[Recorded]) -> Iterator[Block]:
    """Yield all decisions of an event, the first one first; of several the last one counts."""
    if len(found) > 1:
        yield f"{found[0].decision.event} was decided {len(found)} times; the last one counts"
        yield ""
    for one in found:
        yield from explained(one)


def explained(one: Recorded) -> Iterator[Block]:
    """Yield all that is known of a decision: what was kept, what was dropped by which rule."""
    decision = one.decision
    yield f"{_title(decision)}, {_time(decision.event.asked)}"
    yield f"{decision.outcome}: {one.line}" if one.line else decision.outcome
    if decision.frame:
        frame = decision.frame
        yield f"frame {frame.id}, {frame.width}x{frame.height} pixels, from {frame.origin}"
    for problem in [*decision.errors, *decision.skipped]:
        yield f"problem: {problem}"
    yield _found(decision)
    if decision.timings:
        yield ", ".join(f"{stage} {took:.0f} ms" for stage, took in decision.timings.items())
    yield f"made by zmhook {one.version}, settings {one.settings[:12]}"
    for file in one.models:
        yield f"{file.model}: {file.path} (SHA-256 {file.sha256[:12] or 'unknown'})"
    yield ""


def _title(decision: Decision) -> str:
    event = decision.event
    name = f" ({event.monitor_name})" if event.monitor_name else ""
    cause = f", {event.cause}" if event.cause else ""
    return f"{event}{name}{cause}"


def _found(decision: Decision) -> Block:
    kept = [(*_detection(one), "", "kept") for one in decision.detections]
    dropped = [(*_detection(one.detection), one.rule, one.reason) for one in decision.dropped]
    if not kept + dropped:
        return "nothing was found"
    return Table(
        f"{len(kept)} kept, {len(dropped)} dropped", _FOUND_HEAD, kept + dropped, frozenset({1})
    )


def _detection(one: Detection) -> tuple[str, str, str, str]:
    box = one.box
    sure = f"{one.confidence:.2f}".removeprefix("0")
    return one.label, sure, one.model, f"{box.x1},{box.y1} {box.x2},{box.y2}"


# -- stats ---------------------------------------------------------------------------------------


def counted(days: Sequence[Day], place: str) -> Block:
    if not days:
        return f"No decision in {place} is like that."
    rows = [
        (
            _monitor(day.monitor_id),
            day.day.isoformat(),
            str(day.events),
            str(day.alarms),
            str(day.nothing),
            str(day.undecided),
            str(day.decisions),
            f"{day.p50:.0f}",
            f"{day.p95:.0f}",
            _counts(day.dropped),
        )
        for day in days
    ]
    return Table(
        f"By monitor and day, {place}", _DAYS_HEAD, rows, frozenset({0, 2, 3, 4, 5, 6, 7, 8})
    )


# -- words ---------------------------------------------------------------------------------------


def _counts(drops: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {rule}" for rule, count in drops.items())


def _monitor(monitor_id: int | None) -> str:
    return "-" if monitor_id is None else str(monitor_id)


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
