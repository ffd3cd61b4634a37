from __future__ import annotations

import logging
import socket
import ssl
import threading

import pytest

from zmhook.describe.network import LateError, Patience, explain, silence
from zmhook.describe.unanswered import Unanswered
from zmhook.net.timeout import TooLongError


def test_an_answer_and_an_error_come_through() -> None:
    def fail() -> None:
        raise OSError("oh")

    patience = Patience()
    assert patience.within(5, lambda: "van") == "van"
    with pytest.raises(OSError, match="oh"):
        patience.within(5, fail)


def test_who_is_late_is_left_behind_but_not_without_number() -> None:
    patience, go = Patience(most=2), threading.Event()
    for _ in range(2):
        with pytest.raises(LateError):
            patience.within(0.01, go.wait)
    with pytest.raises(Unanswered, match="earlier questions are still not answered"):
        patience.within(0.01, go.wait)
    go.set()
    for thread in threading.enumerate():
        if thread.name == "question":
            thread.join()
    assert patience.within(5, lambda: "van") == "van"


def certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"
    return error


class RemoteProtocolError(Exception):
    """As httpx calls it."""


class ReadTimeout(Exception):
    """As httpx and requests call it."""


@pytest.mark.parametrize(
    ("error", "short", "text"),
    [
        (ConnectionRefusedError(111, "refused"), "no connection", "is the port right?"),
        (socket.gaierror(-3, "try again"), "no network", "cannot be resolved"),
        (OSError(101, "Network is unreachable"), "no network", "(Network is unreachable)"),
        (certificate(), "no connection", "(self-signed certificate)"),
        (ConnectionResetError(104, "reset"), "no answer", "closed the connection"),
        (RemoteProtocolError("x"), "no answer", "closed the connection"),
        (ReadTimeout("x"), "no answer in time", "within 2 s"),
        (LateError(), "no answer in time", "within 2 s"),
        (TooLongError(), "answer not understood", "sent more than"),
        (ValueError("x"), "answer not understood", "(ValueError)"),
    ],
)
def test_why_there_is_no_answer(error: Exception, short: str, text: str) -> None:
    told = explain(error, "http://here", 2.0)
    assert told.reason == short
    assert text in str(told)
    assert not told.counts
    assert not told.until


def test_the_reason_may_lie_deeper_and_the_librarys_words_are_not_shown() -> None:
    outer = RuntimeError("to https://here?key=AIza-key")
    outer.__cause__ = ConnectionRefusedError(111, "refused")
    for error in (outer, RuntimeError(outer)):
        told = explain(error, "http://here", 2.0)
        assert told.reason == "no connection"
        assert "AIza" not in str(told)


def test_the_libraries_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    silence()
    with caplog.at_level(logging.DEBUG):
        for name in ("google_genai.models", "httpcore2.http11", "httpx2", "urllib3.connectionpool"):
            logging.getLogger(name).error("headers: AIza-key")
    assert not caplog.records
