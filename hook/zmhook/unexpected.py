"""What to say of an error that nobody expected: a bug, or an installation that is not whole."""

from __future__ import annotations

import traceback

from zmhook.printable import one_line

IMPORTING = "<frozen importlib"
"""What Python calls the files of its own code that imports modules."""


def unexpected(error: BaseException) -> str:
    """Return one line about the error, and what to do.

    Where files of the environment are missing or were written by half, importing them fails, or
    what they should define is not there; either while something is imported.
    """
    what = one_line(f"{type(error).__name__}: {error}")
    if isinstance(error, (ImportError, SyntaxError)) or _while_importing(error):
        return f"the installation is damaged ({what}); run install.sh again, which repairs it"
    return f"internal error, please report it ({what})"


def _while_importing(error: BaseException) -> bool:
    return any(
        frame.f_code.co_filename.startswith(IMPORTING)
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )
