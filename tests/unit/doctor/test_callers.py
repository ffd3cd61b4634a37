"""Who calls the hook, out of ZoneMinder's database and a notification server's file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.doctor import callers as module
from zmhook.doctor.callers import checks
from zmhook.doctor.database import NoDatabase
from zmhook.storage.lock import lock_file
from zmhook.watch import status
from zmhook.watch.position import Position


class Database:
    """Stands in for ZoneMinder's."""

    def __init__(self, version: tuple[int, ...] = (1, 38, 4)) -> None:
        self.conf = Path("/etc/zm/zm.conf")
        self.version = version
        self.options = {"ZM_LOG_LEVEL_FILE": "1", "ZM_LOG_LEVEL_DATABASE": "-5"}
        self.filters: list[dict[str, object]] = []
        self.monitors: list[dict[str, object]] = []
        self.clock = time.strftime("%Y-%m-%d %H:%M:%S")


class Unreadable:
    conf = Path("/etc/zm/zm.conf")

    def __getattr__(self, _: str) -> None:
        raise NoDatabase("there is no /etc/zm/zm.conf")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "zm_event_start.sh"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def watch(patient) -> Iterator[Callable[..., None]]:
    """Write the state of `zmhook watch`, and hold its lock while it runs."""
    folder = status.folder_of(patient("").settings.general.base_data_path)
    folder.mkdir(parents=True, exist_ok=True)
    locks: list[int] = []

    def write(*, runs: bool, **change: object) -> None:
        position = Position(portal="http://zm/zm", mark=7, answered=1.0)
        fields = {"position": position, "pid": 4711, "at": 2.0, "since": 1.0, "last_event": 7}
        status.write(folder, status.WatchStatus(**(fields | change)))
        lock = lock_file(folder / status.LOCK) if runs else None
        locks.extend([lock] if lock is not None else [])

    yield write
    for lock in locks:
        os.close(lock)


@pytest.fixture
def found(patient) -> Callable[..., list]:
    def examine(database: object, text: str = "models = hog\nwrite_notes = yes\n") -> list:
        every = checks(patient(text), database)
        return [each for check in every if check.group == module.GROUP for each in check.run()]

    return examine


def test_a_line_of_zoneminder(found, script: Path):
    database = Database()
    line = f"{script} %EID% %MID% '' %EC%"
    database.monitors = [{"Id": 1, "EventStartCommand": line}, {"Id": 4, "EventStartCommand": line}]
    (call,) = found(database)
    assert call.state == "ok"
    assert call.text == f"EventStartCommand of monitor 1, 4: {line}"


def test_wrong_quoting_is_named_with_the_right_line(found, script: Path):
    database = Database()
    line = f"{script} %EID% %MID% '' \"%EC%\""
    database.monitors = [{"Id": 1, "EventStartCommand": line}]
    (call,) = found(database)
    assert call.state == "fault"
    assert "%EC% stands in quotes" in call.text
    assert call.cure.endswith(f"{script} %EID% %MID% '' %EC%")


def test_a_program_that_is_not_there(found, script: Path, tmp_path: Path):
    database = Database()
    database.monitors = [{"Id": 1, "EventStartCommand": f"{tmp_path}/zm_event_start.sh %EID%"}]
    (call,) = found(database)
    assert call.state == "fault"
    assert f"there is no {tmp_path}/zm_event_start.sh" in call.text
    script.chmod(0o644)
    database.monitors = [{"Id": 1, "EventStartCommand": str(script)}]
    (call,) = found(database)
    assert "may not be run (mode 0644)" in call.text


def test_a_filter(found, script: Path):
    database = Database((1, 36, 33))
    line = f'sh -c \'{script} "$@" || :\' zmhook %EI% 1 "" Filter'
    row = {"Name": "zmhook", "AutoExecuteCmd": line, "Background": 1}
    database.filters = [row, {"Name": "mail", "AutoExecuteCmd": "/bin/mail"}]
    (call,) = found(database)
    assert (call.state, call.text) == ("ok", f"filter zmhook: {line}")
    database.filters = [{**row, "Background": 0}]
    (call,) = found(database)
    assert call.state == "fault"
    assert "Run filter in background" in call.cure


