"""Our own wire format: what an older and a newer side make of each other."""

from __future__ import annotations

from msgspec import json

from zmhook.detection import Box, Detection
from zmhook.gateway.protocol import (
    InferRequest,
    InferResponse,
    LoginResponse,
    RequestImage,
    ServerStatus,
)


def test_a_request_says_what_is_not_usual() -> None:
    request = InferRequest(models=["yolo"], images=[RequestImage("alarm")])
    assert json.encode(request) == b'{"models":["yolo"],"images":[{"id":"alarm"}]}'
    assert json.decode(json.encode(request), type=InferRequest) == request


def test_what_is_not_known_is_no_trouble() -> None:
    said = b'{"version": "9", "models": ["yolo"], "busy": 0.5, "colour": "blue"}'
    assert json.decode(said, type=ServerStatus) == ServerStatus(
        version="9", models=["yolo"], busy=0.5
    )


def test_an_answer_comes_back_as_it_went() -> None:
    one = Detection(label="dog", confidence=0.5, box=Box(1, 2, 3, 4), model="yolo")
    response = InferResponse(results={"yolo": [[one], []]}, sizes=[(640, 480), (1, 1)])
    assert json.decode(json.encode(response), type=InferResponse) == response


def test_secrets_do_not_show() -> None:
    assert "t0ken" not in repr(LoginResponse("t0ken", 60))
