from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.jobs import enqueue as module
from zmhook.jobs import from_memory
from zmhook.jobs import spool as spool_module
from zmhook.jobs.enqueue import backlog, enqueue, jobs_for
from zmhook.jobs.spool import Spool, Unit
from zmhook.settings import Animation, General, Notify, Secret, Settings
from zmhook.storage import atomic, disk


class Ended:
    """A process that has ended."""

    def poll(self) -> int:
        return 0


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """The lanes for which a process was started; none really is."""
    lanes: list[str] = []

    def start(command: list[str], **_: object) -> Ended:
        lanes.append(command[command.index("--lane") + 1])
        return Ended()

    monkeypatch.setattr(module, "start_detached", start)
    return lanes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(general=General(base_data_path=str(tmp_path)))


EVERYTHING = Settings(
    general=General(portal="http://zm", tag_detected_objects=True),
    notify=Notify(
        notify_mqtt=True,
        notify_webhook=Secret("http://a"),
        notify_apprise=Secret("json://b,ntfy://c\n mailto://d?to=e,f"),
    ),
    animation=Animation(create_animation=True),
)
MESSAGES = ["mqtt", "webhook", "apprise-1", "apprise-2", "apprise-3"]


def test_what_the_settings_ask_for(decided) -> None:
    assert jobs_for(decided(), Settings()) == []
    assert jobs_for(decided(), EVERYTHING) == [*MESSAGES, "tags", "animation"]
    assert "notes-again" in jobs_for(decided(), EVERYTHING, notes=True)
    general = structs.replace(EVERYTHING.general, write_notes=True)
    writes = structs.replace(EVERYTHING, general=general)
    assert "notes" in jobs_for(decided(), writes)
    assert "notes" not in jobs_for(decided(), writes, notes=True)


def test_nothing_at_zoneminder_without_a_portal(decided) -> None:
    settings = structs.replace(EVERYTHING, general=General(tag_detected_objects=True))
    assert jobs_for(decided(), settings, notes=True) == [*MESSAGES, "animation"]


def test_nobody_is_told_of_nothing(decided) -> None:
    nothing = decided(outcome="nothing")
    picture = decided(event=structs.replace(nothing.decision.event, id=None))
    undecided = decided(outcome="undecided")
    for given in (nothing, picture, undecided):
        assert jobs_for(given, EVERYTHING, notes=True) == []


def test_an_alarm_about_a_failure_is_told(decided) -> None:
    general = structs.replace(EVERYTHING.general, on_failure="alarm")
    settings = structs.replace(EVERYTHING, general=general)
    given = decided(outcome="undecided", frame=None)._replace(frame=None)
    assert jobs_for(given, settings, notes=True) == MESSAGES


def test_without_a_picture_there_is_no_film(decided) -> None:
    assert "animation" not in jobs_for(decided()._replace(frame=None), EVERYTHING)


def test_jobs_are_stored_and_a_process_started_for_each_kind(
    decided, settings, started, tmp_path
) -> None:
    enqueue(decided(), settings, ["webhook", "animation", "mqtt"])
    units = Spool.of(str(tmp_path)).units()
    assert {unit.job for unit in units} == {"webhook", "animation", "mqtt"}
    assert {unit.monitor for unit in units} == {"2"}
    assert started == ["messages", "films"]


def test_no_jobs_no_files(decided, settings, started, tmp_path) -> None:
    enqueue(decided(), settings, [])
    assert (list(tmp_path.iterdir()), started) == ([], [])


def test_no_process_where_one_waits_or_all_places_are_taken(
    decided, settings, started, tmp_path
) -> None:
    spool = Spool.of(str(tmp_path))
    enqueue(decided(), settings, ["webhook"])
    waiting = spool.waiting("messages")
    assert waiting is not None
    enqueue(decided(), settings, ["webhook"])
    os.close(waiting)
    slots = [spool.slot("messages", 3) for _ in range(3)]
    enqueue(decided(), settings, ["webhook"])
    assert started == ["messages"]
    for slot in slots:
        assert slot is not None
        os.close(slot)
    enqueue(decided(), settings, ["webhook"])
    assert started == ["messages"] * 2
    assert len(spool.units()) == 4


@pytest.fixture
def sent(monkeypatch) -> list[tuple[list[str], bytes]]:
    """What a process was given to send from memory; none really is."""
    given: list[tuple[list[str], bytes]] = []

    def start(entry: str, jobs: list[str], packed: tuple[bytes, bytes], *_: object) -> Ended:
        assert entry.endswith("-m2")
        given.append((jobs, packed[0]))
        return Ended()

    monkeypatch.setattr(from_memory, "start", start)
    return given


