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


def _final(
    error: FrameUnavailable | PictureError | PortalError, attempts: int
) -> FrameUnavailable | PictureError | PortalError:
    if attempts == 1:
        return error
    return type(error)(f"{error} (asked {attempts} times)", retry=error.retry)
