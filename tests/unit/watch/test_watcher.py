"""Following events: what is handed over, when, and what is written down."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs

from zmhook.errors import PortalError, WatchError
from zmhook.event import Event
from zmhook.settings import General, Settings, Watch
from zmhook.settings.loader import Config
from zmhook.watch import status, watcher
from zmhook.watch.hooks import Finished
from zmhook.watch.position import PAGE
from zmhook.watch.watcher import Watcher


class ZoneMinderRows:
    """The events of a ZoneMinder, or its error."""

    def __init__(self, newest: int = 5) -> None:
        self.events = [row(newest)]
        self.error: PortalError | None = None
        self.asked: list[int] = []
        self.names: list[int] = []

    def events_after(self, event_id: int, most: int) -> list[dict[str, object]]:
        self.asked.append(event_id)
        if self.error:
            raise self.error
        newer = [event for event in self.events if event["Id"] > event_id]
        return sorted(newer, key=lambda event: -event["Id"])[:most]

    def monitor(self, monitor_id: int) -> dict[str, object]:
        self.names.append(monitor_id)
        return {"Name": f"camera {monitor_id}"}

    def add(self, *numbers: int, monitor: int = 1) -> None:
        self.events += [row(number, monitor) for number in numbers]


class HookLog:
    """Stands in for the hooks: notes what is started, and ends it when told."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.running: list[Event] = []
        self.started: list[Event] = []
        self.done: list[Finished] = []
        self.error: OSError | None = None
        self.killed = False
        self.on_start: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self.running)

    @property
    def has_room(self) -> bool:
        return len(self.running) < self.room

    def start(self, event: Event, seconds: float) -> None:
        self.on_start()
        if self.error:
            raise self.error
        self.started.append(event)
        self.running.append(event)

    def end(self, outcome: str = "alarm") -> None:
        self.done += [Finished(event, outcome) for event in self.running]
        self.running = []

    def finished(self) -> list[Finished]:
        done, self.done = self.done, []
        return done

    def seconds_left(self) -> float:
        return 10.0 if self.running else 0.0

    def kill(self) -> None:
        self.killed = bool(self.running)
        self.running = []


class Script:
    """Signals of a script: what happens at each wait, then SIGTERM."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self.steps = list(steps)
        self.after: list[Callable[[], None]] = []

    def wait(self, seconds: float) -> int | None:
        if self.steps:
            self.steps.pop(0)()
            return None
        if self.after:
            self.after.pop(0)()
            return None
        self.after = [lambda: None] * 3
        return signal.SIGTERM


def row(number: int, monitor: int = 1) -> dict[str, object]:
    return {"Id": number, "MonitorId": monitor, "Cause": "Motion", "FileSystemPath": "/nowhere"}


class Place:
    """A folder, a ZoneMinder and hooks; `watcher()` is one more start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zoneminder = ZoneMinderRows()
        self.hooks = HookLog()
        self.monitors: dict[int, Settings] = {}
        self.settings = Settings(
            general=General(portal="http://zm/zm", base_data_path=str(folder)),
            watch=Watch(watch_max_events=3),
        )

    def watcher(self) -> Watcher:
        config = Config("o.ini", self.settings, self.monitors, [])
        made = Watcher(config, self.zoneminder, self.hooks)
        made._next_poll = 0.0
        return made

    def poll(self, own: Watcher) -> None:
        own._next_poll = 0.0
        own.tick()

    @property
    def status(self) -> status.WatchStatus:
        written = status.read(self.folder / "state")
        assert written
        return written

    @property
    def started(self) -> list[int | None]:
        return [event.id for event in self.hooks.started]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def release(own: Watcher) -> None:
    """Let the next one start, as the end of a process does."""
    os.close(own._lock)


def test_it_begins_with_the_next_event(place: Place) -> None:
    own = place.watcher()
    place.poll(own)
    assert place.started == []
    place.zoneminder.add(6, monitor=2)
    place.poll(own)
    event = place.hooks.started[0]
    assert (event.id, event.monitor_id, event.monitor_name) == (6, 2, "camera 2")
    assert (event.cause, event.path) == ("Motion", "")
    place.poll(own)
    assert place.started == [6]


