"""Simulate a camera's MQTT messages, for trying a set-up, for tests and measurements.

    for suffix, payload in messages("object_track", [jpeg, jpeg], seed=1):
        client.publish(below("axis/front/track", suffix), payload, qos=1)

Each format's messages have the keys of the vendor's samples, in the same order. `all` gives the
tracks to the formats in turn.
"""

from __future__ import annotations

import random
import time
from itertools import cycle
from typing import TYPE_CHECKING, Any

from zmhook.camera.simulate.payloads import WRITERS, SimulatedMessage
from zmhook.camera.simulate.track import SimulatedTrack, invent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ALL",
    "FORMATS",
    "SimulatedMessage",
    "SimulatedTrack",
    "below",
    "invent",
    "messages",
    "track",
    "write",
]

FORMATS = tuple(WRITERS)
"""`consolidated_track`, `object_track`, `object_snapshot`, `scene_description`, `frame`,
`frigate`, `raw`."""

ALL = "all"


def messages(
    format: str,  # noqa: A002 - what everybody calls it
    pictures: Iterable[bytes],
    seed: int,
    *,
    camera: str = "simulated",
    now: float | None = None,
    **known: Any,
) -> Iterator[SimulatedMessage]:
    """Yield the messages of one track after another, each with the next of `pictures`.

    `pictures` are JPEG or PNG files of what was tracked, and may go on without end. The same seed
    gives the same track ids and classes; the tracks end at `now`, or when they are made. `known`
    fixes fields of every track, such as `label="Human"` (see `invent`).
    """
    dice = random.Random(seed)  # noqa: S311 - not a secret
    formats = cycle(FORMATS if format == ALL else (format,))
    for picture, name in zip(pictures, formats):  # noqa: B905 - the formats have no end
        yield from write(
            name, invent(picture, dice, time.time() if now is None else now, **known), camera
        )


def track(
    format: str,  # noqa: A002 - as above
    picture: bytes,
    *,
    seed: int = 0,
    camera: str = "simulated",
    now: float | None = None,
    **known: Any,
) -> list[SimulatedMessage]:
    """Return the messages of one track, as `messages` does; most formats have one a track.

    `known` fixes what is otherwise invented: `label`, `score`, `track_id`, `channel`, `duration`,
    `box` (the object's place in the scene when the picture was taken), `crop` (the picture's own).
    """
    return list(messages(format, [picture], seed, camera=camera, now=now, **known))


def write(format: str, track: SimulatedTrack, camera: str = "simulated") -> list[SimulatedMessage]:  # noqa: A002 - as above
    """Return what a camera sends about a track. Raises `KeyError` for an unknown format."""
    return WRITERS[format](track, camera)


def below(topic: str, suffix: str) -> str:
    """Return the topic that a message goes to."""
    return f"{topic}/{suffix}" if suffix else topic
