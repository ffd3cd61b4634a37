"""Starting a service from a hook."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from zmhook.server.service_socket import ServiceSocket
from zmhook.service import start


def wait(path: Path) -> str:
    end = time.monotonic() + 20
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
    return path.read_text()


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Python that tells how it was called, and stays until it is let go."""
    told, let_go = tmp_path / "told", tmp_path / "let-go"
    fake = tmp_path / "python"
    fake.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys, time\n"
        "files = {n: os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
        "         if os.path.exists(f'/proc/self/fd/{n}')}\n"
        "told = [sys.argv[1:], os.getcwd(), os.getsid(0) == os.getpid(), files, os.getpid()]\n"
        f"with open({str(told)!r}, 'w') as file: file.write(json.dumps(told) + '\\n')\n"
        f"while not os.path.exists({str(let_go)!r}): time.sleep(0.01)\n"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    yield told
    let_go.touch()
    if told.exists():
        gone(json.loads(told.read_text())[-1])


def gone(pid: int) -> None:
    """Wait for a child of ours, and take it away."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_one_start_at_a_time_and_it_is_detached(python: Path, tmp_path: Path) -> None:
    place = tmp_path / "run" / "o.sock"

    assert start.start("/etc/a b.ini", place)
    assert not start.start("/etc/a b.ini", place)
    args, cwd, leads, files, _ = json.loads(wait(python))
    assert not start.start("/etc/a b.ini", place)

    lock = place.with_suffix(".start")
    assert args[:6] == ["-m", "zmhook.server", "-c", "/etc/a b.ini", "--socket", str(place)]
    assert files.pop(args[args.index("--start-lock") + 1]) == str(lock)
    assert (cwd, leads) == ("/", True)
    assert {files[standard] for standard in "012"} == {"/dev/null"}
    assert not [name for name in files.values() if str(tmp_path / "run") in name]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_when_the_starting_one_has_died_another_may_start(python: Path, tmp_path: Path) -> None:
    place = tmp_path / "o.sock"
    assert start.start("/o.ini", place)
    pid = json.loads(wait(python))[-1]
    (tmp_path / "let-go").touch()
    gone(pid)
    python.unlink()

    assert start.start("/o.ini", place)
    wait(python)


def test_without_a_usable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError):
        start.start("/o.ini", tmp_path / "file" / "o.sock")


def test_without_a_python_the_lock_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OSError):
        start.start("/o.ini", tmp_path / "o.sock")

    with (tmp_path / "o.start").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[TextIO]:
    """Somebody who is starting a service."""
    with (tmp_path / "o.start").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def test_waiting_until_it_serves(tmp_path: Path, starting: TextIO) -> None:
    place = tmp_path / "o.sock"
    place.touch()  # of a dead one, which must not be asked
    assert not start.wait_for(place, 0.06)
    timer = threading.Timer(0.1, fcntl.flock, (starting, fcntl.LOCK_UN))
    timer.start()

    assert start.wait_for(place, 10)
    timer.join()


def test_one_that_failed_to_start_is_not_waited_for(tmp_path: Path, starting: TextIO) -> None:
    starting.close()
    assert not start.wait_for(tmp_path / "o.sock", 10)
    assert not start.wait_for(tmp_path / "never" / "o.sock", 10)


# -- a service that hangs --------------------------------------------------------------------------


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
        start.put_aside(place, start.socket_identity(place))

    left = names(place.parent)
    assert [name[:12] + name[-5:] for name in left] == ["o.ini.aside-.lock", "o.ini.aside-.sock"]
    assert f"process {hung.pid} hangs" in caplog.text
    other = ServiceSocket(place)
    assert other.lock()
    other.close()
    assert hung.poll() is None


def test_another_that_is_there_by_now_is_left_alone(place: Path, hung) -> None:
    with bound(place):
        silent = start.socket_identity(place)
    place.unlink()
    with bound(place):
        now = start.socket_identity(place)

        start.put_aside(place, silent._replace(made=silent.made - 1))

        assert start.socket_identity(place) == now
    assert names(place.parent) == ["o.ini.lock", "o.ini.sock"]


def test_what_is_no_socket_is_nothing(place: Path) -> None:
    assert start.socket_identity(place) is None
    place.touch()
    assert start.socket_identity(place) is None
    place.unlink()
    place.symlink_to("/run")
    assert start.socket_identity(place) is None


def test_a_lock_that_nobody_holds_stays(place: Path) -> None:
    place.with_suffix(".lock").write_text("4711\n")
    with bound(place):
        start.put_aside(place, start.socket_identity(place))

    first, second = names(place.parent)
    assert (first[:12], first[-5:], second) == ("o.ini.aside-", ".sock", "o.ini.lock")


def test_one_that_came_in_this_very_moment_gets_its_place_back(
    place: Path, hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bound(place):
        silent = start.socket_identity(place)
    seen = iter([silent, silent._replace(inode=silent.inode + 1)])
    monkeypatch.setattr(start, "socket_identity", lambda _: next(seen))

    start.put_aside(place, silent)

    assert place.is_socket()


def test_the_one_before_is_killed_when_another_hangs(place: Path, hung) -> None:
    with bound(place):
        start.put_aside(place, start.socket_identity(place))
    place.with_suffix(".lock").write_text("1\n")
    with bound(place):
        start.put_aside(place, start.socket_identity(place))

    assert hung.wait(20) == -9


def test_what_the_ended_left_is_taken_away(place: Path, hung) -> None:
    with bound(place):
        start.put_aside(place, start.socket_identity(place))
    start.sweep(place)
    assert len(names(place.parent)) == 2
    hung.kill()
    hung.wait(20)

    start.sweep(place)

    assert names(place.parent) == []


def test_the_neighbours_are_not_touched(place: Path) -> None:
    for name in ("p.ini.aside-1.lock", "o.ini.aside-1.txt", "o.ini.lock"):
        (place.parent / name).touch()

    start.kill_put_aside(place)

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

        start.kill_put_aside(place)

        assert other.poll() is None
        other.kill()
    assert "which is no zmhook service" in caplog.text


def test_systemds_is_known_by_its_lock(place: Path) -> None:
    assert not start.is_held_by_systemd(place)
    with socket.socket(socket.AF_UNIX) as passed:
        held = ServiceSocket(place, passed)
        assert held.lock()
        assert start.is_held_by_systemd(place)
        held.close()
    other = ServiceSocket(place)
    assert other.lock()
    assert not start.is_held_by_systemd(place)
    other.close()
