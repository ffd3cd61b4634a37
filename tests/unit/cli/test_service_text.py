"""The service's status in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zmhook.cli.service_text import age, blocks
from zmhook.cli.tables import plain

NOW = 1_700_000_000.0


def status(**more: Any) -> dict[str, Any]:
    return {
        "version": "1.2.3",
        "pid": 77,
        "uptime_s": 3725.0,
        "config": "/etc/zm/objectconfig.ini",
        "config_error": "",
        "workers": [{"pid": 78, "event": "", "rss_mb": 110.4, "models": ["yolo: a.onnx"]}],
        "queue": {"size": 500, "waiting": 0, "per_monitor": {}},
        "events": {"alarm": 3},
        "refused": 0,
        "dropped": 0,
        "restarts": 0,
        "stages_ms": {},
        "last_errors": {},
        **more,
    }


def lines(**more: Any) -> list[str]:
    found = [plain(block, 200) for block in blocks(status(**more), Path("/run/zmhook/x.sock"), NOW)]
    return [line for block in found for line in block]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_which_service_it_is() -> None:
    first, second, third, *_ = lines()
    assert first == "zmhook 1.2.3 runs at /run/zmhook/x.sock (process 77)"
    assert second == "up for 1 h 2 min, configuration /etc/zm/objectconfig.ini"
    assert third == "0 of at most 500 events wait"


def test_a_damaged_database_is_told_for_a_week() -> None:
    found = {"count": 2, "last": NOW - 90, "reason": "it is empty"}
    old = {"count": 1, "last": NOW - 8 * 86400, "reason": "it was deleted"}
    told = lines(damaged={"/x/history.sqlite": found, "/x/old.sqlite": old})
    (line,) = (line for line in told if "sqlite" in line)
    assert line.startswith("PROBLEM: /x/history.sqlite was damaged 2 times, last 1 min 30 s ago")
    assert "(it is empty)" in line


def test_jobs_that_wait_and_fail() -> None:
    jobs = {
        "waiting": 3,
        "retried": 2,
        "failed": 4,
        "set_aside": 1,
        "oldest_s": 3725.0,
        "overdue_s": 61.0,
        "by_job": {"webhook": 3},
        "error": "",
    }
    told = [cells(line) for line in lines(jobs=jobs)]
    for row in (
        ["waiting", "3"],
        ["of these tried before", "2"],
        ["failed within a day", "4"],
        ["set aside as unreadable", "1"],
        ["age of the oldest", "1 h 2 min"],
        ["overdue by", "1 min 1 s"],
        ["waiting: webhook", "3"],
    ):
        assert row in told
    assert "PROBLEM: jobs cannot be stored or read: /x: no" in lines(
        jobs={**jobs, "error": "/x: no"}
    )


def test_a_worker_says_what_it_has_and_does() -> None:
    busy = {"pid": 9, "event": "event 5 of monitor 2", "rss_mb": 99.6, "models": ["yolo", "face"]}
    unloaded = {"pid": None, "event": "", "rss_mb": 0.0, "models": []}
    starting = {"pid": 10, "event": "", "rss_mb": 0.0, "models": []}
    told = [cells(line) for line in lines(workers=[busy, unloaded, starting])]
    assert ["9", "100 MB", "yolo, face", "event 5 of monitor 2"] in told
    assert ["-", "-", "unloaded until the next event", "-"] in told
    assert ["10", "0 MB", "none loaded", "idle"] in told


def test_who_waits_is_told_by_monitor() -> None:
    queue = {"size": 9, "waiting": 3, "per_monitor": {"2": 2, "None": 1}}
    assert "3 of at most 9 events wait (monitor 2: 2; no monitor: 1)" in lines(queue=queue)


def test_every_count_is_there() -> None:
    told = [cells(line) for line in lines(refused=4, dropped=5, restarts=6)]
    assert ["alarm", "3"] in told
    assert ["nothing", "0"] in told
    assert ["undecided", "0"] in told
    assert ["of these refused, queue full", "4"] in told
    assert ["dropped, caller gone", "5"] in told
    assert ["workers replaced", "6"] in told


def test_stages_have_their_percentiles() -> None:
    told = lines(stages_ms={"yolo load": {"events": 12, "p50": 1.26, "p95": 40.0}})
    assert ["yolo load", "12", "1.3", "40.0"] in [cells(line) for line in told]
    assert not any("p50" in line for line in lines())


def test_a_broken_edit_is_said_at_the_top() -> None:
    told = lines(config_error="objectconfig.ini: [yolo] wieghts: unknown key")
    assert told[2].endswith("not in force: objectconfig.ini: [yolo] wieghts: unknown key")


def test_problems_are_said_at_the_top() -> None:
    told = lines(problems=["[service] listen_cert = a.pem: cannot be used", "another"])
    assert told[2:4] == [
        "PROBLEM: [service] listen_cert = a.pem: cannot be used",
        "PROBLEM: another",
    ]


def test_monitors_have_their_names() -> None:
    queue = {"waiting": 2, "size": 500, "per_monitor": {"5": 1, "10.0.0.5": 1}}
    errors = {"5": {"at": NOW - 90, "error": "no picture"}}
    state = status(queue=queue, last_errors=errors)
    shown = list(blocks(state, Path("/run/zmhook/x.sock"), NOW, {5: "Drive", 6: "Yard"}))
    assert "2 of at most 500 events wait (monitor 5 (Drive): 1; 10.0.0.5: 1)" in shown
    assert "monitor 5 (Drive)" in plain(shown[-1])[-1]


def test_errors_have_their_age() -> None:
    errors = {
        "5": {"at": NOW - 90, "error": "no picture"},
        "None": {"at": NOW - 2, "error": "a\x1b[31mred"},
    }
    told = [cells(line) for line in lines(last_errors=errors)]
    assert ["monitor 5", "1 min 30 s ago", "no picture"] in told
    assert ["no monitor", "2 s ago", "a [31mred"] in told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_what_other_machines_asked() -> None:
    told = lines(
        inference_requests={"failed": 2, "answered": 40},
        queue={"size": 500, "waiting": 3, "per_monitor": {"2": 1, "10.0.0.5": 2}},
    )
    assert "3 of at most 500 events wait (monitor 2: 1; 10.0.0.5: 2)" in told
    found = [cells(line) for line in told]
    assert ["answered", "40"] in found
    assert ["failed, queue full, too late or no worker", "2"] in found
    assert not any("other machines" in line for line in lines())
