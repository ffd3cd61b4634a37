"""Asking again for a picture that may still come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable, PictureError, PortalError
from zmhook.frames.base import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.frame import Picture

log = logging.getLogger(__name__)


class Patience(NamedTuple):
    """How often to ask, and how many seconds to wait between two attempts."""

    attempts: int
    pause: float

    @property
    def seconds(self) -> float:
        """How long it waits in all."""
        return (self.attempts - 1) * self.pause


ONCE = Patience(attempts=1, pause=0.0)


class Waiter:
    """Counts the attempts for each picture, and says when to make the next one.

    It is patient with every picture, but with frames by number only until one did not come. An
    event's frames come in their order: to wait for each of them while it begins, or while its
    video cannot be read yet, would only delay the answer. The others are still asked for, once.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._with_numbers = patience
        self._made: dict[str, int] = {}

    def attempt(
        self, frame_id: str, fetch: Callable[[], Picture], deadline: Deadline
    ) -> Picture | Pending:
        """Return what `fetch` returns; `Pending` where its error says `retry` and we may.

        Else it raises the error, with the number of attempts and the time that they took. It also
        gives up when the deadline would pass during the pause: what is left may be enough for
        another picture.
        """
        patience = self._with_numbers if frame_id.isdecimal() else self._patience
        made = self._made[frame_id] = self._made.get(frame_id, 0) + 1
        try:
            return fetch()
        except (FrameUnavailable, PictureError, PortalError) as error:
            if error.retry and made < patience.attempts and deadline.left() > patience.pause:
                if made == 1:
                    log.debug("%s: %s; asking again for a while", frame_id, error)
                return Pending(error, patience.pause)
            if isinstance(error, FrameUnavailable) and error.retry and frame_id.isdecimal():
                self._with_numbers = ONCE
            raise _final(error, made, patience.pause) from None


def _final(
    error: FrameUnavailable | PictureError | PortalError, attempts: int, pause: float
) -> FrameUnavailable | PictureError | PortalError:
    if attempts == 1:
        return error
    waited = (attempts - 1) * pause
    return type(error)(f"{error} (asked {attempts} times in {waited:.3g} s)", retry=error.retry)
