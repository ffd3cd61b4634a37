"""What a command says: a line on stdout or stderr, or JSON. Nothing else here prints.

Names, answers and errors come from elsewhere, so a line stays one line, and a terminal obeys
nothing in it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from zmhook.errors import ZmhookError
from zmhook.printable import printable, shortened
from zmhook.text.redact import of_process

LONGEST = 10_000
"""Characters of a line."""


class NotPrinted(ZmhookError):
    """What a command says cannot be written to its stdout."""


def say(text: object = "", *, error: bool = False) -> None:
    """Print one line, on stderr with `error`; blanks in it stay, as they lay it out.

    What goes to stderr holds no secret of the settings that were read.

    A stderr that cannot be written to changes nothing. Raises `NotPrinted` for a stdout that
    cannot.
    """
    # Masked before it is shortened, so that no beginning of a secret is left.
    whole = of_process(str(text)) if error else str(text)
    line = printable(shortened(whole, LONGEST))
    if error:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
    else:
        _printed(line)


def say_rest() -> None:
    """Write what is printed already and still waits; raises as `say` does."""
    _printed("", end="")


def _printed(text: str, end: str = "\n") -> None:
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        raise NotPrinted(f"stdout cannot be written to: {error.strerror}") from None


def settle() -> None:
    """Throw away what cannot be written: Python would try again at its end, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def complain(text: object, program: str = "zmhook") -> None:
    """Print one line on stderr, after the name of the command."""
    say(f"{program}: {text}", error=True)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON, which says the same where something could not be printed."""
    from msgspec import json

    from zmhook.printable import plain_json

    data = json.encode(value)
    _printed(plain_json(data if indent is None else json.format(data, indent=indent)))
