"""Check how the hook is called: by ZoneMinder itself, a filter, or a notification server."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.doctor import hook_line
from zmhook.doctor.database import NoDatabase
from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.doctor.hook_line import Caller
from zmhook.jobs.enqueue import messages
from zmhook.storage.regular import read
from zmhook.watch import status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.database import ZmDatabase
    from zmhook.doctor.patient import Patient

GROUP = "How the hook is called"
SERVERS = ("zmeventnotification.ini", "zmeventnotification.yml")
"""Files of the notification server, classic and Ng."""
LONGEST = 1 << 20
CLOCK_SECONDS = 30.0
HOUR, QUARTER = 3600, 900
START_WATCH = "sudo systemctl restart zmhook-watch.service; zmhook watch run --debug shows why"
NOTIFY = "set up [notify], as docs/notifications.md says, if your phone is to ring"
_LINE = re.compile(r"\s*(\w+)\s*[:=](.*)")
_SETTLED = ("yes", "true", "1", "on")


def checks(patient: Patient, database: ZmDatabase) -> list[Check]:
    return [
        Check("ZoneMinder", "database", lambda: _of_database(patient, database)),
        Check(GROUP, "calls", lambda: _calls(patient, database)),
    ]


class Call(NamedTuple):
    """A line that calls the hook, and where it stands."""

    origin: str
    line: str
    caller: Caller | None = None
    where_to_edit: str = ""


# -- the database itself ---------------------------------------------------------------------------


def _of_database(patient: Patient, database: ZmDatabase) -> Iterator[Finding]:
    try:
        version = ".".join(map(str, database.version))
    except NoDatabase as error:
        # To let a stranger read the passwords in zm.conf is no cure.
        cure = patient.with_config("sudo zmhook doctor") if patient.is_strangers else error.cure
        yield unchecked("database", str(error), cure)
        return
    yield ok("database", f"read through {database.conf}; it is of ZoneMinder {version}")
    yield _clock(database.clock, time.time())
    yield _log(database.options)


def _clock(text: str, now: float) -> Finding:
    """Compare the database's local time, in which events begin and end, with ours."""
    ahead = datetime.fromisoformat(text).timestamp() - now
    if abs(ahead) <= CLOCK_SECONDS:
        return ok("time zone", f"the database's local time, {text}, is this machine's")
    hours = f"{ahead / HOUR:+.2g} h" if abs(ahead) >= QUARTER else f"{ahead:+.0f} s"
    text = f"the database's local time is {text}, {hours} from ours: events seem to begin then"
    cure = "set [general] time_zone, or default_time_zone of MariaDB, so that both are the same"
    return warning("time zone", text, cure)


def _log(options: dict[str, str]) -> Finding:
    names = {"FILE": "files", "DATABASE": "its page Log", "SYSLOG": "syslog"}
    targets = [
        name
        for key, name in names.items()
        if int(options.get(f"ZM_LOG_LEVEL_{key}", "-5") or -5) > -5  # noqa: PLR2004 - ZoneMinder's OFF
    ]
    if not targets:
        cure = "ZoneMinder's page Options, Logging: LOG_LEVEL_FILE or LOG_LEVEL_DATABASE: Info"
        return warning("log", "ZoneMinder writes no log, so zmhook's goes nowhere", cure)
    return ok("log", f"component zmesdetect, in {' and '.join(targets)}")


# -- who calls -------------------------------------------------------------------------------------


def _calls(patient: Patient, database: ZmDatabase) -> Iterator[Finding]:
    calls, was_read = [*_of_servers(patient)], True
    try:
        in_database = [*_of_zoneminder(database)]
    except NoDatabase:
        in_database, was_read = [], False
    for call in calls + in_database:
        yield _judged(call, database if call.caller else None)
    if calls and in_database:
        yield _called_twice([*calls, *in_database])
    watching = [*_of_watch(patient, beside=bool(calls or in_database))]
    yield from watching
    if not calls and not in_database and not watching:
        yield _nobody(was_read=was_read)
    if in_database and not _writes_notes(patient):
        text = "ZoneMinder calls the hook, and nobody writes the result into the event"
        yield warning("notes", text, f"set [general] write_notes = yes in {patient.path}")


def _called_twice(calls: list[Call]) -> Finding:
    origins = " and ".join(dict.fromkeys(call.origin for call in calls))
    text = f"every event is analysed twice: {origins} call the hook"
    return warning("calls", text, "keep one of them, and take the line out of the others")


