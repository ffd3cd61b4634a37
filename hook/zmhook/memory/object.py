"""Something that was seen before."""

from __future__ import annotations

from msgspec import Struct

from zmhook.detection import Box


class PastObject(Struct, frozen=True, kw_only=True, gc=False):
    """Something that was seen: its box as it was first, in a picture of `width` x `height` pixels.

    `first_seen` and `last_seen` are seconds since the epoch, `event_id` that of the first event,
    `misses` the events in a row that have not seen it since, `model` the one that found it first.
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