def test_where_the_disk_takes_no_part_messages_are_sent_from_memory(
    decided, settings, started, sent, tmp_path, caplog
) -> None:
    (tmp_path / "state").touch()
    enqueue(decided(), settings, ["webhook", "animation", "mqtt", "notes-again"])
    first, second = (record.getMessage() for record in caplog.records)
    assert [jobs for jobs, _ in sent] == [["webhook", "mqtt"]]
    assert first == (
        f"event 7 of monitor 2: animation, notes-again is lost: {tmp_path}/state: File exists"
    )
    assert "event 7 of monitor 2: webhook, mqtt is sent from memory, once only" in second
    assert started == []
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_what_the_disk_took_is_not_sent_from_memory_too(
    decided, settings, started, sent, tmp_path, monkeypatch
) -> None:
    add, calls = Spool.add_unit, []

    def full_after_one(spool: Spool, unit: Unit) -> None:
        calls.append(unit.job)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(spool, unit)

    monkeypatch.setattr(Spool, "add_unit", full_after_one)
    enqueue(decided(), settings, ["webhook", "mqtt", "tags"])
    assert [unit.job for unit in Spool.of(str(tmp_path)).units()] == ["webhook"]
    assert [jobs for jobs, _ in sent] == [["mqtt", "tags"]]
    assert started == ["messages"]


def test_what_is_not_stored_leaves_nothing(
    decided, settings, started, sent, tmp_path, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "add_unit", full)
    enqueue(decided(), settings, ["webhook"])
    assert list((tmp_path / "state/spool").iterdir()) == []
    assert len(sent) == 1


def test_the_reserve_makes_room(
    decided, settings, started, sent, tmp_path, monkeypatch, caplog
) -> None:
    spool = Spool.of(str(tmp_path))
    spool.add(b"", b"", [], 2)
    disk.keep_reserve(spool.folder)
    write = atomic.write

    def full(path: Path, data: bytes, mode: int) -> None:
        if (spool.folder / "reserve-0").exists():
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data, mode)

    monkeypatch.setattr(atomic, "write", full)
    enqueue(decided(), settings, ["webhook", "mqtt"])
    assert {unit.job for unit in spool.units()} == {"webhook", "mqtt"}
    assert (sent, started) == ([], ["messages"])
    assert "is full: make room (the reserve for messages is in use now)" in caplog.text


def test_what_cannot_be_sent_from_memory_either_is_told(
    decided, settings, started, tmp_path, caplog, monkeypatch
) -> None:
    (tmp_path / "state").touch()

    def start(*_: object) -> None:
        raise from_memory.NotTaken("16 processes send from memory already")

    monkeypatch.setattr(from_memory, "start", start)
    enqueue(decided(), settings, ["webhook"])
    (record,) = caplog.records
    assert "webhook is lost" in record.getMessage()
    assert "16 processes" in record.getMessage()


def test_a_process_that_cannot_be_started_loses_nothing(
    decided, settings, tmp_path, caplog, monkeypatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(module, "start_detached", no_memory)
    enqueue(decided(), settings, ["webhook"])
    assert "Cannot allocate memory" in caplog.text
    assert len(Spool.of(str(tmp_path)).units()) == 1


def test_too_many_jobs_are_told(decided, settings, started, tmp_path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(spool_module, "MOST", 2)
    for _ in range(2):
        enqueue(decided(), settings, ["webhook", "animation"])
    assert [unit.job for unit in Spool.of(str(tmp_path)).units()] == ["webhook"] * 2
    assert "the 2 oldest were given up (animation)" in caplog.text


def test_no_secret_is_in_the_process_list(tmp_path) -> None:
    spool = Spool(tmp_path / "spool")
    words = module.command(spool, "films", 7)[1:]
    assert words == [
        *("-m", "zmhook.jobs.job_process", "--spool", str(spool.folder)),
        *("--lane", "films", "--slot", "7"),
    ]


# -- what waits ------------------------------------------------------------------------------------


def test_a_job_of_a_clock_that_was_ahead_could_be_done_now(tmp_path: Path) -> None:
    spool = Spool.of(str(tmp_path))
    entry = spool.add(b"{}", b"", [], 3)
    ahead = time.time() + 30 * 86400
    spool.add_unit(Unit(f"{int(ahead * 1000)}{entry[13:]}", "webhook", 0, ahead))
    found = backlog(str(tmp_path))
    assert (found["waiting"], found["oldest_s"], found["overdue_s"]) == (1, 0.0, 0.0)


def test_a_job_that_is_due_later_is_not_overdue(tmp_path: Path) -> None:
    spool = Spool.of(str(tmp_path))
    entry = spool.add(b"{}", b"", [], 3)
    spool.add_unit(Unit(entry, "webhook", 1, time.time() + 600))
    assert backlog(str(tmp_path))["overdue_s"] is None
