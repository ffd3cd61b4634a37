"""Passwords from where nobody else sees them: a file, the environment, the terminal.

Never from a flag: those are in the list of processes, for every user of the machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from zmhook.errors import CameraError
from zmhook.settings.values import Secret

LARGEST = 4096


def find(file: str | None, variable: str, prompt: str) -> Secret | None:
    """Return the password; None when there is neither file nor variable nor a terminal to ask at.

    Raises `CameraError` when the file cannot be used.
    """
    if file:
        return read(file)
    if os.environ.get(variable):
        return Secret(os.environ[variable])
    if sys.stdin.isatty():
        from getpass import getpass

        return Secret(getpass(f"{prompt}: "))
    return None


def read(file: str) -> Secret:
    """Return the first line of a file."""
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(LARGEST).decode()
    except OSError as error:
        raise CameraError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CameraError(f"{file}: expected a password in UTF-8 on the first line") from None
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise CameraError(f"{file}: expected a password on the first line, which is empty")
    return Secret(password)
