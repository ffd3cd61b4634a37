"""A topic whose messages are pictures: the bytes of a JPEG or PNG file, or those in base64.

Home Assistant's MQTT cameras and many small ones send this. Nothing else is known: the picture is
a track of its own, seen when it came.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from zmhook.snapshots.formats.pictures import BASE64, decoded, is_picture, sound
from zmhook.snapshots.snapshot import BestSnapshot

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Arrival, News

FORMAT = "raw"


def picture_in(arrival: Arrival) -> bytes | None:
    """Return the picture that the message is, None when it is something else."""
    payload = arrival.payload
    if is_picture(payload):
        return sound(payload, arrival.name, arrival.max_pixels)
    if payload.startswith(BASE64):
        text = payload.decode("ascii", "replace")
        return sound(decoded(text, arrival.name), arrival.name, arrival.max_pixels)
    return None


def name_of(picture: bytes) -> str:
    """Return an id for a picture that came without one: the same when it comes again."""
    return f"picture-{zlib.crc32(picture):08x}-{len(picture)}"


def read(arrival: Arrival, picture: bytes) -> News:
    """Return the snapshot; none of a picture that the broker kept, which may be of any age."""
    if arrival.retained:
        return []
    place = arrival.origin({}).place
    snapshot = BestSnapshot(
        camera=place.camera,
        monitor_id=place.monitor_id,
        topic=arrival.topic,
        format=FORMAT,
        track_id=name_of(picture),
        taken=arrival.received,
        received=arrival.received,
        ended=True,
        picture=picture,
    )
    return [snapshot]
