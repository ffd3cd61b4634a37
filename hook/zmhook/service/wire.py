"""Define the messages between the supervisor and a worker.

Each message is MessagePack, tagged by its type, behind its length as four bytes in network order.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, msgpack

from zmhook.detection import Decision, Detection
from zmhook.event import Event
from zmhook.frame import Crop

HEAD = struct.Struct("!I")
LARGEST = 512 * 1024 * 1024


class FetchedPicture(Struct, frozen=True):
    """One picture as it was fetched, or why there is none (`data` is empty then).

    One that is not `needed` is left out on purpose: that is no failure. One that may still come is
    worth asking for again in `pause` seconds, `cheap` as in `Pending`.
    """

    id: str
    origin: str = ""
    data: bytes = b""
    error: str = ""
    crop: Crop | None = None
    needed: bool = True
    pause: float | None = None
    cheap: bool = False


class LoadModels(Struct, frozen=True, tag=True):
    """To a worker: load the models of these settings (plain).

    `fingerprint` changes with their files.
    """

    settings: dict[str, Any]
    fingerprint: str


class DecideJob(Struct, frozen=True, tag=True):
    """To a worker: decide this event; `seconds` are left, `picture` is the first one."""

    event: Event
    settings: dict[str, Any]
    fingerprint: str
    seconds: float
    picture: FetchedPicture


class InputImage(Struct, frozen=True):
    """An image that another machine sent. `crop_label` is the label of what was cut out."""

    id: str
    data: bytes
    crop_label: str = ""


class InferTask(Struct, frozen=True):
    """What another machine asks for: run these models on these images.

    `client` is its address; `seconds` is how long it waits (0: it does not say). Detections below a
    model's `min_confidence` are left out, and there are at most `max_detections` for one model and
    image; of two that overlap more than `max_overlap` (IoU), whatever their labels, the weaker is
    left out. `patterns` maps a kind of detection (`object` for all that are neither `face` nor
    `licenseplate`) to the pattern that its labels must match.
    """

    client: str
    models: list[str]
    images: list[InputImage]
    min_confidence: Mapping[str, float]
    seconds: float = 0.0
    max_detections: int = 1000
    max_overlap: float = 1.0
    patterns: Mapping[str, str] = {}


class InferJob(Struct, frozen=True, tag=True):
    """To a worker: do this task; `seconds` are left. No gate, no report, no memory."""

    task: InferTask
    settings: dict[str, Any]
    fingerprint: str
    seconds: float


class InferResult(Struct, frozen=True, tag=True):
    """From a worker: each model's detections per image, strongest first, in the image's pixels.

    `sizes` are width and height as decoded, `errors` maps a model that failed to one line,
    `timings` are ms. When an image or a pattern cannot be used `refused` says why, and there is
    nothing else; `too_large` when the image has too many pixels.
    """

    results: dict[str, list[list[Detection]]] = {}
    sizes: list[tuple[int, int]] = []
    errors: dict[str, str] = {}
    timings: dict[str, float] = {}
    refused: str = ""
    too_large: bool = False


class FrameRequest(Struct, frozen=True, tag=True):
    """From a worker: give this picture, or say that it may still come; nobody waits for it here."""

    id: str


class DecideResult(Struct, frozen=True, tag=True):
    """From a worker: the decision. The report is still to be written.

    `lacks_resources` when something went wrong for want of memory or files.
    """

    decision: Decision
    lacks_resources: bool = False


class Ready(Struct, frozen=True, tag=True):
    """From a worker: done, with the resident memory in MB and the models that are loaded."""

    rss_mb: float
    models: list[str]


class LogLine(Struct, frozen=True, tag=True):
    """From a worker: a line for the log."""

    level: int
    text: str
    path: str
    line: int


class FrameData(Struct, frozen=True, tag=True):
    """To a worker: the picture that it asked for."""

    picture: FetchedPicture


Message = (
    LoadModels
    | DecideJob
    | InferJob
    | FrameRequest
    | FrameData
    | DecideResult
    | InferResult
    | Ready
    | LogLine
)


_encoder = msgpack.Encoder()
_decoder: msgpack.Decoder[Message] = msgpack.Decoder(Message)


def packed(message: Message) -> bytes:
    """Return the message with its length before it."""
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body


def unpacked(body: bytes) -> Message:
    return _decoder.decode(body)
