"""Frame sources: the ids of the pictures, and patience with a picture that may still come."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable, PictureError, PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.settings import Settings


log = logging.getLogger(__name__)

SNAPSHOT = "snapshot"
BESTMATCH = {"a": "alarm", "s": SNAPSHOT}
TRACK = "track"
"""The camera's best snapshot of what it tracked; the second best is `track2`, and so on."""


def frame_ids(settings: Settings) -> list[str]:
    """Return the ids of what `frame_source` and `frame_id` name, in order."""
    source = settings.snapshots.frame_source
    tracks = [] if source == "portal" else track_ids(settings)
    return tracks if source == "snapshots" else [*tracks, *_of_event(settings)]


def track_ids(settings: Settings) -> list[str]:
    """Return the ids of the best snapshots, in order of rank."""
    return [TRACK, *(f"{TRACK}{i}" for i in range(2, settings.snapshots.snapshot_frames + 1))]


def is_track(frame_id: str) -> bool:
    """Return whether this is a best snapshot, and not ZoneMinder's picture."""
    return frame_id.startswith(TRACK)


def all_ids(settings: Settings) -> list[str]:
    """Return the ids that `all` stands for; an event may well have fewer frames."""
    general = settings.general
    step = general.frame_skip + 1
    return [str(general.start_frame + i * step) for i in range(general.max_frames)]


def _of_event(settings: Settings) -> list[str]:
    """Expand `frame_id`: each picture once, and no more than `max_frames`."""
    ids: list[str] = []
    for name in settings.general.frame_id:
        if name == "bestmatch":
            ids += [BESTMATCH[letter] for letter in settings.general.bestmatch_order]
        elif name == "all":
            ids += all_ids(settings)
        else:
            ids.append(name)
    return list(dict.fromkeys(ids))[: settings.general.max_frames]


# -- sources --------------------------------------------------------------------------------------


class Pending(NamedTuple):
    """A picture that is not there yet: ask again in `seconds`. `error` says why.

    `is_cheap`: asking again costs nothing, so that somebody who does not want to wait may.
    """

    error: FrameUnavailable | PictureError | PortalError
    seconds: float
    is_cheap: bool = False


class FrameSource(ABC):
    """Gives the pictures of one event, by frame id. One thread at a time."""

    @abstractmethod
    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        """Return the picture `snapshot`, `alarm`, a frame number or `track`: whole, not decoded.

        It does not wait: `Pending` while the picture may still come, within the bounds that the
        source sets. Raises `FrameError` (or `PortalError`) when there is none, `DeadlineExceeded`
        when the event's time is over.
        """

    def close(self) -> None:  # noqa: B027 - not every source holds something
        """Free what is held open, such as connections. May be called twice."""


def waited_for(source: FrameSource, frame_id: str, deadline: Deadline) -> Picture:
    """Return the picture, after waiting for it within the bounds that the source sets.

    Raises as `FrameSource.attempt` does.
    """
    while isinstance(outcome := source.attempt(frame_id, deadline), Pending):
        deadline.sleep(outcome.seconds)
    return outcome


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
    """Counts the attempts for each picture, and sets when the next one is due.

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