def _of_watch(patient: Patient, *, beside: bool) -> Iterator[Finding]:
    """Judge `zmhook watch`, where it is used; `beside` it, others call the hook too."""
    folder = status.folder_of(patient.settings.general.base_data_path)
    watch = status.read(folder)
    if watch is None or watch.ended:
        return
    if not status.is_running(folder):
        yield fault("calls", "zmhook watch has ended unexpectedly", START_WATCH)
    elif beside:
        text = "zmhook watch calls the hook, too: every event is analysed twice"
        yield fault("calls", text, "systemctl disable --now zmhook-watch.service")
    elif watch.problem:
        yield fault("calls", f"zmhook watch: {watch.problem}", "see ZoneMinder, above")
    else:
        last = f"last event {watch.last_event}" if watch.last_event else "no event yet"
        yield ok("calls", f"zmhook watch (process {watch.pid}), {last}")
        if not any(messages(patient.settings)):
            text = "zmhook watch works without a notification server, and zmhook itself sends none"
            yield warning("messages", text, NOTIFY)


def _writes_notes(patient: Patient) -> bool:
    general = patient.settings.general
    return general.write_notes or general.tag_detected_objects


def _nobody(*, was_read: bool) -> Finding:
    cure = "docs/notification-server.md says how to connect it; doctor looks again then"
    if not was_read:
        text = "no caller was found, but ZoneMinder's database could not be read (see above)"
        return unchecked("calls", text, cure)
    text = "nothing calls zm_event_start.sh: no monitor, no filter, no notification server"
    return warning("calls", text, cure)


def _of_zoneminder(database: ZmDatabase) -> Iterator[Call]:
    by_line: dict[tuple[str, str], list[str]] = {}
    for row in database.monitors:
        for column in ("EventStartCommand", "EventEndCommand"):
            line = str(row.get(column) or "")
            if hook_line.is_ours(line):
                by_line.setdefault((column, line), []).append(str(row["Id"]))
    for (column, line), monitors in by_line.items():
        origin = f"{column} of monitor {', '.join(monitors)}"
        yield Call(origin, line, column, f"monitor, page Recording, {column}")  # type: ignore[arg-type]
    for row in database.filters:
        line = str(row.get("AutoExecuteCmd") or "")
        if hook_line.is_ours(line):
            background = "" if row.get("Background") else " (not run in the background)"
            yield Call(f"filter {row['Name']}{background}", line, "filter", "its Execute command")


def _judged(call: Call, database: ZmDatabase | None) -> Finding:
    if "not run in the background" in call.origin:
        return fault("calls", call.origin, "page Filters: set Run filter in background")
    program = hook_line.program_of(call.line)
    if problem := _problem_of_program(program):
        return fault("calls", f"{call.origin}: {problem}", f"write the right path: {_script()}")
    flaw = (
        hook_line.flaw_of(call.line, call.caller, database.version)
        if (database and call.caller)
        else None
    )
    if flaw:
        cure = f"{call.where_to_edit}: {flaw.better}"
        return fault("calls", f"{call.origin}: {call.line}: {flaw.text}", cure)
    return ok("calls", f"{call.origin}: {call.line}")


def _problem_of_program(program: str) -> str:
    if not program.startswith("/"):
        return ""
    path = Path(program)
    if not path.exists():
        return f"there is no {program}"
    if not os.access(path, os.X_OK):
        return f"{program} may not be run (mode {path.stat().st_mode & 0o777:04o})"
    return ""


def _script() -> str:
    from zmhook.doctor.service import hook_script

    return str(hook_script() or "/var/lib/zmeventnotification/bin/zm_event_start.sh")


# -- notification servers --------------------------------------------------------------------------


def _of_servers(patient: Patient) -> Iterator[Call]:
    for name in SERVERS:
        path = Path(patient.settings.general.base_zm_conf_path, name)
        try:
            text = read(path, LONGEST, follow=True).decode("utf-8", "replace")
        except OSError:
            continue
        line = _value(text, "event_start_hook")
        if line and hook_line.is_ours(line) and _is_on(text):
            yield Call(f"{path}, event_start_hook", _expanded(line, text))


def _is_on(text: str) -> bool:
    """Say whether the server calls hooks; both kinds do so unless they are told not to."""
    words = (_value(text, "use_hooks"), _value(text, "enable_hooks"))
    return all(word.lower() in _SETTLED for word in words if word)


def _value(text: str, key: str) -> str:
    lines = map(_LINE.fullmatch, text.splitlines())
    values = [line[2].strip() for line in lines if line and line[1] == key]
    return values[-1].strip("'\"") if values else ""


def _expanded(line: str, text: str) -> str:
    return line.replace("{{base_data_path}}", _value(text, "base_data_path"))
