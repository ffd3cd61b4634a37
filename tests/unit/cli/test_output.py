"""What commands print."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.cli import main, train_faces
from zmhook.cli.arguments import Parser
from zmhook.cli.output import (
    DIM,
    GREEN,
    LONGEST,
    RED,
    complain,
    has_colours,
    highlighted,
    say,
    say_json,
    styled,
)
from zmhook.cli.tables import Table, plain
from zmhook.detectors.face.store import FaceEntry
from zmhook.settings import load

HOSTILE = "a\n\x1b[2Jb\x9bc\u2028d\u202ee\udcff"


def lines(text: str) -> list[str]:
    *found, rest = text.split("\n")
    assert rest == ""
    assert all(line.isprintable() for line in found)
    return found


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]):
    say(f"  {HOSTILE}")
    complain(HOSTILE)
    said = capsys.readouterr()
    assert lines(said.out) == ["  a  [2Jb c d e\ufffd"]
    assert lines(said.err) == ["zmhook: a  [2Jb c d e\ufffd"]


def test_a_line_has_an_end(capsys: pytest.CaptureFixture[str]):
    say("x" * 10**6)
    assert len(capsys.readouterr().out) == LONGEST + 1


@pytest.mark.parametrize("indent", [None, 2])
def test_json_says_the_same(capsys: pytest.CaptureFixture[str], indent: int | None):
    value = {"text": HOSTILE.replace("\udcff", ""), "emoji": "🐈\U000e0041"}
    say_json(value, indent=indent)
    out = capsys.readouterr().out
    lines(out)
    assert json.loads(out) == value


def test_a_table_is_as_many_lines_as_it_has_rows():
    table = Table(HOSTILE, (HOSTILE, "b"), [(HOSTILE, HOSTILE)])
    assert all(line.isprintable() for line in plain(table))


def test_wrong_arguments_are_one_line(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        Parser(prog="p").parse_args([f"--{HOSTILE}"])
    assert lines(capsys.readouterr().err)[-1].startswith("p: unknown argument --a [2Jb c d")
    with pytest.raises(SystemExit):
        train_faces.main(["--size", HOSTILE])
    assert len(lines(capsys.readouterr().err)) == 1
    assert main.main([HOSTILE]) == main.MISUSED
    assert len(lines(capsys.readouterr().err)) == 1


def test_people_with_odd_names_are_printable():
    entry = FaceEntry(f"{HOSTILE}/x.jpg", 1, 1, "", "", "no face\n", None)
    shown = [line for block in train_faces.summary({entry.path: entry}) for line in plain(block)]
    assert all(line.isprintable() for line in shown)


def test_an_unreadable_configuration_with_an_odd_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert main.main(["config", "check", "-c", str(tmp_path / HOSTILE)]) == 2
    assert len(lines(capsys.readouterr().err)) == 1


def test_what_goes_to_stderr_holds_no_secret(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "objectconfig.ini"
    file.write_text("[general]\nuser = me\npassword = hunt&r 2\n")
    load(file)
    complain("redirects to http://zm/hunt%26r+2")
    complain("it says 'hunt&amp;r 2'")
    assert capsys.readouterr().err == "zmhook: redirects to http://zm/***\nzmhook: it says '***'\n"


# -- colours -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
)
def test_a_terminal_has_colours_unless_the_user_wants_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colours(Terminal())
    assert not has_colours(io.StringIO())
    monkeypatch.setenv(variable, value)
    assert has_colours(Terminal()) is coloured


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alarm: [s] detected:car", f"{styled('alarm', RED)}: [s] detected:car"),
        (
            "event 5 of monitor 2: alarm (sent)",
            f"event 5 of monitor 2: {styled('alarm', RED)} (sent)",
        ),
        ("picture: alarm (x)", f"picture: {styled('alarm', RED)} (x)"),
        ("error: no model", f"{styled('error', RED)}: no model"),
        (
            "  car 97% (yolo) at 1,2 30,40: kept",
            f"  car 97% (yolo) at 1,2 30,40: {styled('kept', GREEN)}",
        ),
        (
            "  car 97% (yolo) at -1,2 30,40: dropped by zone: outside",
            f"  car 97% (yolo) at -1,2 30,40: {styled('dropped', DIM)} by zone: outside",
        ),
        ("works  portal", f"{styled('works', GREEN)}  portal"),
        ("works", styled("works", GREEN)),
        ("an alarm", "an alarm"),
        ("alarms", "alarms"),
        ("alarm clock", "alarm clock"),
    ],
)
def test_outcomes_at_the_start_of_a_line_are_coloured(text: str, expected: str) -> None:
    assert highlighted(text) == expected


# -- the hook's answer ---------------------------------------------------------------------------


def answer_program(code: str, root: Path) -> str:
    return (
        f"import sys, os; sys.path.insert(0, {str(root / 'hook')!r})\n"
        f"from zmhook.cli.output import Answer\n{code}"
    )


def run_answer(code: str, root: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", answer_program(code, root)], capture_output=True, timeout=30
    )


def test_only_the_answer_reaches_stdout(root: Path) -> None:
    done = run_answer(
        "a = Answer(); print('noise'); os.system('echo native noise'); a.give('line')", root
    )

    assert done.stdout == b"line\n"
    assert b"noise" in done.stderr
    assert b"native noise" in done.stderr


def test_it_is_given_once(root: Path) -> None:
    done = run_answer("a = Answer(); assert a.give('one'); assert not a.give('two')", root)

    assert (done.returncode, done.stdout) == (0, b"one\n")


def test_silence_closes_stdout(root: Path) -> None:
    done = run_answer("a = Answer(); a.give(''); sys.stdout.flush()", root)

    assert (done.returncode, done.stdout) == (0, b"")


def test_a_closed_stderr_is_no_obstacle(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "from zmhook.process import startup; startup.prepare()\n"
        "a = Answer(); print('noise', flush=True); a.give('line')"
    )
    subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$0" -c "$1" >{out} 2>&-',
            sys.executable,
            answer_program(code, root),
        ],
        check=True,
        timeout=30,
    )

    assert out.read_bytes() == b"line\n"
