"""What a server's response means when it is no success, or makes no sense."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from zmhook.errors import Blame, GatewayError
from zmhook.image.sniff import describe
from zmhook.net.error_body import error_in
from zmhook.net.http_problem import HttpFailure, through_proxy
from zmhook.net.urls import shown
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from zmhook.net.http import HttpResponse
    from zmhook.net.http_problem import HttpProblem

OK, NOT_FOUND, TOO_MANY, SERVER_ERROR, UNAVAILABLE = 200, (404, 405), 429, 500, 503
LONGEST_WAIT = 3600.0
_CHECK = "is [remote] ml_gateway right?"
_ADVICE = {
    HttpFailure.ADDRESS: "check [remote] ml_gateway",
    HttpFailure.REFUSED: "does the server run, and is the port right?",
    HttpFailure.NAME: "check [remote] ml_gateway and this machine's DNS",
    HttpFailure.UNREACHABLE: "is the machine on, and the address right?",
    HttpFailure.CERTIFICATE: "see [remote] ml_verify",
    HttpFailure.TLS: "does that port speak https?",
    HttpFailure.PROTOCOL: "is the port right?",
    HttpFailure.TIMEOUT: "see [remote] ml_timeout",
}


def no_response(address: str, problem: HttpProblem) -> GatewayError:
    """Return the error for a request that got no complete response."""
    blame: Blame = "request" if problem.failure is HttpFailure.NO_TIME else "server"
    return GatewayError(f"{address}: {problem.with_advice(_ADVICE)}", blame)


def refused(response: HttpResponse, *secrets: str) -> GatewayError:
    """Return the error for a response that is no success."""
    message, status = error_text(response, *secrets), response.status
    text = f"{response.address}: answers {status}: {message}{through_proxy(response.address)}"
    if status in (TOO_MANY, UNAVAILABLE):
        return GatewayError(f"{text}: it is too busy", "busy", wait_seconds(response))
    if response.location:
        return GatewayError(
            f"{response.address}: redirects to {shown(response.location)}, which is not followed:"
            " set [remote] ml_gateway to where it leads"
        )
    if status < SERVER_ERROR and status != OK and status not in NOT_FOUND:
        return GatewayError(text, "request")
    return GatewayError(f"{text}: {'its log says why' if status >= SERVER_ERROR else _CHECK}")


def not_understood(response: HttpResponse, *secrets: str) -> GatewayError:
    """Return the error for a response that is not what such servers send.

    If it holds an error that says to wait, it is that error.
    """
    error = error_in(response.json())
    if error is not None and error.status in (TOO_MANY, UNAVAILABLE):
        return refused(response._replace(status=error.status), *secrets)
    message = error_text(response, *secrets)
    proxy = through_proxy(response.address)
    return GatewayError(
        f"{response.address}: its response makes no sense ({message}){proxy}: {_CHECK}"
    )


def error_text(response: HttpResponse, *secrets: str) -> str:
    """Return in a few words what the body says, without the secrets that it may repeat."""
    text = masked(response.body.decode("utf-8", "surrogateescape"), secrets)
    detail = _detail(text)
    return describe(text.encode("utf-8", "surrogateescape")) if detail is None else detail


def wait_seconds(response: HttpResponse) -> float:
    text = response.retry_after
    wait = float(text) if text.isascii() and text.isdigit() else 1.0
    return min(wait, LONGEST_WAIT)


def _detail(text: str) -> str | None:
    """Return a server's own words as one short line: `detail`, `msg` or `error`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    detail = content.get("detail") or content.get("msg") or content.get("error")
    return one_line(detail) if isinstance(detail, str) else None
