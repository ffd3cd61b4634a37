"""An alarm posted to an address, as our JSON or as a template of the user's.

The body is signed when there is a key: header `X-Zmhook-Signature: sha256=<hex of HMAC-SHA256>`.
`X-Zmhook-Delivery` is the same for every attempt at one alarm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Raw, json, structs

from zmhook.errors import MissingPart, Undelivered
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.timeout import causes
from zmhook.notify.message import Message, filled_json, labels_of, message_of
from zmhook.notify.names import monitor_name
from zmhook.notify.picture import picture_of
from zmhook.storage.regular import reading
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.version import __version__

if TYPE_CHECKING:
    import requests

    from zmhook.jobs.work import Work

log = logging.getLogger(__name__)

LARGEST_PICTURE = 1_000_000
LARGEST_TEMPLATE = 1_000_000
LONGEST_WAIT = 600.0
"""Seconds of Retry-After that are obeyed."""
_OK, _REDIRECT, _REFUSED, _TOO_MANY, _SERVER = 200, 300, 400, 429, 500
_MAYBE_LATER = (408, 425, _TOO_MANY)


def send(work: Work) -> None:
    """Post it once. Raises `Undelivered`, `MissingPart`."""
    name = monitor_name(work.decision.event, work.settings.general)
    body = body_of(work, message_of(work.decision, work.settings, name))
    answer = _post(work, body)
    try:
        _judge(work, answer)
    finally:
        answer.close()


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


def _post(work: Work, body: bytes) -> requests.Response:
    try:
        import requests
    except ImportError:
        raise MissingPart("[notify] notify_webhook", "requests", "notify") from None
    use_system_store()
    # It logs the path of addresses, and those hold keys.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    notify = work.settings.notify
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"zmhook/{__version__}",
        "X-Zmhook-Delivery": work.id,
    }
    if notify.notify_webhook_secret:
        headers["X-Zmhook-Signature"] = signature(body, notify.notify_webhook_secret.reveal())
    try:
        return requests.post(
            notify.notify_webhook.reveal().strip(),
            data=body,
            headers=headers,
            timeout=notify.notify_timeout,
            allow_redirects=False,
            stream=True,  # only the status is looked at: a body without end is not read
        )
    except (requests.RequestException, ValueError) as error:
        raise _unreachable(work, error) from None


def _judge(work: Work, answer: requests.Response) -> None:
    status, place = answer.status_code, place_of(work)
    if _OK <= status < _REDIRECT:
        return
    if status < _REFUSED:
        where = _host(answer.headers.get("Location", ""))
        raise Undelivered(
            f"{place}: answers with a redirect ({status}, to {where}), which is not followed:"
            " set the address that it leads to"
        )
    if status >= _SERVER or status in _MAYBE_LATER:
        after = _retry_after(answer.headers.get("Retry-After", ""))
        raise Undelivered(f"{place}: answers with status {status}", retry=True, after=after)
    raise Undelivered(
        f"{place}: answers with status {status}: check the address, its key, and the body that it"
        " expects (notify_webhook_template)"
    )


def _unreachable(work: Work, error: Exception) -> Undelivered:
    """Say what went wrong; the library's own text holds the address."""
    import requests

    place = place_of(work)
    proxy = proxies.trouble(work.settings.notify.notify_webhook.reveal().strip(), causes(error))
    if proxy:
        return Undelivered(f"{place}: {proxy}", retry=True)
    if isinstance(error, requests.exceptions.SSLError):
        return Undelivered(f"{place}: its certificate cannot be verified, or TLS fails")
    if isinstance(error, requests.Timeout):
        seconds = work.settings.notify.notify_timeout
        return Undelivered(f"{place}: no answer within {seconds:g} s (notify_timeout)", retry=True)
    if isinstance(error, requests.ConnectionError):
        return Undelivered(f"{place}: cannot be reached: is the network up?", retry=True)
    return Undelivered(f"{place}: is not an address to post to, such as https://host/path")


def _retry_after(text: str) -> float:
    """Return seconds (RFC 9110, section 10.2.3), at most `LONGEST_WAIT`; 0 for nonsense."""
    try:
        seconds = float(text) if text.strip().isdecimal() else _until(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), LONGEST_WAIT)


def _until(text: str) -> float:
    return parsedate_to_datetime(text).timestamp() - time.time()


def _host(url: str) -> str:
    try:
        found = urlsplit(url.strip())
        port = f":{found.port}" if found.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{found.scheme}://{found.hostname}{port}" if found.hostname else "another path"