def test_nobody_calls(found):
    (call,) = found(Database())
    assert call.state == "warning"
    assert "nothing calls zm_event_start.sh" in call.text
    (call,) = found(Unreadable())
    assert call.state == "unchecked"
    assert "database could not be read (see above)" in call.text


@pytest.mark.parametrize(
    ("change", "runs", "state", "says"),
    [
        ({}, True, "ok", "zmhook watch (process 4711), last event 7"),
        ({"last_event": 0}, True, "ok", "zmhook watch (process 4711), no event yet"),
        ({}, False, "fault", "has ended unexpectedly"),
        ({"problem": "http://zm/zm: refused"}, True, "fault", "http://zm/zm: refused"),
        ({"ended": True}, False, "warning", "nothing calls zm_event_start.sh"),
    ],
)
def test_the_watch(change, runs: bool, state: str, says: str, found, watch):
    watch(runs=runs, **change)
    (call,) = found(Database(), "models = hog\n[notify]\nnotify_mqtt = yes\n")
    assert call.state == state
    assert says in call.text


def test_the_watch_where_nobody_sends_messages(found, watch):
    watch(runs=True)
    call, messages = found(Database())
    assert (call.state, messages.state) == ("ok", "warning")
    assert "zmhook itself sends none" in messages.text
    assert "[notify]" in messages.cure


def test_the_watch_beside_another(found, script: Path, watch):
    watch(runs=True)
    database = Database()
    database.monitors = [{"Id": 1, "EventStartCommand": str(script)}]
    _, beside = found(database)
    assert beside.state == "fault"
    assert "every event is analysed twice" in beside.text


def test_nobody_writes_the_result(found, script: Path):
    database = Database()
    database.monitors = [{"Id": 1, "EventStartCommand": str(script)}]
    _, notes = found(database, "models = hog\n")
    assert notes.state == "warning"
    assert "write_notes = yes" in notes.cure


@pytest.mark.parametrize("name", module.SERVERS)
@pytest.mark.parametrize("sign", [" = ", ": "])
def test_a_notification_server(name: str, sign: str, found, script: Path, tmp_path: Path):
    hook = "'{{base_data_path}}/bin/zm_event_start.sh'"
    text = f"use_hooks{sign}yes\nevent_start_hook{sign}{hook}\nbase_data_path{sign}{tmp_path}\n"
    (tmp_path / name).write_text(text)
    (call,) = found(Unreadable())
    assert call.state == "ok"
    assert call.text == f"{tmp_path}/{name}, event_start_hook: {script}"
    (tmp_path / name).write_text(text.replace("yes", "no"))
    (call,) = found(Unreadable())
    assert call.state == "unchecked"


def test_two_callers(found, script: Path, tmp_path: Path):
    (tmp_path / module.SERVERS[0]).write_text(f"event_start_hook = {script}\n")
    database = Database()
    database.monitors = [{"Id": 1, "EventStartCommand": str(script)}]
    twice = found(database)[-1]
    assert twice.state == "warning"
    assert "every event is analysed twice" in twice.text
    assert "EventStartCommand of monitor 1" in twice.text


def test_the_database_itself(patient):
    database = Database()
    every = [each for each in checks(patient(), database) if each.group != module.GROUP]
    version, clock, log = [each for check in every for each in check.run()]
    assert "ZoneMinder 1.38.4" in version.text
    assert clock.state == "ok"
    assert log.text == "component zmesdetect, in files"
    database.options = {}
    assert [*every[0].run()][2].state == "warning"
    database.clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 7200))
    late = [*every[0].run()][1]
    assert late.state == "warning"
    assert "+2 h from ours" in late.text
    (unread,) = checks(patient(), Unreadable())[0].run()
    assert unread.state == "unchecked"
    stranger = patient(owner="nobody")
    (unread,) = checks(stranger, Unreadable())[0].run()
    assert unread.cure == f"sudo zmhook doctor -c {stranger.path}"
