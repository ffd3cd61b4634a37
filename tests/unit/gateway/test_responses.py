"""What responses mean that are no success, or make no sense."""

from __future__ import annotations

import pytest

from zmhook.gateway.responses import no_response, not_understood, refused, wait_seconds
from zmhook.net.http import HttpResponse
from zmhook.net.http_problem import HttpFailure, HttpProblem


def response(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse("http://gpu/infer", status, body, names)


@pytest.mark.parametrize(
    ("status", "blame", "text"),
    [
        (400, "request", "answers 400: no such thing"),
        (404, "server", "is [remote] ml_gateway right?"),
        (500, "server", "its log says why"),
        (503, "busy", "it is too busy"),
        (429, "busy", "it is too busy"),
    ],
)
def test_what_a_status_means(status: int, blame: str, text: str) -> None:
    error = refused(response(status, b'{"detail": "no such thing"}', Retry_After="3"))
    assert error.blame == blame
    assert text in str(error)
    assert error.after == (3 if blame == "busy" else 0)


def test_a_redirect_is_shown_without_its_query() -> None:
    error = refused(response(302, Location="http://other/models?token=s3cret"))
    assert "redirects to http://other/models, which is not followed" in str(error)
    assert "s3cret" not in str(error)
    assert error.blame == "server"


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 1), ("x", 1), ("12", 12), ("99999999", 3600), ("²", 1)]
)
def test_how_long_to_wait(text: str, seconds: float) -> None:
    assert wait_seconds(response(503, Retry_After=text)) == seconds


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html><title>Router login</title>", "an HTML page titled 'Router login'"),
        (b'{"msg": "Token has\\nexpired"}', "Token has expired"),
        (b'{"detail": [{"loc": 1}]}', "JSON: "),
        (b"", "nothing (0 bytes)"),
        (b"\xff\xfe\x00\x01", "bytes of an unknown format"),
        (b"[" * 100_000, "JSON: "),
        (b'{"detail": "the password pa55 is wrong"}', "the password *** is wrong"),
    ],
)
def test_what_a_server_says_is_one_line_without_secrets(body: bytes, text: str) -> None:
    message = str(not_understood(response(200, body), "", "pa55"))
    assert text in message
    assert "pa55" not in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize(
    ("failure", "blame", "text"),
    [
        (HttpFailure.REFUSED, "server", "refused the connection: does the server run"),
        (HttpFailure.NAME, "server", "cannot be resolved: check [remote] ml_gateway"),
        (HttpFailure.CERTIFICATE, "server", "cannot be verified: see [remote] ml_verify"),
        (HttpFailure.TIMEOUT, "server", "see [remote] ml_timeout"),
        (HttpFailure.CLOSED, "server", "before its response was complete"),
        (HttpFailure.NO_TIME, "request", "no time left"),
    ],
)
def test_no_response(failure: HttpFailure, blame: str, text: str) -> None:
    error = no_response("http://gpu", HttpProblem("http://gpu/models", failure))
    assert str(error).startswith("http://gpu: ")
    assert text in str(error)
    assert error.blame == blame
