from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.report import later as module
from zmhook.report import spool as spool_module
from zmhook.report.later import jobs_for, later
from zmhook.report.spool import Spool
from zmhook.settings import Animation, General, Notify, Secret, Settings


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """The lanes for which a process was started; none really is."""
    lanes: list[str] = []
    monkeypatch.setattr(module, "_start", lambda _spool, lane, _slot: lanes.append(lane))
    return lanes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(general=General(base_data_path=str(tmp_path)))


EVERYTHING = Settings(
    general=General(portal="http://zm", tag_detected_objects=True),
    notify=Notify(
        notify_mqtt=True,
        notify_webhook=Secret("http://a"),
        notify_apprise=Secret("json://b  ntfy://c\n mailto://d"),
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
    later(decided(), settings, ["webhook", "animation", "mqtt"])
    units = Spool.of(str(tmp_path)).units()
    assert {unit.job for unit in units} == {"webhook", "animation", "mqtt"}
    assert {unit.monitor for unit in units} == {"2"}
    assert started == ["messages", "films"]


def test_no_jobs_no_files(decided, settings, started, tmp_path) -> None:
    later(decided(), settings, [])
    assert (list(tmp_path.iterdir()), started) == ([], [])


def test_no_process_where_one_waits_or_all_places_are_taken(
    decided, settings, started, tmp_path
) -> None:
    spool = Spool.of(str(tmp_path))
    later(decided(), settings, ["webhook"])
    waiting = spool.waiting("messages")
    assert waiting is not None
    later(decided(), settings, ["webhook"])
    os.close(waiting)
    slots = [spool.slot("messages", 3) for _ in range(3)]
    later(decided(), settings, ["webhook"])
    assert started == ["messages"]
    for slot in slots:
        assert slot is not None
        os.close(slot)
    later(decided(), settings, ["webhook"])
    assert started == ["messages"] * 2
    assert len(spool.units()) == 4


def test_a_disk_that_does_not_take_part_is_one_warning(
    decided, settings, started, tmp_path, caplog
) -> None:
    (tmp_path / "state").touch()
    with caplog.at_level(logging.WARNING):
        later(decided(), settings, ["webhook", "mqtt"])
    (record,) = caplog.records
    assert "event 7" in record.getMessage()
    assert "webhook, mqtt cannot be done in the background" in record.getMessage()
    assert str(tmp_path) in record.getMessage()
    assert started == []


def test_a_process_that_cannot_be_started_loses_nothing(
    decided, settings, tmp_path, caplog, monkeypatch
) -> None:
    def no_memory(*_: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(module, "_start", no_memory)
    later(decided(), settings, ["webhook"])
    assert "Cannot allocate memory" in caplog.text
    assert len(Spool.of(str(tmp_path)).units()) == 1


def test_too_many_jobs_are_told(decided, settings, started, tmp_path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(spool_module, "MOST", 2)
    for _ in range(2):
        later(decided(), settings, ["webhook", "animation"])
    assert [unit.job for unit in Spool.of(str(tmp_path)).units()] == ["webhook"] * 2
    assert "the 2 oldest were given up (animation)" in caplog.text


def test_no_secret_is_in_the_process_list(tmp_path) -> None:
    spool = Spool(tmp_path / "spool")
    words = module.command(spool, "films", 7)[1:]
    assert words == [
        *("-m", "zmhook.report.background", "--spool", str(spool.folder)),
        *("--lane", "films", "--slot", "7"),
    ]
