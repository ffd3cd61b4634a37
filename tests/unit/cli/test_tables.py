"""Tables are aligned; on a terminal they have rules; nothing in them is obeyed."""

from __future__ import annotations

import io
import sys

import pytest

from zmhook.cli.tables import Table, plain, show

TABLE = Table("Things", ("name", "count"), [("a", "1"), ("[b]longer[/b]", "100")], frozenset({1}))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    assert plain(TABLE) == [
        "",
        "Things",
        "  name           count",
        "  a                  1",
        "  [b]longer[/b]    100",
    ]


def test_what_a_terminal_would_obey_is_replaced() -> None:
    assert plain("a\x1b[2Jb\nc\x07") == ["a [2Jb c "]


def test_a_file_gets_plain_lines() -> None:
    out = io.StringIO()
    show(["first", TABLE], out)
    assert out.getvalue().splitlines() == ["first", *plain(TABLE)]


def test_a_terminal_gets_rules_and_the_cells_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = Terminal()
    show(["[red]first", TABLE], out)
    text = out.getvalue()
    assert "[red]first" in text
    assert "[b]longer[/b] │" in text
    assert "━" in text


def test_a_terminal_without_rich_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    out = Terminal()
    show(iter(["first", TABLE]), out)
    assert out.getvalue().splitlines() == ["first", *plain(TABLE)]
