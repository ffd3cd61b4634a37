"""Our own wire format: what an older and a newer side make of each other."""

from __future__ import annotations

from msgspec import json

from zmhook.detection import Box, Detection
from zmhook.gateway.protocol import LoggedIn, Login, Look, Looked, Status, View


def test_a_request_says_what_is_not_usual() -> None:
    look = Look(models=["yolo"], images=[View("alarm")])
    assert json.encode(look) == b'{"models":["yolo"],"images":[{"id":"alarm"}]}'
    assert json.decode(json.encode(look), type=Look) == look


def test_what_is_not_known_is_no_trouble() -> None:
    said = b'{"version": "9", "models": ["yolo"], "busy": 0.5, "colour": "blue"}'
    assert json.decode(said, type=Status) == Status(version="9", models=["yolo"], busy=0.5)


def test_an_answer_comes_back_as_it_went() -> None:
    one = Detection(label="dog", confidence=0.5, box=Box(1, 2, 3, 4), model="yolo")
    looked = Looked(results={"yolo": [[one], []]}, sizes=[(640, 480), (1, 1)])
    assert json.decode(json.encode(looked), type=Looked) == looked


def test_secrets_do_not_show() -> None:
    assert "pa55" not in repr(Login("ann", "pa55"))
    assert "t0ken" not in repr(LoggedIn("t0ken", 60))
