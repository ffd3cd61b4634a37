"""Putting a service aside that hangs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.server import run
from zmhook.service import aside

HOLD = (
    "import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
    "fcntl.flock(f, fcntl.LOCK_EX); os.write(f, f'{os.getpid()}\\n'.encode())\n"
    "print('held', flush=True); time.sleep(60)"
)


def bound(place: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    return listener


@pytest.fixture
def place(short: Path) -> Path:
    return short / "o.ini.sock"


@pytest.fixture
def hung(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of the place, as a service that hangs does."""
    lock = place.with_suffix(".lock")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock, "zmhook.server"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_its_place_and_its_lock_are_free_for_another(place: Path, hung, caplog) -> None:
    with bound(place):
        aside.put(place, aside.identity(place))

    left = names(place.parent)
    assert [name[:12] + name[-5:] for name in left] == ["o.ini.aside-.lock", "o.ini.aside-.sock"]
    assert f"process {hung.pid} hangs" in caplog.text
    lock = run._lock(place)
    assert lock is not None
    os.close(lock)
    assert hung.poll() is None


def test_another_that_is_there_by_now_is_left_alone(place: Path, hung) -> None:
    with bound(place):
        silent = aside.identity(place)
    place.unlink()
    with bound(place):
        now = aside.identity(place)

        aside.put(place, silent._replace(made=silent.made - 1))

        assert aside.identity(place) == now
    assert names(place.parent) == ["o.ini.lock", "o.ini.sock"]


def test_what_is_no_socket_is_nothing(place: Path) -> None:
    assert aside.identity(place) is None
    place.touch()
    assert aside.identity(place) is None
    place.unlink()
    place.symlink_to("/run")
    assert aside.identity(place) is None


def test_a_lock_that_nobody_holds_stays(place: Path) -> None:
    place.with_suffix(".lock").write_text("4711\n")
    with bound(place):
        aside.put(place, aside.identity(place))

    first, second = names(place.parent)
    assert (first[:12], first[-5:], second) == ("o.ini.aside-", ".sock", "o.ini.lock")


def test_one_that_came_in_this_very_moment_gets_its_place_back(
    place: Path, hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bound(place):
        silent = aside.identity(place)
    seen = iter([silent, silent._replace(inode=silent.inode + 1)])
    monkeypatch.setattr(aside, "identity", lambda _: next(seen))

    aside.put(place, silent)

    assert place.is_socket()


def test_the_one_before_is_killed_when_another_hangs(place: Path, hung) -> None:
    with bound(place):
        aside.put(place, aside.identity(place))
    place.with_suffix(".lock").write_text("1\n")
    with bound(place):
        aside.put(place, aside.identity(place))

    assert hung.wait(20) == -9


def test_what_the_ended_left_is_taken_away(place: Path, hung) -> None:
    with bound(place):
        aside.put(place, aside.identity(place))
    aside.sweep(place)
    assert len(names(place.parent)) == 2
    hung.kill()
    hung.wait(20)

    aside.sweep(place)

    assert names(place.parent) == []


def test_the_neighbours_are_not_touched(place: Path) -> None:
    for name in ("p.ini.aside-1.lock", "o.ini.aside-1.txt", "o.ini.lock"):
        (place.parent / name).touch()

    aside.end_older(place)

    assert len(names(place.parent)) == 3


def test_nobody_elses_process_is_killed(place: Path, caplog) -> None:
    """Whoever may write there can hold any lock, and write any number."""
    lock = place.with_name("o.ini.aside-1.lock")
    lock.write_text("1\n")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        other.stdout.readline()

        aside.end_older(place)

        assert other.poll() is None
        other.kill()
    assert "which is no zmhook service" in caplog.text


def test_systemds_is_known_by_its_lock(place: Path) -> None:
    assert not aside.is_systemds(place)
    lock = run._lock_in_time(place, is_systemds=True)
    assert lock is not None
    assert aside.is_systemds(place)
    os.close(lock)
    other = run._lock_in_time(place)
    assert other is not None
    assert not aside.is_systemds(place)
    os.close(other)
