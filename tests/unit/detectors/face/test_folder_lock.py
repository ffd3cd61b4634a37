from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
import time

from zmhook.detectors.face.folder_lock import folder_lock

HOLD = (
    "import sys\n"
    "from pathlib import Path\n"
    "from zmhook.detectors.face.folder_lock import folder_lock\n"
    "with folder_lock(Path(sys.argv[1]), 0) as mine:\n"
    "    print(mine, flush=True)\n"
    "    sys.stdin.read()\n"
)


def other_process(root, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env={"PYTHONPATH": str(root / "hook")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    return process


def test_another_process_keeps_us_out_for_as_long_as_we_wait(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        started = time.monotonic()
        with folder_lock(tmp_path, 0.3) as mine:
            assert not mine
        assert time.monotonic() - started >= 0.3
        holder.communicate()
    with folder_lock(tmp_path, 0) as mine:
        assert mine


def test_the_lock_of_a_killed_process_is_free(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        holder.kill()
        holder.wait()
    with folder_lock(tmp_path, 0) as mine:
        assert mine


def test_it_waits_for_the_other_to_end(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        holder.stdin.close()
        with folder_lock(tmp_path, 10) as mine:
            assert mine


def test_nothing_is_left_in_the_folder(tmp_path):
    with folder_lock(tmp_path, 0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_needs_no_lock(tmp_path):
    with folder_lock(tmp_path / "none", 0) as mine:
        assert mine


def test_a_file_system_without_locks_does_not_stop_the_training(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock(tmp_path, 0) as mine:
        assert mine
