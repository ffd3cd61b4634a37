"""Asking again for a picture that may still come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable, PictureError, PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.event import Picture

log = logging.getLogger(__name__)


class Patience(NamedTuple):
    """How often to ask, and how many seconds to wait between two attempts."""

    attempts: int
    pause: float

    def ask(self, fetch: Callable[[], Picture], deadline: Deadline) -> Picture:
        """Return what `fetch` returns, calling it again while its error says `retry`.

        Raises the last error, with the number of attempts. It also gives up when the deadline
        would pass during the pause: what is left may be enough for another picture.
        """
        attempt = 1
        while True:
            try:
                return fetch()
            except (FrameUnavailable, PictureError, PortalError) as error:
                if not error.retry or attempt >= self.attempts or deadline.left() <= self.pause:
                    raise _final(error, attempt) from None
                log.debug("attempt %d of %d: %s", attempt, self.attempts, error)
            deadline.sleep(self.pause)
            attempt += 1


class Waiter:
    """Is patient with every picture, but with frames by number only until one did not come.

    An event's frames come in their order: to wait for each of them while it begins, or while its
    video cannot be read yet, would only delay the answer. The others are still asked for, once.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._with_numbers = patience

    def ask(self, frame_id: str, fetch: Callable[[], Picture], deadline: Deadline) -> Picture:
        """As `Patience.ask`."""
        patience = self._with_numbers if frame_id.isdecimal() else self._patience
        try:
            return patience.ask(fetch, deadline)
        except FrameUnavailable as error:
            if error.retry and frame_id.isdecimal():
                self._with_numbers = patience._replace(attempts=1)
            raise


def _final(
    error: FrameUnavailable | PictureError | PortalError, attempts: int
) -> FrameUnavailable | PictureError | PortalError:
    if attempts == 1:
        return error
    return type(error)(f"{error} (asked {attempts} times)", retry=error.retry)
