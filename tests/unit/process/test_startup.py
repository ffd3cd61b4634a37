"""A process that was started as zmdc.pl starts it puts itself right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOW = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM])
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.umask({umask})
os.closerange(0, 3)
os.execv(sys.executable, [sys.executable, "-c", {code!r}])
"""
CODE = """
import os, signal, subprocess, sys
sys.path.insert(0, {source!r})
from zmhook.process import startup
startup.prepare({mask})
print("nobody reads this", flush=True)
print("nor this", file=sys.stderr, flush=True)
failed = subprocess.run([sys.executable, "-c", "raise SystemExit(3)"]).returncode
mask = os.umask(0)
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
files = [os.readlink(f"/proc/self/fd/{{n}}") for n in range(3)]
open({out!r}, "w").write(repr((failed, oct(mask), sorted(blocked), files, sys.stdin.read())))
"""


def started(root: Path, out: Path, umask: int, mask: str) -> tuple:
    code = CODE.format(source=str(root / "hook"), out=str(out), mask=mask)
    subprocess.run(
        [sys.executable, "-c", HOW.format(umask=umask, code=code)], timeout=60, check=True
    )
    return eval(out.read_text())


def test_children_signals_files_and_mask(root: Path, tmp_path: Path) -> None:
    found = started(root, tmp_path / "out", 0, "startup.HOOK_UMASK")

    assert found == (3, "0o7", [], ["/dev/null"] * 3, "")


def test_a_mask_that_allows_less_stays(root: Path, tmp_path: Path) -> None:
    assert started(root, tmp_path / "out", 0o077, "")[1] == "0o77"


def test_a_persons_mask_stays(root: Path, tmp_path: Path) -> None:
    assert started(root, tmp_path / "out", 0o022, "")[1] == "0o22"
    assert started(root, tmp_path / "out", 0, "")[1] == "0o2"
