"""`zmhook` finds its commands, imports only the one that is called, and ends in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from zmhook.cli import main as module
from zmhook.cli.main import COMMANDS, main
from zmhook.errors import Problem, SettingsError, ZmhookError
from zmhook.version import __version__


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Stand in for a command: `command(function)` makes `zmhook probe` call it."""

    def use(function):
        monkeypatch.setitem(COMMANDS, "probe", ("zmhook_probe", "stands in"))
        monkeypatch.setitem(sys.modules, "zmhook_probe", types.SimpleNamespace(main=function))

    return use


def raising(error: BaseException):
    def run(_argv: list[str]) -> int:
        raise error

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"zmhook {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["-h"], ["--help"], ["help"]])
def test_help_names_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["detekt"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "zmhook: there is no command 'detekt'; zmhook --help shows them\n"


def test_arguments_and_exit_code_pass_through(command):
    seen = []
    command(lambda argv: seen.append(argv) or 7)
    assert main(["probe", "--x", "a b"]) == 7
    assert seen == [["--x", "a b"]]


def test_an_error_is_one_line(command, capsys: pytest.CaptureFixture[str]):
    command(raising(ZmhookError("no such thing")))
    assert main(["probe"]) == 1
    assert capsys.readouterr().err == "zmhook: no such thing\n"


def test_each_problem_of_a_configuration_has_its_line(command, capsys: pytest.CaptureFixture[str]):
    problems = [Problem("a.ini", "yolo", "weight", "unknown key"), Problem("a.ini", "", "b", "no")]
    command(raising(SettingsError(problems)))
    assert main(["probe"]) == 1
    assert capsys.readouterr().err.splitlines() == [f"zmhook: {problem}" for problem in problems]


def test_an_interrupt_is_no_traceback(command, capsys: pytest.CaptureFixture[str]):
    command(raising(KeyboardInterrupt()))
    assert main(["probe"]) == module.INTERRUPTED
    assert capsys.readouterr().err == "zmhook: interrupted\n"


def test_a_reader_who_has_seen_enough_is_no_traceback():
    """As with `zmhook config reference | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "zmhook.cli.main", "config", "reference"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_showing_the_version_imports_nothing_heavy():
    code = (
        "import sys; from zmhook.cli.main import main; main(['--version']);"
        "print(*sorted({'msgspec', 'numpy', 'cv2', 'argparse', 'urllib.request', 'rich'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"zmhook {__version__}", ""]
