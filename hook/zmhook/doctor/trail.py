"""Follow one event through all stations: ZoneMinder, picture, hook, decision, report, messages."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.doctor import callers
from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.doctor.monitors import folder_problem
from zmhook.doctor.patient import Patient
from zmhook.doctor.portal import visiting
from zmhook.errors import FrameError, LoginError, NoState, PortalError, StateError, ZmhookError
from zmhook.event import Event
from zmhook.history.read import History
from zmhook.jobs.enqueue import messages
from zmhook.jobs.spool import FAILED, Spool
from zmhook.settings import Settings
from zmhook.text.local_time import local_time
from zmhook.zoneminder.api import Portal
from zmhook.zoneminder.event_row import EventRow, event_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.detection import Decision
    from zmhook.doctor.database import ZmDatabase
    from zmhook.history.read import RecordedDecision

NEAR = 120.0
"""Seconds between a decision and the jobs that are taken for its own."""


class Trail(NamedTuple):
    """The event, the settings of its monitor, and what ZoneMinder knows of it (None: nothing)."""

    event_id: int
    patient: Patient
    settings: Settings
    row: EventRow | None


def checks(patient: Patient, event_id: int, database: ZmDatabase) -> list[Check]:
    return [Check(f"Event {event_id}", "event", lambda: _stations(patient, event_id, database))]


def _stations(patient: Patient, event_id: int, database: ZmDatabase) -> Iterator[Finding]:
    """Yield the stations in the order of the event, and end where it stopped."""
    row = None
    if patient.settings.general.portal:
        asked = _row(patient, event_id)
        if isinstance(asked, Finding):
            yield asked
            return
        row = asked
        yield ok("ZoneMinder", _described(row))
    else:
        yield unchecked("ZoneMinder", "[general] portal is not set, so its row is not known")
    settings = patient.config.for_monitor(row.monitor_id if row else None)
    trail = Trail(event_id, patient, settings, row)
    if row:
        yield from _pictures(trail, row)
    yield from _decided(trail, database)


# -- ZoneMinder ------------------------------------------------------------------------------------


def _row(patient: Patient, event_id: int) -> EventRow | Finding:
    try:
        with visiting(patient.settings.general) as general, closing(Portal(general)) as portal:
            return event_row(portal.event(event_id))
    except LoginError as error:
        return fault("ZoneMinder", str(error), patient.command("doctor"))
    except PortalError as error:
        is_answer = error.status is not None
        asks = "is that the event's number on ZoneMinder's page?"
        return fault("ZoneMinder", str(error), asks if is_answer else patient.command("doctor"))


def _described(row: EventRow) -> str:
    began = f", began {local_time(row.started)}" if row.started else ""
    state = "is over" if row.is_over else "is being recorded"
    return f"monitor {row.monitor_id}{began}, {state}, {row.frames} frames; cause: {row.cause}"


def _pictures(trail: Trail, row: EventRow) -> Iterator[Finding]:
    from zmhook.image.decode import decode

    named = [name for name in trail.settings.general.frame_id if name.isalnum()]
    frames = [name for name in named if name not in ("bestmatch", "all")] or ["alarm", "snapshot"]
    sizes, problems = [], []
    with visiting(trail.settings.general) as general, closing(Portal(general)) as portal:
        for frame in frames:
            try:
                picture = decode(portal.image(row.id, frame), frame, general.max_picture_pixels)
                sizes.append(f"{frame} {picture.shape[1]}x{picture.shape[0]}")
            except (FrameError, ZmhookError) as error:
                problems.append(str(error))
    if sizes:
        yield ok("pictures", ", ".join(sizes))
    else:
        yield fault("pictures", "; ".join(problems), f"open event {row.id} on ZoneMinder's page")
    if problem := folder_problem(row.folder, trail.settings):
        yield fault("folder", problem.text, problem.cure)


# -- the decision ----------------------------------------------------------------------------------


def _decided(trail: Trail, database: ZmDatabase) -> Iterator[Finding]:
    recorded, why = _recorded(trail)
    if not recorded:
        yield _not_called(trail, why)
        yield from (each for each in _callers(trail, database) if each.state != "ok")
        yield _decided_now(trail)
        return
    last = recorded[-1]
    yield ok("hook", _called(trail, recorded))
    decision = last.decision
    if decision.outcome != "alarm":
        yield _no_alarm(trail, decision)
        return
    yield ok("decision", last.line.partition(" --SPLIT--")[0])
    for error in decision.errors:
        yield warning("decision", error)
    yield from _reports(trail)
    yield from _messages(trail, decision)


def _recorded(trail: Trail) -> tuple[list[RecordedDecision], str]:
    """Return the decisions on the event, the last one last, and why there is none."""
    settings = trail.settings.history
    if not settings.record_history:
        return [], "and [history] record_history is off"
    try:
        records = History(settings.history_path).of_event(trail.event_id)
    except NoState:
        records = []
    except StateError as error:
        return [], str(error)
    return records, "" if records else "so the hook was not called, or failed to start"


def _not_called(trail: Trail, why: str) -> Finding:
    text = f"no decision on this event is recorded, {why}"
    cure = f"try it: {trail.patient.command(f'detect {trail.event_id}')}"
    return warning("hook", f"stops here: {text}", cure)


def _callers(trail: Trail, database: ZmDatabase) -> Iterator[Finding]:
    for check in callers.checks(trail.patient, database):
        if check.group == callers.GROUP:
            yield from check.run()


def _called(trail: Trail, recorded: list[RecordedDecision]) -> str:
    asked = recorded[0].decision.event.asked
    text = f"called {local_time(asked)}"
    if trail.row and trail.row.started:
        text += f", {asked - trail.row.started:.1f} s after the event began"
    return text if len(recorded) == 1 else f"{text}; {len(recorded)} times in all"


def _no_alarm(trail: Trail, decision: Decision) -> Finding:
    cure = trail.patient.command(f"explain {trail.event_id}")
    if decision.outcome == "undecided":
        return fault("decision", f"stops here: undecided: {'; '.join(decision.errors)}", cure)
    drops = [f"{drop.detection.label} by {drop.rule} ({drop.reason})" for drop in decision.dropped]
    why = f"; dropped: {'; '.join(drops)}" if drops else ": the models found nothing"
    return warning("decision", f"stops here: nothing to report{why}", cure)


def _decided_now(trail: Trail) -> Finding:
    """Decide it again, as the hook would, and keep nothing of it."""
    from zmhook.decide import decide_event

    row = trail.row
    event = Event(
        id=trail.event_id,
        monitor_id=row.monitor_id if row else None,
        cause=row.cause if row else "",
        path=row.folder if row and Path(row.folder).is_dir() else "",
    )
    with visiting(trail.settings.general) as general:
        settings = structs.replace(trail.settings, general=general)
        try:
            decision = decide_event(event, settings, dry=True).decision
        except ZmhookError as error:
            return fault("decision", f"if the hook is called now: {error}")
    labels = ", ".join(f"{kept.label} {kept.confidence:.0%}" for kept in decision.detections)
    text = f"if the hook is called now: {decision.outcome}{labels and f' ({labels})'}"
    if decision.outcome == "undecided":
        return fault("decision", f"{text}: {'; '.join(decision.errors)}")
    return ok("decision", text)


# -- what follows it -------------------------------------------------------------------------------


def _reports(trail: Trail) -> Iterator[Finding]:
    general, row = trail.settings.general, trail.row
    if row is None:
        return
    folder = Path(row.folder)
    if general.write_image_to_zm and folder.is_dir():
        name = folder / "objdetect.jpg"
        if name.exists():
            yield ok("picture", f"{name} is there")
        else:
            yield fault("picture", f"{name} was not written", trail.patient.command("doctor"))
    if general.write_notes:
        if "detected:" in row.notes:
            yield ok("notes", f"the event's notes are: {row.notes}")
        else:
            text = f"the result is not in the event's notes: {row.notes or '(empty)'}"
            yield warning("notes", text, trail.patient.command("service status"))


def _messages(trail: Trail, decision: Decision) -> Iterator[Finding]:
    spool = Spool.of(trail.settings.general.base_data_path)
    channels = dict.fromkeys(job.partition("-")[0] for job in messages(trail.settings))
    for ending, state in (("", "waiting"), (FAILED, "failed")):
        units = [unit for unit in spool.units(ending) if _is_of(unit.born, unit.monitor, decision)]
        if units:
            text = f"{state}: {', '.join(sorted({unit.job for unit in units}))}"
            cure = trail.patient.command("notify test")
            yield (warning if ending == "" else fault)("messages", f"stops here: {text}", cure)
            return
    if channels:
        yield ok("messages", f"none waits or has failed ({', '.join(channels)})")
    else:
        text = "zmhook sends none itself ([notify]): the notification server does, if one is there"
        yield ok("messages", text)


def _is_of(born: float, monitor: str, decision: Decision) -> bool:
    return monitor == str(decision.event.monitor_id) and abs(born - decision.event.asked) < NEAR
