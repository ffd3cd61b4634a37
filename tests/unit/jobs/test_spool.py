from __future__ import annotations

import itertools
import os
import stat
import time
from pathlib import Path

import pytest

from zmhook.jobs import spool as module
from zmhook.jobs.spool import Spool, Unit


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.of(str(tmp_path))


def names(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.folder.iterdir())


def test_an_entry_and_its_jobs(spool: Spool) -> None:
    entry = spool.add(b"{}", b"jpeg", ["webhook", "apprise-2"], 3)
    units = spool.units()
    assert {unit.job for unit in units} == {"webhook", "apprise-2"}
    assert {(unit.entry, unit.tries, unit.monitor) for unit in units} == {(entry, 0, "3")}
    assert all(unit.due <= time.time() for unit in units)
    assert units[0].born == pytest.approx(time.time(), abs=60)
    assert (spool.data(entry), spool.picture(entry)) == (b"{}", b"jpeg")


def test_without_a_monitor_and_a_picture(spool: Spool) -> None:
    entry = spool.add(b"{}", b"", ["webhook"], None)
    assert spool.units()[0].monitor == "x"
    assert spool.picture(entry) == b""


def test_only_its_owner_may_read_it(spool: Spool) -> None:
    spool.add(b"{}", b"jpeg", ["webhook"], 3)
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in spool.folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "name",
    ["x", "messages.slot-0", "1732212345678-0123abcd-m3.json", ".0123.tmp", "a.webhook.0.1"],
)
def test_other_files_are_no_jobs(name: str) -> None:
    assert Unit.named(name) is None


def test_a_name_holds_all_of_a_job() -> None:
    unit = Unit("1732212345678-0123abcd-mx", "notes-again", 12, 1732212349.125)
    assert Unit.named(unit.name) == unit


def test_a_job_is_done_by_one(spool: Spool) -> None:
    spool.add(b"{}", b"", ["webhook"], 3)
    (unit,) = spool.units()
    first = spool.claim(unit)
    assert first
    assert spool.claim(unit) is None
    first.begin()
    assert spool.claim(unit) is None  # that name is gone
    assert spool.claim(first.unit) is None  # and the lock is still held
    first.close()
    again = spool.claim(first.unit)
    assert again
    assert again.unit.tries == 1
    again.close()


def test_later(spool: Spool) -> None:
    spool.add(b"{}", b"", ["webhook"], 3)
    claim = spool.claim(spool.units()[0])
    assert claim
    claim.again(5_000_000_000.5)
    claim.close()
    assert [unit.due for unit in spool.units()] == [5_000_000_000.5]


def test_the_last_job_takes_the_entry_with_it(spool: Spool) -> None:
    spool.add(b"{}", b"jpeg", ["webhook", "mqtt"], 3)
    other = spool.add(b"{}", b"jpeg", ["webhook"], 3)
    for unit in spool.units():
        if unit.entry != other:
            assert len(names(spool)) > 3
            claim = spool.claim(unit)
            assert claim
            claim.done()
            claim.close()
    assert {name.split(".")[0] for name in names(spool)} == {other}


