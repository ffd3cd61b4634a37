"""What commands say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zmhook.cli import main, train_faces
from zmhook.cli.arguments import Parser
from zmhook.cli.output import LONGEST, complain, say, say_json
from zmhook.cli.tables import Table, plain
from zmhook.cli.train_table import table_lines
from zmhook.detectors.face.store import Entry
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
    assert lines(capsys.readouterr().err)[-1].startswith("p: error: unrecognized arguments: --a ")
    with pytest.raises(SystemExit):
        train_faces.main(["--size", HOSTILE])
    assert len(lines(capsys.readouterr().err)) == 1
    assert main.main([HOSTILE]) == main.MISUSED
    assert len(lines(capsys.readouterr().err)) == 1


def test_people_with_odd_names_are_one_line_each(capsys: pytest.CaptureFixture[str]):
    entry = Entry(f"{HOSTILE}/x.jpg", 1, 1, "", "", "no face\n", None)
    for line in table_lines({entry.path: entry}):
        say(line)
    assert len(lines(capsys.readouterr().out)) == 5


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
