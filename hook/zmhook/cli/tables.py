"""Text in blocks and tables: with rules and colours on a terminal that can, else plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

from zmhook.cli.output import LONGEST
from zmhook.printable import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable


class Table(NamedTuple):
    """Rows of cells below a title; the columns in `numbers` are set to the right."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


Block = Table | str
"""A table, or one line of text."""


def show(blocks: Iterable[Block], out: TextIO) -> None:
    """Write the blocks, in rich's way when `out` is a terminal and rich is installed."""
    if out.isatty():
        try:
            _rich(blocks, out)
        except ImportError:
            pass
        else:
            return
    for block in blocks:
        for line in plain(block):
            print(line, file=out)


def plain(block: Block) -> list[str]:
    """Return the lines of a block."""
    if isinstance(block, str):
        return [_shown(block)]
    rows = [[_shown(cell) for cell in row] for row in (block.head, *block.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["", _shown(block.title), *(_line(row, widths, block.numbers) for row in rows)]


def _shown(text: str) -> str:
    """Names and messages come from elsewhere, and blanks in them are ours."""
    return printable(shortened(text, LONGEST))


def _line(row: Sequence[str], widths: Sequence[int], numbers: frozenset[int]) -> str:
    cells = (
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return f"  {'  '.join(cells)}".rstrip()


def _rich(blocks: Iterable[Block], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=out)
    for block in blocks:
        if isinstance(block, str):
            console.print(Text(_shown(block)))
            continue
        table = RichTable(title=Text(_shown(block.title)), title_justify="left", title_style="bold")
        for column, name in enumerate(block.head):
            table.add_column(name, justify="right" if column in block.numbers else "left")
        for row in block.rows:
            table.add_row(*(Text(_shown(cell)) for cell in row))
        console.print(table)
