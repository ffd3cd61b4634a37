"""Lay out text and tables for people: aligned, within the terminal's width, coloured on one."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

from zmhook.cli.output import BOLD, LONGEST, NotPrinted, has_colours, highlighted, styled
from zmhook.printable import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 80
"""Columns of text where the terminal does not tell."""
NARROWEST = 12
"""Characters to which a column may be wrapped."""
_INDENT, _GAP, _HANGING = "  ", "  ", "    "


class Table(NamedTuple):
    """Rows of cells below a title.

    `numbers` are the columns that are set to the right. Where a table is too wide, the columns in
    `wrapped` (by default the last one) are wrapped, and if that is not enough those in `optional`
    are left out, the first one first: a command's `--json` has them all.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    optional: Sequence[int] = ()
    wrapped: frozenset[int] | None = None


Block = Table | str
"""A table, or one line of text, which is wrapped."""


def show(blocks: Iterable[Block], out: TextIO) -> None:
    """Write the blocks, as wide as the terminal (or `COLUMNS`) allows.

    Raises `NotPrinted`.
    """
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    for block in blocks:
        for line in _lines(block, width, coloured=has_colours(out)):
            _print(line, out)


def _print(line: str, out: TextIO) -> None:
    try:
        print(line, file=out)
    except OSError as error:
        raise NotPrinted(f"stdout cannot be written to: {error.strerror}") from None


def plain(block: Block, width: int = WIDTH) -> list[str]:
    """Return the lines of a block, without colours."""
    return _lines(block, width, coloured=False)


def _lines(block: Block, width: int, *, coloured: bool) -> list[str]:
    if isinstance(block, str):
        first, *rest = _wrapped_text(_shown(block), width)
        return [highlighted(first) if coloured else first, *rest]
    cells = [[_shown(cell) for cell in row] for row in (block.head, *block.rows)]
    columns, widths = _fitted(block, cells, width - len(_INDENT))
    title = _shown(block.title)
    lines = ["", styled(title, BOLD) if coloured else title]
    for row in cells:
        parts = [
            textwrap.wrap(row[column], widths[column], break_on_hyphens=False) or [""]
            for column in columns
        ]
        for level in range(max(map(len, parts))):
            texts = [part[level] if level < len(part) else "" for part in parts]
            lines.append(_line(texts, columns, widths, block.numbers, coloured=coloured))
    return lines


def _wrapped_text(text: str, width: int) -> list[str]:
    """Wrap a line, further lines indented; paths, addresses and JSON stay whole."""
    indent = " " * (len(text) - len(text.lstrip())) + _HANGING
    lines = textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines or [""]


def _shown(text: str) -> str:
    """Clean text from elsewhere; blanks in it are ours."""
    return printable(shortened(text, LONGEST))


def _line(
    texts: Sequence[str],
    columns: Sequence[int],
    widths: Sequence[int],
    numbers: frozenset[int],
    *,
    coloured: bool,
) -> str:
    padded = [
        text.rjust(widths[column]) if column in numbers else text.ljust(widths[column])
        for text, column in zip(texts, columns, strict=True)
    ]
    padded[-1] = padded[-1].rstrip()
    if coloured:
        padded = [highlighted(text) for text in padded]
    line = f"{_INDENT}{_GAP.join(padded)}"
    return line if coloured else line.rstrip()


def _fitted(table: Table, cells: Sequence[Sequence[str]], room: int) -> tuple[list[int], list[int]]:
    """Return the columns to show, and the width of every column."""
    natural = [max(map(len, column)) for column in zip(*cells, strict=True)]
    columns = list(range(len(natural)))
    wrapped = frozenset({columns[-1]}) if table.wrapped is None else table.wrapped
    for dropped in (None, *table.optional):
        if dropped is not None:
            columns.remove(dropped)
        widths = _wrapped(natural, columns, wrapped, room)
        if _total(widths, columns) <= room:
            break
    return columns, widths


def _wrapped(
    natural: Sequence[int], columns: Sequence[int], wrapped: frozenset[int], room: int
) -> list[int]:
    """Narrow the widest of the wrapped columns until everything fits, or none can be narrower."""
    widths = list(natural)
    while _total(widths, columns) > room:
        wide = [column for column in columns if column in wrapped and widths[column] > NARROWEST]
        if not wide:
            break
        widths[max(wide, key=lambda column: widths[column])] -= 1
    return widths


def _total(widths: Sequence[int], columns: Sequence[int]) -> int:
    return sum(widths[column] for column in columns) + len(_GAP) * (len(columns) - 1)
