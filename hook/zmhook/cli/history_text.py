"""RecordedDecision decisions as text and tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from zmhook.cli.tables import Block, Table
from zmhook.printable import shortened
from zmhook.text.local_time import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.detection import Decision, Detection
    from zmhook.history.read import DailyStats, RecordedDecision
    from zmhook.history.schema import HistoryEntry

_LIST_HEAD = ("time", "event", "monitor", "outcome", "ms", "result")
_BOX_HEAD = ("label", "confidence", "model", "box", "rule", "reason")
_DAYS_HEAD = (
    *("monitor", "day", "events", "alarms", "nothing", "undecided"),
    *("decisions", "p50 ms", "p95 ms", "dropped"),
)
AGAIN = "(decided again later)"
NAME = 14
"""Characters of a monitor's name in a table."""


def as_json(item: HistoryEntry | RecordedDecision, at: float) -> dict[str, Any]:
    """Return it as plain data; `time` is `at` in local time, as ISO 8601."""
    local = datetime.fromtimestamp(at).astimezone()
    return {"time": local.isoformat(timespec="seconds"), **to_builtins(item)}


# -- list ----------------------------------------------------------------------------------------


def listing(
    entries: Sequence[HistoryEntry], path: str, names: Mapping[int, str] | None = None
) -> Block:
    """Return a table of the decisions; `names` are those of monitors."""
    if not entries:
        return f"No matching decision in {path}."
    rows = [_cells(entry, names or {}) for entry in entries]
    many = "decision" if len(rows) == 1 else "decisions"
    events = len({entry.event_id for entry in entries})
    of = "" if events == len(rows) else f" of {events} event{'s' if events > 1 else ''}"
    return Table(f"{len(rows)} {many}{of} in {path}", _LIST_HEAD, rows, frozenset({1, 4}), (4,))


def _cells(entry: HistoryEntry, names: Mapping[int, str]) -> tuple[str, ...]:
    return (
        local_time(entry.at),
        str(entry.event_id),
        _monitor(entry.monitor_id, names),
        entry.outcome,
        f"{entry.total:.0f}",
        _result(entry),
    )


def _result(entry: HistoryEntry) -> str:
    """Return the detection string, or else the error, or what was dropped."""
    result = entry.line or entry.error
    if not result:
        result = f"dropped: {_counts(entry.drops)}" if entry.drops else "no detections"
    return result if entry.last else f"{result} {AGAIN}"


# -- show ----------------------------------------------------------------------------------------


def all_explained(records: Sequence[RecordedDecision]) -> Iterator[Block]:
    """Yield all decisions of an event, the first one first; of several the last one counts."""
    if len(records) > 1:
        event = records[0].decision.event
        yield f"{event} was decided {len(records)} times; the last decision counts"
        yield ""
    for record in records:
        yield from explained(record)


def explained(record: RecordedDecision) -> Iterator[Block]:
    """Yield everything about a decision: what was kept, and which rule dropped the rest."""
    decision = record.decision
    yield f"{_title(decision)}, {local_time(decision.event.asked)}"
    yield f"{decision.outcome}: {record.line}" if record.line else decision.outcome
    if decision.frame:
        frame = decision.frame
        yield f"frame {frame.id}, {frame.width}x{frame.height} pixels, from {frame.origin}"
    for problem in [*decision.errors, *decision.skipped]:
        yield f"problem: {problem}"
    yield _boxes(decision)
    if decision.timings:
        yield ", ".join(f"{stage} {took:.0f} ms" for stage, took in decision.timings.items())
    yield f"made by zmhook {record.version}, settings {record.settings[:12]}"
    for file in record.models:
        yield f"{file.model}: {file.path} (SHA-256 {file.sha256[:12] or 'unknown'})"
    yield ""


def _title(decision: Decision) -> str:
    event = decision.event
    name = f" ({event.monitor_name})" if event.monitor_name else ""
    cause = f", {event.cause}" if event.cause else ""
    return f"{event}{name}{cause}"


def _boxes(decision: Decision) -> Block:
    kept = [(*_box_cells(detection), "", "kept") for detection in decision.detections]
    dropped = [(*_box_cells(drop.detection), drop.rule, drop.reason) for drop in decision.dropped]
    if not kept + dropped:
        return "no detections"
    return Table(
        f"{len(kept)} kept, {len(dropped)} dropped",
        _BOX_HEAD,
        kept + dropped,
        frozenset({1}),
        wrapped=frozenset({0, 5}),
    )


def _box_cells(detection: Detection) -> tuple[str, str, str, str]:
    box = detection.box
    corners = f"{box.x1},{box.y1} {box.x2},{box.y2}"
    return detection.label, f"{detection.confidence:.0%}", detection.model, corners


# -- stats ---------------------------------------------------------------------------------------


def counted(days: Sequence[DailyStats], path: str, names: Mapping[int, str] | None = None) -> Block:
    """Return a table of counts by monitor and day; `names` are those of monitors."""
    if not days:
        return f"No matching decision in {path}."
    rows = [
        (
            _monitor(day.monitor_id, names or {}),
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
    numbers = frozenset(range(2, len(_DAYS_HEAD) - 1))
    return Table(f"By monitor and day, {path}", _DAYS_HEAD, rows, numbers, (6, 7, 8))


# -- words ---------------------------------------------------------------------------------------


def _counts(drops: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {rule}" for rule, count in drops.items())


def _monitor(monitor_id: int | None, names: Mapping[int, str]) -> str:
    if monitor_id is None:
        return "-"
    name = names.get(monitor_id, "")
    return f"{monitor_id} {shortened(name, NAME)}" if name else str(monitor_id)
