"""Name a service's socket and the files beside it.

zm_event_start.sh follows the same rules without reading the configuration, so they are plain: the
run folder is `$ZMHOOK_RUN`, else /run/zmhook when it can be written to, else the folder `run` in
the data path; the file's name is the configuration's path with `_` for `/`, `,_` for `_` and `,,`
for `,`. Where that is too long for a socket it is its end, and the sum that POSIX's cksum gives for
the path. Two configurations have two sockets.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from zmhook.settings.model import run_folder
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from zmhook.settings import General

LONGEST_NAME = 40
"""Bytes: a socket's path has 107 at the most."""

LONGEST_PATIENCE = 4000
"""Bytes of the file that the monitors may have; the clients read 4096 in all."""
LONGEST_FILE = 4096
_SECONDS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")

_POLYNOMIAL = 0x1_04C1_1DB7
_HIGHEST = 0x8000_0000


def socket_path(config: str | Path, general: General) -> Path:
    return run_folder(general) / f"{socket_name(config)}.sock"


def patience_path(socket: Path) -> Path:
    """Return the file that tells hooks how long to wait: see `patience_text`."""
    return socket.with_suffix(".seconds")


def patience_text(wait: float, silence: float, monitors: Mapping[int, float]) -> str:
    """Return what the file holds: the seconds for an answer, those for a sign of life, and for an
    answer of a monitor where it is another time. The clients (bin/zm_ask.*) read only this much.
    """
    text = f"{_seconds(wait)} {_seconds(silence)}"
    more = "".join(f" {monitor}={_seconds(monitors[monitor])}" for monitor in sorted(monitors))
    return f"{text}{more}\n" if len(more) <= LONGEST_PATIENCE else f"{text}\n"


def silence_of(socket: Path) -> float | None:
    """Return the seconds without a sign of life after which a service counts as dead.

    One of an older version gives no such signs, and what is damaged tells nothing.
    """
    try:
        text = read(patience_path(socket), LONGEST_FILE).decode("ascii")
    except (OSError, ValueError):
        return None
    words = text.split(" ", 2)
    silence = words[1].rstrip("\n") if len(words) > 1 else ""
    return float(silence) if _SECONDS.fullmatch(silence) and float(silence) > 0 else None


def _seconds(seconds: float) -> str:
    return f"{max(0.001, seconds):.3f}"


def socket_name(config: str | Path) -> str:
    path = _absolute(config)
    name = path.removeprefix(b"/").replace(b",", b",,").replace(b"_", b",_").replace(b"/", b"_")
    if len(name) > LONGEST_NAME:
        total = b",%d" % cksum(path)
        name = name[len(total) - LONGEST_NAME :] + total
    return os.fsdecode(name)


def older_socket_path(config: str | Path, general: General) -> Path:
    """Return the socket of earlier versions, which two configurations could share."""
    name = os.fsencode(config).removeprefix(b"/").replace(b"/", b"_")
    return run_folder(general) / f"{os.fsdecode(name[-LONGEST_NAME:])}.sock"


def cksum(data: bytes) -> int:
    """Return the checksum of POSIX's cksum, which includes the number of bytes."""
    count = len(data)
    length = count.to_bytes((count.bit_length() + 7) // 8, "little")
    total = 0
    for byte in data + length:
        total ^= byte << 24
        for _ in range(8):
            total = (total << 1) ^ (_POLYNOMIAL if total & _HIGHEST else 0)
    return total & 0xFFFFFFFF ^ 0xFFFFFFFF


def _absolute(config: str | Path) -> bytes:
    """Return the absolute path as the hook builds it, without normalizing it."""
    path = os.fsencode(config)
    return path if path.startswith(b"/") else os.fsencode(os.getcwd()).rstrip(b"/") + b"/" + path  # noqa: PTH109 - bytes
