"""What a command prints: lines on stdout or stderr, JSON, the hook's answer.

Names, answers and errors come from elsewhere, so a line stays one line, and a terminal obeys
nothing in it. A reader that has gone (`| head` has read enough) is no error: the command goes on
to its end and to its own exit code.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from zmhook.errors import ZmhookError
from zmhook.printable import printable, shortened
from zmhook.text.redact import of_process

if TYPE_CHECKING:
    from typing_extensions import Buffer

LONGEST = 10_000
"""Characters of a line."""
BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
"""Parameters of the terminal's "select graphic rendition"."""
STYLES = {
    **dict.fromkeys(("alarm", "error", "FAILS", "failed", "changed"), RED),
    **dict.fromkeys(("kept", "ok", "sent", "works"), GREEN),
    **dict.fromkeys(("missing", "undecided"), YELLOW),
    **dict.fromkeys(("nothing", "dropped"), DIM),
}
"""The colours of outcomes."""

_BEFORE = r"(event \d[^:]*: |picture( of monitor \d+)?: |  [^:]* at [\d, -]+: )?"
_OUTCOME = re.compile(
    rf"(?P<before>{_BEFORE})(?P<word>{'|'.join(STYLES)})(?=:|$|  | \(| by )", re.ASCII
)


class NotPrinted(ZmhookError):
    """A command's output cannot be written to its stdout."""


def say(text: object = "", *, error: bool = False) -> None:
    """Print one line, on stderr with `error`; blanks in it stay, because they lay it out.

    On stderr the secrets of the settings that were read are masked, and an error of writing is
    ignored. Raises `NotPrinted` when stdout cannot be written to.
    """
    # Masked before it is shortened, so that no beginning of a secret is left.
    whole = of_process(str(text)) if error else str(text)
    line = printable(shortened(whole, LONGEST))
    if error:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
    else:
        _printed(highlighted(line) if has_colours(sys.stdout) else line)


def say_styled(line: str) -> None:
    """Print a line that is printable already, but for the colours in it; raises as `say` does."""
    _printed(line)


def say_rest() -> None:
    """Flush stdout; raises as `say` does."""
    _printed("", end="")


def _printed(text: str, end: str = "\n") -> None:
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        raise NotPrinted(f"stdout cannot be written to: {error.strerror}") from None


def discard_unwritable() -> None:
    """Discard unwritable output: Python would try again at its end, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def has_colours(stream: TextIO) -> bool:
    """Return whether to write colours there: on a terminal, unless the user wants none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def highlighted(text: str) -> str:
    """Colour the outcome that a line begins with, as in `alarm: …`."""
    match = _OUTCOME.match(text)
    if not match:
        return text
    word = styled(match["word"], STYLES[match["word"]])
    return f"{match['before']}{word}{text[match.end() :]}"


def styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def complain(text: object, program: str = "zmhook") -> None:
    """Print one line on stderr, after the name of the command."""
    say(f"{program}: {text}", error=True)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON, with escapes for characters that a terminal would obey."""
    from msgspec import json

    from zmhook.printable import plain_json

    data = json.encode(value)
    _printed(plain_json(data if indent is None else json.format(data, indent=indent)))


# -- the hook's answer -----------------------------------------------------------------------------


class Answer:
    """The hook's answer: one line on stdout, written once, or nothing.

    Owns stdout, so that nothing else reaches it: native libraries print what they like, and from
    here on their stdout is stderr. The standard files must be open (`startup`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Not below 3, so that it can never be taken for a standard file.
        self._stdout = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
        os.dup2(2, 1)

    def give(self, line: str) -> bool:
        """Write the line (nothing when empty) and close stdout; return False if already given.

        Raises `OSError` when its reader has gone.
        """
        with self._lock:
            if self._stdout < 0:
                return False
            try:
                if line:
                    _write_all(self._stdout, printable(line).encode() + b"\n")
            finally:
                os.close(self._stdout)
                self._stdout = -1
        return True


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


# -- readers that have gone ------------------------------------------------------------------------


class _Pipe(io.FileIO):
    """A pipe that accepts everything, even after its reader has gone."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def ignore_closed_pipes() -> None:
    """From here on, readers of stdout and stderr may stop reading."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # A stream that a test or a log put there is left alone.
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
