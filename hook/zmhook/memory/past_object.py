"""An object of an earlier event."""

from __future__ import annotations

from msgspec import Struct

from zmhook.detection import Box


class PastObject(Struct, frozen=True, kw_only=True, gc=False):
    """An object with its box in the first event, in a picture of `width` x `height` pixels.

    `first_seen` and `last_seen` are seconds since the epoch, `event_id` that of the first event,
    `misses` the events in a row that did not show it since, `model` the one that detected it first.
    `number` is 0 until it is stored.
    """

    label: str
    box: Box
    width: int
    height: int
    first_seen: float
    last_seen: float
    event_id: int | None = None
    misses: int = 0
    model: str = ""
    number: int = 0
