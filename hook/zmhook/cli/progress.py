"""Progress of a long command: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zmhook.cli.output import say
from zmhook.printable import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zmhook.models.download import DownloadProgress

LINE_EVERY = 2.0
"""Seconds between two plain lines."""


@contextmanager
def file_progress(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with the path of each file that is done."""
    if sys.stderr.isatty():
        try:
            from rich.console import Console
            from rich.markup import escape
            from rich.progress import Progress as Bar
        except ImportError:
            pass
        else:
            with Bar(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("training", total=total)
                yield lambda path: bar.update(task, advance=1, description=escape(one_line(path)))
            return
    yield _Lines(total)


class _Lines:
    """Counts files, and prints how many every few seconds and at the end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._printed = time.monotonic()

    def __call__(self, path: str) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._printed >= LINE_EVERY or self._done == self._total:
            self._printed = now
            say(f"{self._done}/{self._total} {path}", error=True)


@contextmanager
def byte_progress(name: str) -> Iterator[DownloadProgress]:
    """Yield a function to call with the bytes that are done, and the total if it is known."""
    if not sys.stderr.isatty():
        say(f"  downloading {name} ...")
        yield lambda done, total: None  # noqa: ARG005 - nobody watches
        return
    try:
        from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar
    except ImportError:
        yield _percent(name)
        say(error=True)
        return
    from rich.console import Console

    columns = (
        *Bar.get_default_columns()[:2],
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"  {name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _percent(name: str) -> DownloadProgress:
    """Count up in one line, where rich is not installed."""
    shown = -1

    def show(done: int, total: int | None) -> None:
        nonlocal shown
        if total and done * 100 // total != shown:
            shown = done * 100 // total
            sys.stderr.write(f"\r  {printable(name)} {shown:3d} %")
            sys.stderr.flush()

    return show