def test_the_folder_is_handed_over_where_it_is_there(place: Place, tmp_path: Path) -> None:
    own = place.watcher()
    place.poll(own)
    place.zoneminder.events.append(row(6) | {"FileSystemPath": str(tmp_path)})
    place.poll(own)
    assert place.hooks.started[0].path == str(tmp_path)


def test_it_is_written_down_before_it_is_handed_over(place: Place) -> None:
    """Killed in between, it would otherwise be analysed twice."""
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(6)
    before: list[list[int]] = []
    place.hooks.on_start = lambda: before.append(place.status.position.settled)
    place.poll(own)
    assert before == [[6]]


def test_after_a_restart_nothing_comes_twice_and_nothing_is_lost(place: Place) -> None:
    place.hooks.room = 1
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(6, 7)
    place.poll(own)
    assert place.started == [6]
    release(own)  # 7 still waits
    place.hooks.end()
    place.zoneminder.add(8)
    place.hooks.room = 100
    place.poll(place.watcher())
    assert place.started == [6, 7, 8]


def test_a_damaged_file_is_said(place: Place, caplog) -> None:
    own = place.watcher()
    assert "cannot be read" not in caplog.text
    release(own)
    (place.folder / "state" / status.NAME).write_text('{"position":')
    own = place.watcher()
    assert "watch.json: cannot be read: the watch begins with the next event" in caplog.text
    place.poll(own)
    place.zoneminder.add(6)
    place.poll(own)
    assert place.started == [6]


def test_more_than_a_response_holds_is_said_once(place: Place, caplog) -> None:
    place.hooks.room = 0
    place.settings = structs.replace(place.settings, watch=Watch(watch_max_events=100))
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(*range(1000, 1000 + PAGE))
    place.poll(own)
    place.poll(own)
    assert caplog.text.count("some events are left out: too many at once") == 1


def test_of_many_the_oldest_are_left_out(place: Place, caplog) -> None:
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(*range(6, 12))
    place.poll(own)
    assert place.started == [9, 10, 11]
    assert "3 events are left out: too many at once ([watch] watch_max_events)" in caplog.text
    place.poll(own)
    assert place.started == [9, 10, 11]


def test_after_a_long_break_old_events_are_left_out(place: Place, caplog) -> None:
    own = place.watcher()
    place.poll(own)
    release(own)
    file = place.folder / "state" / status.NAME
    written = json.loads(file.read_text())
    written["position"]["answered"] -= 3600
    file.write_text(json.dumps(written))
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 1800))
    place.zoneminder.events.append(row(6) | {"StartDateTime": began})
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    place.zoneminder.events.append(row(7) | {"StartDateTime": now})
    place.poll(place.watcher())
    assert place.started == [7]
    assert "1 events are left out: they began more than 120 s ago" in caplog.text


def test_a_monitor_is_left_out(place: Place) -> None:
    off = Settings(general=place.settings.general, watch=Watch(watch_events=False))
    place.monitors = {2: off}
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(6, monitor=2)
    place.zoneminder.add(7)
    place.poll(own)
    assert place.started == [7]


def test_another_portal_begins_anew(place: Place) -> None:
    own = place.watcher()
    place.poll(own)
    release(own)
    place.settings = Settings(
        general=General(portal="http://other/zm", base_data_path=str(place.folder))
    )
    place.zoneminder.add(50)
    place.poll(place.watcher())
    assert place.started == []


def test_a_database_that_begins_anew_is_noticed(place: Place) -> None:
    own = place.watcher()
    place.poll(own)
    place.zoneminder.events = [row(1)]
    own._next_reset = 0.0
    place.poll(own)
    place.zoneminder.add(2)
    place.poll(own)
    assert place.started == [2]


def test_an_outage_is_a_line_and_its_end_another(place: Place, caplog) -> None:
    caplog.set_level(logging.INFO)
    own = place.watcher()
    place.poll(own)
    place.zoneminder.error = PortalError("http://zm/zm: refused")
    pauses = []
    for _ in range(8):
        place.poll(own)
        pauses.append(round(own._next_poll - time.monotonic()))
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1] == watcher.LONGEST_PAUSE
    own._write()
    assert place.status.problem == "http://zm/zm: refused"
    place.zoneminder.error = None
    place.zoneminder.add(6)
    place.poll(own)
    assert place.started == [6]
    assert place.status.problem == ""
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "refused" in line] == [
        "http://zm/zm: refused (no events are analysed until it answers)"
    ]
    assert sum("ZoneMinder answers again" in line for line in lines) == 1


