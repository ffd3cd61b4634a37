"""A process that was started as zmdc.pl starts it puts itself right, and hides its arguments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.process import startup
from zmhook.process.startup import Signals

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


CONCEALING = """
import subprocess, sys
from pathlib import Path
from zmhook.process.startup import conceal
print(conceal(sys.argv[-1:]))
print(*Path("/proc/self/cmdline").read_text().split("\\0")[3:-1], sep="\\n")
print(sys.argv[-1])
"""


def test_they_are_not_in_the_list_of_processes() -> None:
    given = ["-p", "s3cret wörd", "-ps3cret wörd", "--mqtt_password=s3cret wörd", "s3cret wörd"]
    done = subprocess.run(
        [sys.executable, "-c", CONCEALING, *given],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    works, *shown, kept = done.stdout.splitlines()
    hidden = "x" * len("s3cret wörd".encode())
    assert works == "True"
    assert shown == ["-p", hidden, f"-p{hidden}", f"--mqtt_password={hidden}", hidden]
    assert kept == "s3cret wörd"  # Python has its own


@pytest.mark.parametrize(
    ("argument", "hidden"),
    [
        (b"abc", b"xxx"),
        (b"-pabc", b"-pxxx"),
        (b"mqtt.mqtt_password=abc", b"mqtt.mqtt_password=xxx"),
        (b"/some/abc", b"/some/abc"),
        (b"abcd", b"abcd"),
    ],
)
def test_what_is_taken_for_a_secret(argument: bytes, hidden: bytes) -> None:
    shown = b"python\0" + argument + b"\0"
    assert startup._hidden(shown, [b"abc"]) == b"python\0" + hidden + b"\0"


def test_nothing_to_hide_is_fine() -> None:
    assert startup.conceal(["", ""])


def test_a_system_that_does_not_let_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert not startup.conceal(["secret"])


def test_they_come_one_after_the_other() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Signals([signal.SIGUSR1, signal.SIGHUP]) as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.wait(10) == signal.SIGUSR1
        assert signals.wait(10) == signal.SIGHUP
        assert signals.wait(0) is None
    assert signal.getsignal(signal.SIGUSR1) == before
