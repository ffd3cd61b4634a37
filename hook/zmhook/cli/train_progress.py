"""How far the training is: a bar where somebody watches, plain lines where nobody does."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zmhook.cli.output import say
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_EVERY = 2.0
"""Seconds between two plain lines."""


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Give a function to call with the path of each picture that is done."""
    if sys.stderr.isatty():
        try:
            from rich.console import Console
            from rich.markup import escape
            from rich.progress import Progress
        except ImportError:
            pass
        else:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("training", total=total)
                yield lambda path: bar.update(task, advance=1, description=escape(one_line(path)))
            return
    yield _Lines(total)


class _Lines:
    """Counts, and says so every few seconds and at the end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._said = time.monotonic()

    def __call__(self, path: str) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said >= LINE_EVERY or self._done == self._total:
            self._said = now
            say(f"{self._done}/{self._total} {path}", error=True)
