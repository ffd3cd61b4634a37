"""Explain unexpected errors.

It is a bug, an installation that is not whole, or a machine that has nothing left to give.
"""

from __future__ import annotations

import errno
import traceback
from types import ModuleType
from typing import TYPE_CHECKING

from zmhook.printable import one_line

if TYPE_CHECKING:
    import logging

MODULE = "<module>"
"""What Python calls a module's own code, which runs while it is imported."""
BUG = "internal error, please report it"
LACKS = {
    errno.ENOMEM: "no memory is left for it",
    errno.EMFILE: "this process may open no more files (ulimit -n)",
    errno.ENFILE: "the machine can open no more files (fs.file-max)",
    errno.EAGAIN: "no more processes or threads may be started (ulimit -u)",
}
NO_MEMORY = (
    "Insufficient memory",
    "bad allocation",
    "bad_alloc",
    "failed to map segment",
    "Cannot allocate memory",
)
"""How OpenCV, ONNX Runtime and the loader of libraries put that."""
NO_THREAD = "can't start new thread"
MOST_CAUSES = 20


def unexpected(error: BaseException) -> str:
    """Return one line about the error, and what to do.

    Where files of the environment are missing or were written by half, importing them fails, or
    what they should define is not there; either while something is imported.
    """
    what = one_line(f"{type(error).__name__}: {error}".removesuffix(": "))
    if lack := _lack(error):
        return f"{lack} ({what})"
    if isinstance(error, (ImportError, SyntaxError)) or _of_an_import(error):
        return f"the installation is damaged ({what}); run install.sh again, which repairs it"
    return f"{BUG} ({what})"


def lacks_resources(error: BaseException | None) -> bool:
    """Say whether an error came about because this process, or the machine, has nothing left.

    It counts what the error was made from, too, but no lock that is held (EAGAIN). An error that
    keeps nothing of its cause may have an attribute of this name.
    """
    for _ in range(MOST_CAUSES):
        if error is None:
            return False
        is_lack = bool(_lack(error)) and not isinstance(error, BlockingIOError)
        if is_lack or getattr(error, "lacks_resources", False):
            return True
        error = error.__cause__ or error.__context__
    return False


def logged(log: logging.Logger, error: BaseException, doing: object = "") -> str:
    """Log the error, with its origin if it is a bug, and return its line."""
    line = unexpected(error)
    if line.startswith(BUG):
        log.error("%s%s", f"{doing}: " if doing else "", BUG, exc_info=error)
    else:
        log.error("%s%s", f"{doing}: " if doing else "", line)
    return line


def _lack(error: BaseException) -> str:
    """Return what the machine, or a limit, lacks; "" when it is something else."""
    text = str(error)
    if isinstance(error, MemoryError) or any(words in text for words in NO_MEMORY):
        return LACKS[errno.ENOMEM]
    if isinstance(error, RuntimeError) and NO_THREAD in text:
        return LACKS[errno.EAGAIN]
    return LACKS.get(error.errno or 0, "") if isinstance(error, OSError) else ""


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
