"""What to say of an error that nobody expected: a bug, or an installation that is not whole."""

from __future__ import annotations

import traceback
from types import ModuleType

from zmhook.printable import one_line

MODULE = "<module>"
"""What Python calls a module's own code, which runs while it is imported."""


def unexpected(error: BaseException) -> str:
    """Return one line about the error, and what to do.

    Where files of the environment are missing or were written by half, importing them fails, or
    what they should define is not there; either while something is imported.
    """
    what = one_line(f"{type(error).__name__}: {error}")
    if isinstance(error, (ImportError, SyntaxError)) or _of_an_import(error):
        return f"the installation is damaged ({what}); run install.sh again, which repairs it"
    return f"internal error, please report it ({what})"


def _of_an_import(error: BaseException) -> bool:
    if isinstance(error, ValueError) and "null bytes" in str(error):  # Python 3.11 and older
        return True
    # The end of a module that was written by half is not there.
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        return True
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return True
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_name == MODULE for frame, _ in frames)
