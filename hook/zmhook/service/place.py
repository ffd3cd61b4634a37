"""Where a service's socket is.

zm_event_start.sh follows the same rules without reading the configuration, so they are plain: the
run folder is `$ZMHOOK_RUN`, else /run/zmhook when it can be written to, else the folder `run` in
the data path; the file's name is the configuration's path with `_` for `/`, its last 40 bytes
where that is too long for a socket. Two configurations have two sockets.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.regular import read

if TYPE_CHECKING:
    from zmhook.settings import General

RUN = Path("/run/zmhook")
LONGEST_NAME = 40


def socket_path(config: str | Path, general: General) -> Path:
    return run_folder(general) / f"{socket_name(config)}.sock"


def patience_path(socket: Path) -> Path:
    """Return the file that tells hooks how long to wait: for an answer, and for a sign of life."""
    return socket.with_suffix(".seconds")


def patience(socket: Path) -> tuple[float | None, float | None]:
    """Return the seconds that the file tells; a service of an older version gives no such signs."""
    try:
        told = [float(word) for word in read(patience_path(socket)).decode("ascii").split()]
    except (OSError, ValueError):
        return None, None
    seconds, silence, *_ = *told, None, None
    return seconds, silence


def socket_name(config: str | Path) -> str:
    name = os.fsencode(config).removeprefix(b"/").replace(b"/", b"_")
    return os.fsdecode(name[-LONGEST_NAME:])


def run_folder(general: General) -> Path:
    """Return the folder of sockets and locks."""
    if given := os.environ.get("ZMHOOK_RUN"):
        return Path(given)
    if os.access(RUN, os.W_OK):
        return RUN
    return Path(general.base_data_path) / "run"
