"""What the service tells about itself, as data and for Prometheus."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from prometheus_client.parser import text_string_to_metric_families

from zmhook.detection import Decision
from zmhook.event import Event
from zmhook.jobs.enqueue import backlog
from zmhook.jobs.spool import Spool
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.metrics import CONTENT_TYPE, exposition
from zmhook.service.routes import damaged_databases, status, watch_state
from zmhook.service.supervisor import Supervisor
from zmhook.service.wire import InferResult
from zmhook.settings import Config, History, Settings
from zmhook.storage.corruption import Damaged, count, identity, set_aside
from zmhook.storage.lock import lock_file
from zmhook.watch import status as watch
from zmhook.watch.position import Position


@pytest.fixture
def report(tmp_path: Path, ticket, soon) -> dict[str, Any]:
    """The status of a service that has decided some events."""
    path = tmp_path / "o.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\n"
        "[service]\nservice_workers = 2\nservice_queue = 9\n"
    )
    spool = Spool.of(str(tmp_path))
    spool.add(b"{}", b"", ["webhook", "apprise-1", "mqtt", "tags"], 3)
    by_job = {unit.job: unit for unit in spool.units()}
    claim = spool.claim(by_job["webhook"])
    claim.begin()
    claim.close()
    spool.give_up([by_job["mqtt"]])
    spool.set_aside(by_job["tags"])

    async def run() -> dict[str, Any]:
        supervisor = Supervisor(ConfigWatch(str(path)), lambda *_: None)
        event = Event(id=1, monitor_id=3)
        for outcome, errors in (("alarm", []), ("alarm", []), ("undecided", ['a "b"\\\n'])):
            decision = Decision(event=event, outcome=outcome, errors=errors, timings={"yolo": 20.0})
            supervisor.stats.decided(decision, 0.1)
        supervisor.stats.inferred(InferResult(), 0.1)
        supervisor.stats.refused, supervisor.stats.dropped, supervisor.stats.restarts = 4, 5, 6
        for number in range(3):
            supervisor.queue.put(ticket(number, number % 2))
        supervisor.pool.slots[0].ticket = ticket(8, 3)
        supervisor.pool.slots[0].rss_mb = 123.46
        found = await status(supervisor)
        await supervisor.finish(0)
        return found

    return soon(run)


def test_it_is_plain_data(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report)) == report


def test_what_it_reports(report: dict[str, Any]) -> None:
    assert report["pid"] == os.getpid()
    assert 0 <= report["uptime_s"] < 60
    assert report["queue"] == {"size": 9, "waiting": 3, "per_monitor": {"0": 2, "1": 1}}
    assert report["events"] == {"alarm": 2, "undecided": 1}
    assert report["inference_requests"] == {"answered": 1}
    assert (report["refused"], report["dropped"], report["restarts"]) == (4, 5, 6)
    assert report["stages_ms"]["yolo"] == {"events": 3, "p50": 20.0, "p95": 20.0}
    assert report["last_errors"]["3"]["error"] == 'a "b"\\\n'
    assert report["workers"] == [
        {"pid": None, "event": "event 8 of monitor 3", "rss_mb": 123.5, "models": []},
        {"pid": None, "event": "", "rss_mb": 0.0, "models": []},
    ]


@pytest.mark.parametrize("ended", [False, True])
def test_the_watch(ended: bool, tmp_path: Path) -> None:
    """One that has ended by itself is a fault; one that was stopped is no longer used."""
    folder = watch.folder_of(str(tmp_path))
    folder.mkdir()
    position = Position(portal="http://zm/zm", mark=7, answered=1.0)
    counts = watch.EventCounts(alarm=5)
    watch.write(
        folder,
        watch.WatchStatus(position=position, pid=1, at=2.0, since=1.0, counts=counts, ended=ended),
    )
    state = watch_state(str(tmp_path))
    assert state == (None if ended else {"ok": False, "waiting": 0, "events": to_builtins(counts)})
    lock = lock_file(folder / watch.LOCK)
    assert lock is not None
    assert watch_state(str(tmp_path)) == (None if ended else {**state, "ok": True})
    os.close(lock)


def test_metrics_of_the_watch(report: dict[str, Any]) -> None:
    watched = {"ok": True, "waiting": 2, "events": {"alarm": 5, "old": 0}}
    text = exposition({**report, "watch": watched}).decode()
    assert "zmhook_watch_ok 1.0" in text
    assert "zmhook_watch_waiting 2.0" in text
    assert 'zmhook_watch_events_total{outcome="alarm"} 5.0' in text


def test_jobs_that_wait_failed_or_cannot_be_read(report: dict[str, Any]) -> None:
    jobs = report["jobs"]
    assert (jobs["waiting"], jobs["retried"], jobs["failed"], jobs["set_aside"]) == (2, 1, 1, 1)
    assert jobs["by_job"] == {"apprise-1": 1, "webhook": 1}
    assert jobs["oldest_s"] >= 0
    assert jobs["overdue_s"] >= 0
    assert jobs["error"] == ""


def test_the_metrics_of_jobs(report: dict[str, Any]) -> None:
    report["jobs"] |= {"oldest_s": 12.5, "overdue_s": None}
    found = samples(report)
    assert found["zmhook_jobs_waiting", "webhook"] == 1
    assert (found["zmhook_jobs_retried",], found["zmhook_jobs_failed",]) == (1, 1)
    assert found["zmhook_jobs_set_aside",] == 1
    assert (found["zmhook_jobs_oldest_seconds",], found["zmhook_jobs_overdue_seconds",]) == (
        12.5,
        0,
    )
    assert found["zmhook_jobs_ok",] == 1


def test_databases_that_were_damaged(tmp_path: Path) -> None:
    history = tmp_path / "history.sqlite"
    history.mkdir()
    set_aside(history, Damaged(identity(history), "a folder lies in its place"))
    count(history, None, "it was deleted")
    settings = Settings(history=History(history_path=str(history)))
    found = damaged_databases(Config("o.ini", settings, {}, []))
    assert list(found) == [str(history)]
    assert found[str(history)]["count"] == 2
    assert found[str(history)]["reason"] == "it was deleted"
    assert time.time() - 60 < found[str(history)]["last"] <= time.time()


def test_the_metrics_of_damaged_databases(report: dict[str, Any]) -> None:
    report["damaged"] = {"/x/history.sqlite": {"count": 3, "last": 1.0, "reason": "it is empty"}}
    assert samples(report)["zmhook_databases_damaged_total", "/x/history.sqlite"] == 3


def test_jobs_in_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/spool").touch()
    found = backlog(str(tmp_path))
    assert found["error"] == f"{tmp_path}/state/spool: Not a directory"
    assert found["waiting"] == 0


def samples(report: dict[str, Any]) -> dict[tuple[str, ...], float]:
    text = exposition(report).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_prometheus_understands_it(report: dict[str, Any]) -> None:
    found = samples(report)

    assert found["zmhook_events_total", "alarm"] == 2
    assert found["zmhook_events_total", "undecided"] == 1
    assert found["zmhook_events_refused_total",] == 4
    assert found["zmhook_events_dropped_total",] == 5
    assert found["zmhook_worker_restarts_total",] == 6
    assert found["zmhook_events_waiting",] == 3
    assert found["zmhook_workers",] == 0
    assert found["zmhook_config_ok",] == 1
    assert found["zmhook_stage_seconds", "0.95", "yolo"] == 0.02
    assert "text/plain" in CONTENT_TYPE


def test_a_broken_configuration_shows(report: dict[str, Any]) -> None:
    found = samples({**report, "config_error": "o.ini: [general] wait: …"})

    assert found["zmhook_config_ok",] == 0


def test_a_stage_may_have_any_name(report: dict[str, Any]) -> None:
    times = {"events": 1, "p50": 1.0, "p95": 2.0}
    found = samples({**report, "stages_ms": {'odd "name"\\ {}\n': times}})

    assert found["zmhook_stage_seconds", "0.5", 'odd "name"\\ {}\n'] == 0.001


def test_a_new_service_has_nothing_to_tell(report: dict[str, Any]) -> None:
    found = samples({**report, "events": {}, "stages_ms": {}, "workers": []})

    assert not [name for name in found if name[0] == "zmhook_events_total"]
    assert found["zmhook_workers",] == 0
