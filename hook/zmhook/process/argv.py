"""Conceal passwords and keys that were given as arguments from the list of processes.

Linux shows a process's arguments (`ps`, `/proc/PID/cmdline`) from the process's own memory, so
they can be written over there. Source: proc(5), `/proc/PID/stat`, arg_start and arg_end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ARG_START, ARG_END = 48, 49
"""Fields of `/proc/self/stat`, the first is 1."""


def conceal(secrets: Iterable[str]) -> bool:
    """Write `x` over secrets in this process's arguments; false where the system does not let us.

    What was shown before that, while Python started, cannot be taken back.
    """
    by_length = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
    try:
        return not by_length or _overwrite(by_length)
    except (OSError, ValueError, IndexError):
        return False


def _overwrite(secrets: list[bytes]) -> bool:
    first, end = _argument_range()
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(first)
        shown = memory.read(end - first)
        hidden = _hidden(shown, secrets)
        memory.seek(first)
        memory.write(hidden)
    return Path("/proc/self/cmdline").read_bytes() == hidden


def _argument_range() -> tuple[int, int]:
    # The second field is the command in brackets, and may hold anything, spaces too.
    after = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    return int(after[ARG_START - 3]), int(after[ARG_END - 3])


def _hidden(shown: bytes, secrets: list[bytes]) -> bytes:
    """Return the arguments with secrets hidden: `SECRET`, `-pSECRET`, `mqtt.key=SECRET`."""
    arguments = shown.split(b"\0")
    return b"\0".join(_masked(argument, secrets) for argument in arguments)


def _masked(argument: bytes, secrets: list[bytes]) -> bytes:
    for secret in secrets:
        before = argument[: -len(secret)]
        if argument.endswith(secret) and (not before or before[:1] == b"-" or before[-1:] == b"="):
            return before + b"x" * len(secret)
    return argument
