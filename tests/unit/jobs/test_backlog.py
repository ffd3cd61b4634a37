"""What is told of the jobs that wait."""

from __future__ import annotations

import time
from pathlib import Path

from zmhook.jobs.backlog import backlog
from zmhook.jobs.spool import Spool, Unit


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
