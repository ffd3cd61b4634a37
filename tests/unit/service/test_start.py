"""Starting a service from a hook."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

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
    started = time.monotonic()

    assert not start.wait_for(tmp_path / "o.sock", 10)
    assert not start.wait_for(tmp_path / "never" / "o.sock", 10)
    assert time.monotonic() - started < 5
