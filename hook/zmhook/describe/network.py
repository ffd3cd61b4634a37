"""Waiting for a service no longer than we have, and saying why it cannot be reached.

HTTP libraries limit the time between two packets. A server that sends a byte now and then is
never given up by them, so each question is asked in a thread that is waited for.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from typing import TYPE_CHECKING, TypeVar

from zmhook.describe.unanswered import Unanswered
from zmhook.net import proxies
from zmhook.net.timeout import Call, TooLongError, causes

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_WAITING = 8
"""Questions that may be under way at once, with those that were given up and have not ended."""
MAX_BODY = 1 << 20
"""Bytes of an answer, which is a few sentences."""

_CUT_OFF = ("ConnectionResetError", "BrokenPipeError", "IncompleteRead", "SSLEOFError")
_LOGGERS = ("google_genai", "google.auth", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3")


class LateError(Exception):
    """There was no answer in time."""


def silence() -> None:
    """Let the libraries log nothing: at some levels they show headers, and ours hold the key."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Patience:
    """Asks in threads; one that is given up ends with its connection and keeps nobody alive."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._free = threading.BoundedSemaphore(most)

    def within(self, seconds: float, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, or raise what it raises.

        Raises `LateError` after `seconds`, and `Unanswered` when too many have not ended yet.
        """
        if not self._free.acquire(blocking=False):
            raise Unanswered("no answer in time", "earlier questions are still not answered")
        call = Call(lambda: (ask(),), self._free.release)
        call.join(seconds)
        if call.error is not None:
            raise call.error
        if call.answer is None:
            raise LateError
        return call.answer[0]


def explain(error: BaseException, place: str, seconds: float) -> Unanswered:
    """Say why there was no answer. The libraries' texts are not shown: they may hold anything."""
    found = list(causes(error))
    proxy = proxies.trouble(place if "://" in place else f"https://{place}", found)
    short, text = ("no connection", proxy) if proxy else _why(found, seconds)
    return Unanswered(short, f"{place}: {text}")


# What went wrong → in few words, and in a sentence. The first that fits is said.
_PLAIN: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        ConnectionRefusedError,
        "no connection",
        "refused the connection: does it run, and is the port right?",
    ),
    (
        socket.gaierror,
        "no network",
        "its name cannot be resolved: is there a network, and DNS?",
    ),
    (TooLongError, "answer not understood", f"sent more than {MAX_BODY} bytes, or compressed ones"),
)


def _why(found: list[BaseException], seconds: float) -> tuple[str, str]:
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "no connection", f"its certificate cannot be verified ({cause.verify_message})"
        for kind, short, text in _PLAIN:
            if isinstance(cause, kind):
                return short, text
    return _less_plain(found, seconds)


def _less_plain(found: list[BaseException], seconds: float) -> tuple[str, str]:
    names = [type(cause).__name__ for cause in found]
    if any("Protocol" in name or name in _CUT_OFF for name in names):
        return (
            "no answer",
            "closed the connection before its answer was complete, or speaks no HTTP",
        )
    if any(isinstance(cause, LateError) for cause in found) or "Timeout" in " ".join(names):
        text = f"no complete answer within {seconds:.3g} s ([gemini] gemini_timeout)"
        return "no answer in time", text
    reasons = [cause.strerror for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return "no network", f"cannot be reached ({reasons[0]})"
    kind = names[0] if names else "no reason given"
    return "answer not understood", f"what it answers is not understood ({kind})"
