"""An alarm posted to an address, as our JSON or as a template of the user's.

The body is signed when there is a key: header `X-Zmhook-Signature: sha256=<hex of HMAC-SHA256>`.
`X-Zmhook-Delivery` is the same for every attempt at one alarm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Raw, json, structs

from zmhook.errors import Undelivered
from zmhook.net.http import HttpClient, HttpResponse
from zmhook.net.http_problem import HttpFailure, HttpProblem, through_proxy
from zmhook.net.retry import wait_of_header
from zmhook.notify.message import (
    Message,
    filled_json,
    labels_of,
    message_of,
    monitor_name,
    picture_of,
)
from zmhook.storage.regular import reading
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.jobs.work import Work

LARGEST_PICTURE = 1_000_000
LARGEST_TEMPLATE = 1_000_000
LONGEST_WAIT = 600.0
"""Seconds of Retry-After that are obeyed."""
_ADVICE = {
    HttpFailure.ADDRESS: "is it like https://host/path?",
    HttpFailure.NAME: "is there a network, and DNS?",
    HttpFailure.TIMEOUT: "see notify_timeout",
}
_OK, _REDIRECT, _REFUSED, _TOO_MANY, _SERVER = 200, 300, 400, 429, 500
_MAYBE_LATER = (408, 425, _TOO_MANY)


def send(work: Work) -> None:
    """Post it once. Raises `Undelivered`."""
    name = monitor_name(work.decision.event, work.settings.general)
    body = body_of(work, message_of(work.decision, work.settings, name))
    _check(work, _post(work, body))


def place_of(work: Work) -> str:
    """Return the address for people: nothing of it that may be a key."""
    return f"[notify] notify_webhook ({_host(work.settings.notify.notify_webhook.reveal())})"


def body_of(work: Work, message: Message) -> bytes:
    """Return the JSON to post; raises `Undelivered` for a template that makes none."""
    template = work.settings.notify.notify_webhook_template
    if not template:
        return json.encode(_ours(work, message))
    try:
        text = _read(Path(template))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Undelivered(f"[notify] notify_webhook_template: {template}: {why}") from None
    body = filled_json(text, message).encode("utf-8", "replace")
    try:
        decoded(body)
    except Unreadable as error:
        raise Undelivered(
            f"[notify] notify_webhook_template: {template}: what it makes is no JSON ({error});"
            " words such as {labels} bring their own quotes"
        ) from None
    return body


def signature(body: bytes, key: str) -> str:
    return f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"


def _read(path: Path) -> str:
    with reading(path, follow=True) as file:
        return file.read(LARGEST_TEMPLATE).decode()


def _ours(work: Work, message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {
        **structs.asdict(message),
        "labels": labels_of(work.decision),
        "event": work.decision.event.id,
        "monitor_id": work.decision.event.monitor_id,
        "decision": Raw(work.decision.to_json()),
    }
    picture = picture_of(work)
    if picture and len(picture) < LARGEST_PICTURE:
        body["picture"] = base64.b64encode(picture).decode()
    return body


def _post(work: Work, body: bytes) -> HttpResponse:
    notify = work.settings.notify
    headers = {"Content-Type": "application/json", "X-Zmhook-Delivery": work.id}
    if notify.notify_webhook_secret:
        headers["X-Zmhook-Signature"] = signature(body, notify.notify_webhook_secret.reveal())
    url = notify.notify_webhook.reveal().strip()
    try:
        # Only the status counts: a body without end is not read.
        with HttpClient(limit=None) as client:
            return client.request("POST", url, notify.notify_timeout, headers=headers, data=body)
    except HttpProblem as problem:
        # Without the address, for its path may hold a key.
        text = f"{place_of(work)}: {problem.with_advice(_ADVICE)}"
        raise Undelivered(text, retry=problem.retry) from None


def _check(work: Work, response: HttpResponse) -> None:
    status, location = response.status, place_of(work)
    if _OK <= status < _REDIRECT:
        return
    proxy = through_proxy(response.address)
    if status < _REFUSED:
        where = _host(response.location)
        raise Undelivered(
            f"{location}: answers with a redirect ({status}, to {where}), which is not followed:"
            " set the address that it leads to"
        )
    if status >= _SERVER or status in _MAYBE_LATER:
        after = min(wait_of_header(response.retry_after) or 0.0, LONGEST_WAIT)
        raise Undelivered(
            f"{location}: answers with status {status}{proxy}", retry=True, after=after
        )
    raise Undelivered(
        f"{location}: answers with status {status}{proxy}: check the address, its key, and the body"
        " that it expects (notify_webhook_template)"
    )


def _host(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "another path"
