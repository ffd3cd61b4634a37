"""Notify systemd (Type=notify) that we serve, and again and again that we are alive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

USUAL_SECONDS = 10.0
OFTEN = 3
"""Signs of life in the time after which systemd would end us."""


class Systemd:
    """systemd's notification socket; does nothing where systemd did not start us."""

    def __init__(self) -> None:
        # Taken out: what we start must not speak for us.
        address = os.environ.pop("NOTIFY_SOCKET", "")
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        whose = os.environ.pop("WATCHDOG_PID", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every = USUAL_SECONDS
        if microseconds.isdecimal() and whose in ("", str(os.getpid())):
            self._every = max(0.1, int(microseconds) / 1e6 / OFTEN)

    def ready(self) -> None:
        self._send("READY=1")

    async def keep_alive(self) -> None:
        """Notify it from the event loop for ever, so that a loop that hangs is noticed."""
        while self._address:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._every)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.connect(self._address)
            to.send(text.encode("ascii"))
