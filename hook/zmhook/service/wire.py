"""What the supervisor and a worker say to each other.

Each message is MessagePack, tagged by its type, behind its length as four bytes in network order.
"""

from __future__ import annotations

import struct
from typing import Any

from msgspec import Struct, msgpack

from zmhook.crop import Crop
from zmhook.detection import Decision
from zmhook.event import Event

HEAD = struct.Struct("!I")
LARGEST = 512 * 1024 * 1024


class Picture(Struct, frozen=True):
    """One picture as it was fetched, or why there is none (`data` is empty then).

    One that is not `needed` is left out on purpose: that is no failure.
    """

    id: str
    origin: str = ""
    data: bytes = b""
    error: str = ""
    crop: Crop | None = None
    needed: bool = True


class Prepare(Struct, frozen=True, tag=True):
    """To a worker: load the models of these settings (plain). `stamp` changes with their files."""

    settings: dict[str, Any]
    stamp: str


class Job(Struct, frozen=True, tag=True):
    """To a worker: decide this event; `seconds` are left, `picture` is the first one."""

    event: Event
    settings: dict[str, Any]
    stamp: str
    seconds: float
    picture: Picture


class Need(Struct, frozen=True, tag=True):
    """From a worker: the first picture showed nothing; give this one too."""

    id: str


class Answer(Struct, frozen=True, tag=True):
    """From a worker: the decision. The report is still to be written."""

    decision: Decision


class Ready(Struct, frozen=True, tag=True):
    """From a worker: done, with the resident memory in MB and the models that are loaded."""

    rss_mb: float
    models: list[str]


class Record(Struct, frozen=True, tag=True):
    """From a worker: a line for the log."""

    level: int
    text: str
    path: str
    line: int


class Given(Struct, frozen=True, tag=True):
    """To a worker: the picture that it needed."""

    picture: Picture


Message = Prepare | Job | Need | Given | Answer | Ready | Record


_encoder = msgpack.Encoder()
_decoder: msgpack.Decoder[Message] = msgpack.Decoder(Message)


def packed(message: Message) -> bytes:
    """Return the message with its length before it."""
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body


def unpacked(body: bytes) -> Message:
    return _decoder.decode(body)
