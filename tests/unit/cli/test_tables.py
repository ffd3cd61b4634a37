"""Tables are aligned, fit the terminal, and nothing in them is obeyed."""

from __future__ import annotations

import errno
import io
import os

import pytest

from zmhook.cli.output import BOLD, RED, NotPrinted, styled
from zmhook.cli.tables import Table, plain, show

TABLE = Table("Things", ("name", "count"), [("a", "1"), ("[b]longer[/b]", "100")], frozenset({1}))
WIDE = Table(
    "Decisions",
    ("event", "outcome", "result", "file"),
    [("7", "alarm", " ".join(["person:98%"] * 8), "f" * 60), ("8", "nothing", "", "g")],
    frozenset({0}),
    optional=(3,),
    wrapped=frozenset({2}),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, *blocks: Table | str) -> list[str]:
    show(blocks, out)
    return out.getvalue().splitlines()


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    assert plain(TABLE) == [
        "",
        "Things",
        "  name           count",
        "  a                  1",
        "  [b]longer[/b]    100",
    ]


def test_what_a_terminal_would_obey_is_replaced() -> None:
    assert plain("a\x1b[2Jb\nc\x07") == ["a [2Jb c"]


def test_a_long_line_is_wrapped_and_a_path_in_it_stays_whole() -> None:
    path = "/" + "folder/" * 15 + "file.jpg"
    text = f"  person 97% at 1,2 3,4: dropped by zone: {'outside of the drive ' * 4}{path}"
    lines = plain(text)
    assert [line.startswith("      ") for line in lines] == [False, True, True]
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-1].strip() == path
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())


def test_a_file_gets_plain_lines() -> None:
    assert shown(io.StringIO(), "first", TABLE) == ["first", *plain(TABLE)]


def test_a_wide_table_is_wrapped_and_loses_no_text() -> None:
    table = WIDE._replace(optional=(), wrapped=frozenset({2, 3}))
    lines = plain(table)
    assert max(map(len, lines)) <= 80
    text = "".join("".join(lines).split())
    assert text.count("person:98%") == 8
    assert text.count("f") == 60 + len("file") - 3


def test_columns_are_left_out_only_where_wrapping_is_not_enough() -> None:
    head = plain(WIDE)[2].split()
    assert head == ["event", "outcome", "result"]
    assert plain(WIDE, width=200)[2].split() == ["event", "outcome", "result", "file"]
    assert all(len(line) <= 40 for line in plain(WIDE, width=40))


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_no_fault_of_ours() -> None:
    with pytest.raises(NotPrinted, match="No space left on device"):
        show([TABLE], Full())


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "file" in shown(io.StringIO(), WIDE)[2]
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, shown(io.StringIO(), WIDE))) <= 60


def test_a_terminal_has_colours_in_the_same_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(Terminal(), "alarm: car", WIDE)
    assert lines[0] == f"{styled('alarm', RED)}: car"
    assert styled("Decisions", BOLD) in lines
    coloured = next(line for line in lines if line.startswith("      7"))
    assert styled("alarm", RED) in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(Terminal(), "alarm: car", WIDE) == ["alarm: car", *plain(WIDE)]
