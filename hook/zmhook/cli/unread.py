"""Output that nobody reads any more: `| head` has seen enough, and that is no error.

A command goes on as if all were read, to the end of what it does and to its own exit code.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Pipe(io.FileIO):
    """A pipe that takes everything, also when its reader has gone."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def let_readers_go() -> None:
    """From here on no reader of stdout or stderr has to read all of it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # What somebody else put there, a test or a log, is theirs.
        if stream is not None and stream is getattr(sys, f"__{name}__") and _is_pipe(stream):
            setattr(sys, name, _patient(stream))


def _is_pipe(stream: TextIO) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _patient(stream: TextIO) -> io.TextIOWrapper:
    pipe = _Pipe(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(pipe),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=bool(stream.line_buffering),
    )
