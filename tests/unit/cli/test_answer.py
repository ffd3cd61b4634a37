"""The process's one answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def program(code: str, root: Path) -> str:
    return (
        f"import sys, os; sys.path.insert(0, {str(root / 'hook')!r})\n"
        f"from zmhook.cli.answer import Answer\n{code}"
    )


def run(code: str, root: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program(code, root)], capture_output=True, timeout=30
    )


def test_only_the_answer_reaches_stdout(root: Path) -> None:
    done = run("a = Answer(); print('noise'); os.system('echo native noise'); a.give('line')", root)

    assert done.stdout == b"line\n"
    assert b"noise" in done.stderr
    assert b"native noise" in done.stderr


def test_it_is_given_once(root: Path) -> None:
    done = run("a = Answer(); assert a.give('one'); assert not a.give('two')", root)

    assert (done.returncode, done.stdout) == (0, b"one\n")


def test_silence_closes_stdout(root: Path) -> None:
    done = run("a = Answer(); a.give(''); sys.stdout.flush()", root)

    assert (done.returncode, done.stdout) == (0, b"")


def test_a_closed_stderr_is_no_obstacle(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "from zmhook.process import startup; startup.prepare()\n"
        "a = Answer(); print('noise', flush=True); a.give('line')"
    )
    subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" >{out} 2>&-', sys.executable, program(code, root)],
        check=True,
        timeout=30,
    )

    assert out.read_bytes() == b"line\n"
