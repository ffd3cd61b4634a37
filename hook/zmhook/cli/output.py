"""What a command says: a line on stdout or stderr, or JSON. Nothing else here prints.

Names, answers and errors come from elsewhere, so a line stays one line, and a terminal obeys
nothing in it.
"""

from __future__ import annotations

import sys
from typing import Any

from zmhook.printable import printable, shortened

LONGEST = 10_000
"""Characters of a line."""


def say(text: object = "", *, error: bool = False) -> None:
    """Print one line, on stderr with `error`; blanks in it stay, as they lay it out."""
    line = printable(shortened(str(text), LONGEST))
    print(line, file=sys.stderr if error else sys.stdout, flush=True)


def complain(text: object, program: str = "zmhook") -> None:
    """Print one line on stderr, after the name of the command."""
    say(f"{program}: {text}", error=True)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON, which says the same where something could not be printed."""
    from msgspec import json

    from zmhook.printable import plain_json

    data = json.encode(value)
    print(plain_json(data if indent is None else json.format(data, indent=indent)))