def test_a_name_that_was_not_told_is_asked_for_again(place: Place, monkeypatch) -> None:
    own = place.watcher()
    place.poll(own)
    told = place.zoneminder.monitor
    place.zoneminder.monitor = lambda number: _refuse("http://zm/zm: busy")  # type: ignore[method-assign]
    place.zoneminder.add(6)
    place.poll(own)
    place.zoneminder.monitor = told  # type: ignore[method-assign]
    now = time.monotonic() + watcher.NAMELESS_SECONDS + 1
    monkeypatch.setattr(watcher.time, "monotonic", lambda: now)
    place.zoneminder.add(7)
    place.poll(own)
    assert [event.monitor_name for event in place.hooks.started] == ["", "camera 1"]


def _refuse(why: str) -> dict[str, object]:
    raise PortalError(why)


def test_a_newest_event_that_the_user_may_not_see_is_no_new_database(place: Place) -> None:
    """ZoneMinder 1.38 gives a row without a number; the event before it was deleted."""
    own = place.watcher()
    place.poll(own)
    place.zoneminder.add(6, 7)
    place.poll(own)
    place.zoneminder.events_after = lambda after, _: [] if after else [{"Id": None}]  # type: ignore[method-assign]
    own._next_reset = 0.0
    place.poll(own)
    assert own._follower
    assert own._follower.position.mark >= 5


def test_it_asks_for_a_name_once(place: Place) -> None:
    own = place.watcher()
    place.poll(own)
    for number in (6, 7):
        place.zoneminder.add(number)
        place.poll(own)
    assert place.zoneminder.names == [1]


def test_what_came_of_the_events_is_counted(place: Place) -> None:
    own = place.watcher()
    place.poll(own)
    for number, outcome in ((6, "alarm"), (7, "nothing"), (8, "undecided"), (9, "failed")):
        place.zoneminder.add(number)
        place.poll(own)
        place.hooks.end(outcome)
    place.poll(own)
    own._write()
    assert place.status.counts == status.EventCounts(alarm=1, nothing=1, undecided=1, failed=1)
    assert place.status.last_event == 9


def test_a_hook_that_cannot_be_run_is_no_end(place: Place, caplog) -> None:
    own = place.watcher()
    place.poll(own)
    place.hooks.error = OSError(12, "Cannot allocate memory")
    place.zoneminder.add(6)
    place.poll(own)
    assert "event 6 of monitor 1: the hook cannot be run: Cannot allocate memory" in caplog.text
    place.hooks.error = None
    place.zoneminder.add(7)
    place.poll(own)
    assert place.started == [7]


def test_a_folder_that_cannot_be_written_stops_nothing(
    place: Place, caplog, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = place.watcher()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(status, "write", full)
    place.poll(own)
    place.zoneminder.add(6)
    place.poll(own)
    assert place.started == [6]
    assert caplog.text.count("No space left on device") == 1


def test_sigterm_waits_for_the_hooks_that_run(place: Place) -> None:
    place.hooks.room = 1
    signals = Script(lambda: place.zoneminder.add(6, 7))
    own = place.watcher()
    real_wait = signals.wait

    def wait(seconds: float) -> int | None:
        own._next_poll = 0.0
        if signals.after and len(signals.after) == 1:
            place.hooks.end()
        return real_wait(seconds)

    own.run(SimpleNamespace(wait=wait))
    assert place.started == [6]
    assert not place.hooks.killed
    assert place.status.counts.alarm == 1
    assert place.status.ended
    assert not status.is_running(place.folder / "state")


def test_a_second_one_is_refused(place: Place) -> None:
    own = place.watcher()
    with pytest.raises(WatchError, match="another zmhook watch is running"):
        place.watcher()
    release(own)


def test_without_a_portal_there_is_nothing_to_watch(place: Place) -> None:
    place.settings = Settings(general=General(base_data_path=str(place.folder)))
    with pytest.raises(WatchError, match=r"\[general\] portal is empty"):
        place.watcher()
