"""`zmhook` finds its commands, imports only the one that is called, and ends in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from importlib import import_module
from pathlib import Path

import pytest

from zmhook import __version__
from zmhook.cli import main as module
from zmhook.cli.arguments import Parser
from zmhook.cli.main import COMMANDS, Command, main
from zmhook.errors import Problem, SettingsError, ZmhookError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Stand in for a command: `command(function)` makes `zmhook probe` call it."""

    def use(function):
        monkeypatch.setitem(COMMANDS, "probe", Command("zmhook_probe", "Events", "stands in"))
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


def parsers() -> dict[str, Parser]:
    """Return the parser of every command and subcommand, by its words."""
    found: dict[str, Parser] = {}
    todo = [
        (name, import_module(command.module).make_parser()) for name, command in COMMANDS.items()
    ]
    while todo:
        words, parser = todo.pop()
        found[words] = parser
        todo += [(f"{words} {name}", below) for name, below in parser.commands.items()]
    return found


@pytest.mark.parametrize("name", [words for words, parser in parsers().items() if parser.commands])
def test_a_group_alone_lists_its_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(name.split())
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(f"\n  {command}" in err for command in parsers()[name].commands)


def test_a_short_flag_means_the_same_everywhere() -> None:
    meanings: dict[str, set[str]] = {}
    for parser in parsers().values():
        for action in parser.options():
            for flag in action.option_strings:
                if not flag.startswith("--"):
                    what = action.dest.replace("output_path", "output")  # a folder, or a file
                    meanings.setdefault(flag, set()).add(what)
    assert {flag: names for flag, names in meanings.items() if len(names) > 1} == {}


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
    assert captured.err == (
        "zmhook: there is no command 'detekt'; did you mean 'detect'?"
        " (zmhook --help lists the commands)\n"
    )


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


def unread(*command: str | Path, stderr: bool = False, **env: str) -> tuple[int, str]:
    """Run it with nobody who reads its stdout, nor with `stderr` that; return what came."""
    reading, writing = os.pipe()
    os.close(reading)
    errors = writing if stderr else subprocess.PIPE
    done = subprocess.run(
        command, stdout=writing, stderr=errors, text=True, env={**os.environ, **env}, timeout=120
    )
    os.close(writing)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("stderr", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        "",
        "--help",
        "--version",
        "config reference",
        "config check -c {config}",
        *(f"{command} --help" for command in module.COMMANDS),
        "history stats -c {config} --json",
    ],
)
def test_a_reader_who_has_seen_enough_is_no_error(words, stderr, tmp_path):
    """As with `zmhook config reference | head -1`."""
    config = tmp_path / "o.ini"
    config.write_text(f"[general]\nbase_data_path = {tmp_path}\nmodels = hog\n")
    record_one(config)
    command = [sys.executable, "-m", "zmhook.cli.main", *words.format(config=config).split()]
    code, said = unread(*command, stderr=stderr)
    assert code == 0
    assert "Broken" not in said
    assert "Traceback" not in said


def record_one(config: Path) -> None:
    from zmhook.detection import Decision
    from zmhook.event import Event
    from zmhook.history.record import record
    from zmhook.settings import load
    from zmhook.storage.shared_database import close_all

    record(Decision(event=Event(id=1, monitor_id=2), outcome="nothing"), load(config).general)
    close_all()


def test_the_exit_code_is_that_of_the_command_though_nobody_reads(tmp_path):
    """Of one that says no, as well."""
    command = [sys.executable, "-m", "zmhook.cli.main", "history", "show", "99", "-c"]
    config = tmp_path / "o.ini"
    config.write_text(f"[general]\nbase_data_path = {tmp_path}\nmodels = hog\n")
    record_one(config)
    code, said = unread(*command, str(config))
    assert code == 1
    assert said.count("\n") == 1


@pytest.mark.parametrize("script", ["zm_detect.py", "zm_train_faces.py", "zm_snapshots.py"])
@pytest.mark.parametrize("option", ["--help", "--bareversion", "--version"])
def test_a_scripts_reader_may_go_too(script, option, root):
    if option != "--help" and script != "zm_detect.py":
        option = "--help"
    code, said = unread(sys.executable, root / "bin" / script, option)
    assert (code, said) == (0, "")


def test_showing_the_version_imports_nothing_heavy():
    code = (
        "import sys; from zmhook.cli.main import main; main(['--version']);"
        "print(*sorted({'msgspec', 'numpy', 'cv2', 'argparse', 'urllib.request', 'rich'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"zmhook {__version__}", ""]
