"""An alarm by Apprise, to anything that it knows: title, body and picture.

Each address is a job of its own, so that one that fails does not send to the others again.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import MissingPart, Undelivered
from zmhook.jobs.kinds import number_of
from zmhook.notify.message import Message, filled, message_of, monitor_name, picture_of
from zmhook.process.environment import use_system_store
from zmhook.settings.notify import addresses_of, scheme_of
from zmhook.storage.disk import trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.jobs.work import Work

log = logging.getLogger(__name__)


def addresses(work: Work) -> list[str]:
    return addresses_of(work.settings.notify.notify_apprise.reveal())


def send(work: Work) -> None:
    """Send to the address that the job's name numbers. Raises `Undelivered`, `MissingPart`."""
    send_to(work, number_of(work.unit.job) if work.unit else 1)


def send_to(work: Work, number: int) -> None:
    """Send to the address `number`, counted from 1."""
    service = _service(work, number)
    name = monitor_name(work.decision.event, work.settings.general)
    message = message_of(work.decision, work.settings, name)
    with _attachment(work, message) as attach:
        sent = service.notify(
            title=filled(work.settings.notify.notify_title, message),
            body=body_of(message),
            attach=attach if service.attachment_support else None,
        )
    if not sent:
        raise Undelivered(
            f"{place_of(work, number)}: was not delivered: check the address and its key, and"
            " that the service can be reached (zmhook notify test)",
            retry=True,
        )


def place_of(work: Work, number: int) -> str:
    """Return which address it is, without what may be a key."""
    known = addresses(work)
    scheme = scheme_of(known[number - 1]) if number <= len(known) else "?"
    return f"[notify] notify_apprise, address {number} ({scheme}://...)"


def understood(work: Work, number: int) -> None:
    """Raise `Undelivered` or `MissingPart` when nothing can be sent to the address."""
    _service(work, number)


def body_of(message: Message) -> str:
    return "\n".join(filter(None, (message.line, message.time, message.url)))


def _service(work: Work, number: int) -> Any:
    apprise = _apprise()
    known = addresses(work)
    if number > len(known):
        raise Undelivered(f"{place_of(work, number)}: is not there any more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what its services import
        service = apprise.Apprise.instantiate(known[number - 1], suppress_exceptions=True)
    if service is None:
        raise Undelivered(
            f"{place_of(work, number)}: Apprise does not understand it: its documentation shows"
            " the form of each service's address"
        )
    seconds = work.settings.notify.notify_timeout
    service.socket_connect_timeout = service.socket_read_timeout = seconds
    return service


def _apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise MissingPart("[notify] notify_apprise", "apprise", "notify") from None
    use_system_store()
    # Its words hold addresses, and those hold keys.
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return apprise


@contextlib.contextmanager
def _attachment(work: Work, message: Message) -> Iterator[Any]:
    """Give the picture in the form that Apprise takes: a file with a name.

    Where no disk takes that, the message goes out without it.
    """
    picture = picture_of(work)
    if not picture:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zmhook-"))
            name = f"event-{message.event}.jpg" if message.event else "zmhook.jpg"
            path = Path(folder, name)
            path.write_bytes(picture)
        except OSError as error:
            event = work.decision.event
            log.warning("%s: Apprise gets no picture: %s", event, trouble(error, _temporary()))
            attachment = None
        else:
            attachment = _apprise().AppriseAttachment(str(path))
        yield attachment


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # none can be written to
        return Path("/tmp")  # noqa: S108 - only named