def test_films_go_before_messages_and_old_before_new(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    clock = itertools.count(1_000_000_000)
    monkeypatch.setattr(module.time, "time", lambda: next(clock))
    first, *_ = [spool.add(b"{}", b"", ["webhook", "animation"], 3) for _ in range(3)]
    assert [(unit.job, unit.entry == first) for unit in spool.trim()] == [
        ("animation", True),
        ("animation", False),
        ("animation", False),
    ]
    spool.add(b"{}", b"", ["webhook"], 3)
    assert [(unit.job, unit.entry) for unit in spool.trim()] == [("webhook", first)]
    assert {path.suffix for path in spool.folder.glob(f"{first}*")} == {module.FAILED}
    assert spool.trim() == []


def test_sweeping(spool: Spool, monkeypatch) -> None:
    needed = spool.add(b"{}", b"jpeg", ["webhook"], 3)
    orphan = spool.add(b"{}", b"jpeg", [], 3)
    (spool.folder / ".0123.tmp").touch()
    spool.sweep()
    assert (spool.folder / f"{orphan}.json").exists()  # somebody may just be writing it
    monkeypatch.setattr(module, "ORPHANED", -1.0)
    spool.sweep()
    assert {name.split(".")[0] for name in names(spool)} == {needed}


def test_what_was_set_aside_keeps_what_it_is_made_of_for_a_week(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(module, "ORPHANED", -1.0)
    entry = spool.add(b"{}", b"jpeg", ["webhook", "mqtt"], 3)
    one, other = spool.units()
    spool.set_aside(one)
    spool.give_up([other])
    spool.sweep()
    assert len(names(spool)) == 4
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 2 * 86400)
    spool.sweep()
    assert (spool.units(module.FAILED), spool.data(entry)) == ([], b"{}")
    monkeypatch.setattr(module.time, "time", lambda: now + 8 * 86400)
    spool.sweep()
    assert names(spool) == []


def test_of_what_failed_only_the_newest_are_kept(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    entries = []
    for _ in range(5):
        entries.append(spool.add(b"{}", b"", ["webhook"], 3))
        spool.give_up(spool.units())
        time.sleep(0.002)  # names are made of milliseconds
    spool.sweep()
    assert sorted(unit.entry for unit in spool.units(module.FAILED)) == entries[2:]


def test_a_folder_in_the_place_of_what_is_old_stops_nothing(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(module, "ORPHANED", -1.0)
    orphan = spool.add(b"{}", b"", [], 3)
    (spool.folder / "1000000000000-00000000-m2.json").mkdir()
    full = spool.folder / "1000000000001-00000000-m2.json"
    (full / "x").mkdir(parents=True)
    spool.sweep()
    assert not (spool.folder / f"{orphan}.json").exists()
    assert names(spool) == [full.name]


def test_places_to_work_in(spool: Spool) -> None:
    spool.add(b"{}", b"", [], 3)
    slots = [spool.slot("messages", 2) for _ in range(3)]
    assert slots[2] is None
    assert slots[0] is not None
    assert spool.slot("films", 1) is not None
    os.close(slots[0])
    assert spool.slot("messages", 2) is not None


def test_one_waits(spool: Spool) -> None:
    spool.add(b"{}", b"", [], 3)
    waiting = spool.waiting("messages")
    assert waiting is not None
    assert spool.waiting("messages") is None
    os.close(waiting)
    assert spool.waiting("messages") is not None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "no")
    assert spool.units() == []
    assert spool.claim(Unit("1732212345678-0123abcd-mx", "mqtt", 0, 0.0)) is None


# -- a clock that was ahead and has been set back --------------------------------------------------


def test_what_was_stored_by_a_clock_that_was_ahead_is_the_oldest(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    real = time.time
    with monkeypatch.context() as patch:
        patch.setattr(module.time, "time", lambda: real() + 30 * 86400)
        ahead = spool.add(b"{}", b"", ["webhook"], 3)
    kept = spool.add(b"{}", b"", ["webhook"], 3)
    assert [unit.entry for unit in spool.trim()] == [ahead]
    assert [unit.entry for unit in spool.units()] == [kept]


@pytest.mark.parametrize("ending", [module.ASIDE, module.FAILED])
def test_what_is_no_job_any_more_goes_in_time_by_the_clock_of_today(
    spool: Spool, ending: str, monkeypatch
) -> None:
    real = time.time
    ahead = real() + 30 * 86400
    with monkeypatch.context() as patch:
        patch.setattr(module.time, "time", lambda: ahead)
        spool.add(b"{}", b"", ["webhook"], 3)
    (unit,) = spool.units()
    (spool.folder / unit.name).rename(spool.folder / f"{unit.name}{ending}")
    for path in spool.folder.iterdir():
        os.utime(path, (ahead, ahead))
    spool.sweep()
    assert spool.units(ending) == [unit]
    monkeypatch.setattr(module.time, "time", lambda: real() + module.KEPT[ending] + 60)
    spool.sweep()
    assert spool.units(ending) == []


def test_what_a_process_left_behind_then_goes_too(spool: Spool, monkeypatch) -> None:
    spool.add(b"{}", b"", [], 3)
    (path,) = spool.folder.iterdir()
    ahead = time.time() + 30 * 86400
    os.utime(path, (ahead, ahead))
    spool.sweep()
    monkeypatch.setattr(module, "ORPHANED", -1.0)
    spool.sweep()
    assert names(spool) == []
