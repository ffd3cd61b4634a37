"""Messages arrive as they were sent."""

from __future__ import annotations

import msgspec
import pytest

from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.service import wire
from zmhook.settings import Settings
from zmhook.settings.model import to_plain

EVENT = Event(id=7, monitor_id=2, monitor_name="Haustür", cause="a\n$(b)", path="/e/7")
DOG = Detection(label="dog", confidence=0.5, box=Box(1, 2, 3, 4), model="yolo", attributes={"a": 1})
DECISION = Decision(
    event=EVENT,
    outcome="alarm",
    detections=[DOG],
    dropped=[Drop(detection=DOG, rule="zone", reason="outside")],
    frame=FrameInfo(id="alarm", origin="x", width=9, height=8, resized_to=(4, 3)),
    timings={"yolo": 1.5},
    errors=["one"],
    version="1",
)
SETTINGS = msgspec.msgpack.decode(msgspec.msgpack.encode(to_plain(Settings())))
PICTURE = wire.FetchedPicture("alarm", "/e/7/alarm.jpg", bytes(range(256)) * 1000)
CROP = Crop(box=Box(1, 2, 3, 4), width=9, height=8, source=DOG, located=False)
MESSAGES = [
    wire.LoadModels(SETTINGS, "fingerprint"),
    wire.DecideJob(EVENT, SETTINGS, "fingerprint", 29.5, PICTURE),
    wire.FrameRequest("snapshot"),
    wire.FrameData(wire.FetchedPicture("snapshot", error="there is none")),
    wire.FrameData(wire.FetchedPicture("track", "/s/1.jpg", b"x", crop=CROP)),
    wire.FrameData(wire.FetchedPicture("track2", error="no further", needed=False)),
    wire.DecideResult(DECISION),
    wire.InferJob(
        wire.InferTask(
            "10.0.0.5", ["yolo"], [wire.InputImage("1", b"x", "car")], {"yolo": 0.3}, 9.5, 7
        ),
        SETTINGS,
        "print",
        9.5,
    ),
    wire.InferResult({"yolo": [[DOG], []]}, [(9, 8), (1, 1)], {"face": "no"}, {"yolo": 2.5}),
    wire.InferResult(refused="not a picture", too_large=True),
    wire.Ready(113.5, ["yolo: a.onnx"]),
    wire.LogLine(40, "text \ud7ff", "/a.py", 3),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_round_trip(message: wire.Message) -> None:
    data = wire.packed(message)
    (size,) = wire.HEAD.unpack(data[: wire.HEAD.size])

    assert size == len(data) - wire.HEAD.size
    assert wire.unpacked(data[wire.HEAD.size :]) == message


def test_every_message_has_its_round_trip() -> None:
    assert {type(one) for one in MESSAGES} == set(wire.Message.__args__)


@pytest.mark.parametrize("junk", [b"", b"\xc1", b"hello", b"\x81\xa4type\xa4Nope"])
def test_junk_is_no_message(junk: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.unpacked(junk)
