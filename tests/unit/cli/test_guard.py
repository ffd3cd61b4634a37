"""Whatever ends an event's process, somebody answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zmhook.cli import guard

PROGRAM = """
import os, re, signal, sys, time
sys.path.insert(0, {source!r})
from zmhook.process import startup
startup.prepare()
from zmhook.cli import guard

def work(progress):
{work}

def undecided(why):
{undecided}

sys.exit(guard.Guard(time.monotonic()).run(work, undecided))
"""
TELL = "    print(why, flush=True); return 2"


@pytest.fixture
def command(root: Path):
    """A guarded program, by what its child does."""

    def make(*work: str, undecided: str = TELL) -> list[str]:
        body = "\n".join(f"    {line}" for line in work)
        program = PROGRAM.format(source=str(root / "hook"), work=body, undecided=undecided)
        return [sys.executable, "-c", program]

    return make


@pytest.fixture
def guarded(command):
    def run(*work: str, **how: str) -> tuple[int, str, str]:
        done = subprocess.run(command(*work, **how), capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return run


SOON = "progress.must_end(time.monotonic() + 0.3, time.monotonic() + 20)"
LATE = "progress.must_end(time.monotonic() + 50, time.monotonic() + 60)"


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_answers_code_is_the_hooks(guarded, code: int) -> None:
    assert guarded("print('line')", f"progress.answered({code})") == (code, "line\n", "")


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGKILL", "SIGABRT", "SIGILL"])
def test_a_crash_is_answered_for(guarded, number: str) -> None:
    code, out, _ = guarded(LATE, f"os.kill(os.getpid(), signal.{number})")

    assert (code, out) == (2, f"the detection process was ended by {number}\n")


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_library_that_ends_the_process_has_not_answered(guarded, code: int) -> None:
    assert guarded(LATE, f"os._exit({code})")[:2] == (
        2,
        f"the detection process ended with exit code {code}\n",
    )


def test_an_error_that_nobody_caught_is_told(guarded) -> None:
    code, out, err = guarded(LATE, "raise RuntimeError('half installed')")

    told = "internal error, please report it (RuntimeError: half installed)\n"
    assert (code, out, err) == (2, told, "")


def test_an_error_before_the_settings_were_read_is_told_once(guarded) -> None:
    """Nothing says what is to become of the event, then."""
    code, out, err = guarded("import no_such_package")

    assert (code, out) == (2, "")
    assert err.startswith("zmhook: ERROR: the installation is damaged (ModuleNotFoundError: ")
    assert err.count("\n") == 1


def test_an_error_after_the_answer_is_told(guarded) -> None:
    code, _, err = guarded(LATE, "progress.answered(0)", "raise RuntimeError('late')")

    told = "zmhook: ERROR: internal error, please report it (RuntimeError: late)\n"
    assert (code, err) == (0, told)


def test_what_comes_after_the_answer_takes_nothing_back(guarded) -> None:
    crash = ("print('line', flush=True)", "progress.answered(0)", "os.abort()")

    assert guarded(LATE, *crash)[:2] == (0, "line\n")


def test_what_hangs_is_cut_off(guarded) -> None:
    """An endless regular expression holds the interpreter; no Python code can stop it."""
    code, out, _ = guarded(SOON, "re.match('(a|aa)+$', 'a' * 200 + 'b')")

    assert (code, out) == (2, "no decision in time ([general] event_deadline)\n")


def test_what_hangs_after_the_answer_is_cut_off_too(guarded) -> None:
    assert guarded(SOON, "progress.answered(0)", "time.sleep(60)")[:2] == (0, "")


def test_the_answer_in_its_place_is_not_waited_for_either(guarded) -> None:
    """What hung there, such as a disk, may hang here."""
    end = "progress.must_end(time.monotonic() + 0.1, time.monotonic() + 0.3)"

    assert guarded(end, "time.sleep(60)", undecided="    time.sleep(60)")[0] == 2


def test_a_crash_before_there_are_settings_is_2_and_a_line(guarded) -> None:
    code, out, err = guarded("os.abort()")

    assert (code, out) == (2, "")
    assert err == "zmhook: ERROR: the detection process was ended by SIGABRT\n"


def begun(command: list[str], tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    path = tmp_path / "pid"
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return process, int(path.read_text())


def is_gone(pid: int) -> bool:
    end = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Say whether it is more than a process that has ended and whose parent does not ask.

    In a container the first process may be one that does not.
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def waiting(tmp_path: Path):
    """Work that writes down its process and then stays."""
    path = str(tmp_path / "pid")
    return f"f = open({path!r}, 'w'); f.write(str(os.getpid())); f.close(); time.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ended_by_the_server_it_prints_nothing(command, waiting, tmp_path, number) -> None:
    process, child = begun(command(LATE, waiting), tmp_path)

    process.send_signal(number)

    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 1
    assert is_gone(child)


def test_ended_after_the_answer_the_answer_stands(command, waiting, tmp_path) -> None:
    process, child = begun(command("progress.answered(0)", waiting), tmp_path)

    process.terminate()

    assert process.wait(30) == 0
    process.communicate()
    assert is_gone(child)


def test_killed_it_leaves_no_child(command, waiting, tmp_path) -> None:
    process, child = begun(command(LATE, waiting), tmp_path)

    process.kill()

    process.communicate(timeout=30)
    assert is_gone(child)


def test_with_children_ignored_by_who_started_it(command) -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        f"os.execv(sys.executable, {command(LATE, 'os.abort()')!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == "the detection process was ended by SIGABRT\n"


# -- when the hook was called --------------------------------------------------------------------


@pytest.fixture
def uptime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "uptime"
    path.write_text("1000.50 1980.00\n")
    monkeypatch.setattr(guard, "UPTIME", path)
    monkeypatch.setattr(time, "monotonic", lambda: 500.0)
    return path


@pytest.mark.parametrize(("began", "when"), [("990.50", 490), ("1000.50", 500), ("100.5", -400)])
def test_the_shells_time_counts(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, began: str, when: float
) -> None:
    monkeypatch.setenv(guard.CALLED_AT, began)

    assert guard.called_at() == pytest.approx(when)
    assert guard.CALLED_AT not in os.environ


@pytest.mark.parametrize("began", [None, "", "soon", "1001", "nan"])
def test_without_one_it_is_now(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, began: str | None
) -> None:
    if began is None:
        monkeypatch.delenv(guard.CALLED_AT, raising=False)
    else:
        monkeypatch.setenv(guard.CALLED_AT, began)

    assert guard.called_at() == 500


@pytest.mark.parametrize("text", ["", "much\n"])
def test_without_a_clock_it_is_now(
    uptime: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(guard.CALLED_AT, "990")
    uptime.write_text(text)

    assert guard.called_at() == 500
    uptime.unlink()
    assert guard.called_at() == 500


# -- what the parent loads -----------------------------------------------------------------------


def test_the_parent_loads_no_settings_and_no_models(root: Path) -> None:
    """It answers for a child that died of them; and the hook's parent starts sooner."""
    heavy = ("msgspec", "numpy", "cv2", "datetime", "difflib", "zmhook.settings")
    code = (
        f"import sys; sys.path.insert(0, {str(root / 'hook')!r})\n"
        "from zmhook.cli import detect, guard\n"
        "detect.make_parser()\n"
        f"print(*(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("\n", "")
