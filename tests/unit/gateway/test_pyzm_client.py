"""Asking pyzm.serve; a test with the real one is in tests/integration/test_remote_client.py."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.errors import GatewayError
from zmhook.gateway.dialect import GatewayRequest
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.endpoint import Endpoint
from zmhook.gateway.protocol import ImageUrl
from zmhook.gateway.pyzm_client import PyzmClient

IMAGE = EncodedImage("alarm", (64, 48), (64, 48), b"jpeg")
DOG = {"label": "dog", "confidence": 0.9, "box": [1, 2, 30, 40], "type": "object"}
YOLO = {"name": "yolo", "type": "object", "framework": "opencv", "loaded": True}


@pytest.fixture
def pyzm(server, words, configured, soon):
    """A function that lists these models, then asks."""
    endpoint = Endpoint(configured(server.url), server.url)

    def ask(models=("yolo",), served=(YOLO,), images=(IMAGE,), deadline=soon):
        server.on("GET", "/models", words({"models": list(served)}))
        one = PyzmClient()
        health = one.status(endpoint, soon)
        return health, one.infer(endpoint, GatewayRequest(models, images, {"yolo": 0.1}, deadline))

    yield ask
    endpoint.close()


def answers(server, words, *detections: Any, error: str | None = None) -> None:
    server.on("POST", "/infer", words({"detections": list(detections), "error": error}))


def test_one_question_for_each_model_and_picture(server, words, pyzm) -> None:
    answers(server, words, DOG)
    face = {"name": "dlib", "type": "face", "framework": "face_dlib"}
    two = EncodedImage("2", (64, 48), (64, 48), b"png", "image/png")
    health, answer = pyzm(("yolo", "face"), (YOLO, face), (IMAGE, two))
    assert health == ("pyzm.serve", ["yolo", "face"], None)
    asked = server.asked("/infer")
    assert [got.form for got in asked] == [
        {"type": "object", "name": "", "min_confidence": "0.1"},
        {"type": "object", "name": "", "min_confidence": "0.1"},
        {"type": "face", "name": ""},
        {"type": "face", "name": ""},
    ]
    assert asked[1].parts[-1] == ("image", "2.png", "image/png", b"png")
    (dog,) = answer.results["yolo"][1]
    assert (dog.label, dog.box, dog.model, dog.kind) == ("dog", Box(1, 2, 30, 40), "yolo", "object")
    assert answer.results["face"][0][0].kind == "face"


@pytest.mark.parametrize(
    ("model", "served", "name"),
    [
        # listed by its framework, so perhaps without a name: the first needs none
        ("yolo", [("opencv", "object", "opencv")], ""),
        ("yolo", [("coral", "object", "coral_edgetpu"), ("YOLO", "object", "opencv")], "YOLO"),
        ("yolo", [("hog", "object", "hog"), ("v8", "object", "opencv")], "v8"),
        ("hog", [("v8", "object", "opencv"), ("people", "object", "hog")], "people"),
        ("alpr", [("v8", "object", "opencv"), ("plates", "alpr", "openalpr")], ""),
    ],
)
def test_which_of_its_models_is_meant(server, words, pyzm, model, served, name) -> None:
    answers(server, words, DOG)
    rows = [dict(zip(("name", "type", "framework"), one, strict=True)) for one in served]
    _, answer = pyzm((model,), rows)
    assert server.asked("/infer")[0].form["name"] == name
    assert list(answer.results) == [model]


def test_a_model_that_it_has_not(server, words, pyzm) -> None:
    answers(server, words, DOG)
    health, answer = pyzm(("face", "yolo", "hog"), (YOLO, {"name": 5}))
    assert health.models == ["yolo"]
    assert list(answer.results) == ["yolo"]
    assert answer.errors["face"] == f"{server.url}: serves no face: it has yolo (object), 5 ()"
    assert set(answer.errors) == {"face", "hog"}


def test_a_model_that_fails_is_not_asked_about_the_rest(server, words, pyzm) -> None:
    answers(server, words, error="CUDA is\nout of memory")
    _, answer = pyzm(images=(IMAGE, IMAGE))
    assert answer.errors == {"yolo": f"{server.url}: yolo: CUDA is out of memory"}
    assert len(server.asked("/infer")) == 1


def test_by_its_address(server, words, pyzm) -> None:
    answers(server, words, {**DOG, "box": [100, 100, 200, 200]})
    place = ImageUrl("http://zm/index.php?view=image", "token=s3cret", verify=False)
    _, answer = pyzm(images=(EncodedImage("alarm", (1600, 1200), (800, 600), url=place),))
    assert server.asked("/infer")[0].form == {
        "type": "object",
        "name": "",
        "min_confidence": "0.1",
        "url": "http://zm/index.php?view=image",
        "zm_auth": "token=s3cret",
        "verify_ssl": "0",
    }
    assert answer.results["yolo"][0][0].box == Box(50, 50, 100, 100)


def test_a_picture_that_it_cannot_fetch(server, words, pyzm) -> None:
    answers(server, words, error="fetch failed: 401 for token=s3cret")
    shot = IMAGE._replace(url=ImageUrl("http://zm/", "token=s3cret"))
    with pytest.raises(GatewayError, match=r"fetch failed: 401 for \*\*\*") as failed:
        pyzm(images=(shot,))
    assert failed.value.blame == "image"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"detections": 5}',
        b'{"detections": ["dog"]}',
        b'{"detections": [{"name": "dog", "score": 0.5}]}',
        b"<html>",
        b"null",
    ],
)
def test_an_answer_that_is_none(server, pyzm, body: bytes) -> None:
    server.on("POST", "/infer", (200, {}, body))
    with pytest.raises(GatewayError, match="makes no sense"):
        pyzm()


def test_a_picture_that_it_cannot_decode(server, words, pyzm) -> None:
    server.on("POST", "/infer", words({"detail": "Could not decode image"}, 400))
    with pytest.raises(GatewayError, match="Could not decode image") as failed:
        pyzm()
    assert failed.value.blame == "request"


def test_the_time_is_that_of_all_pictures(server, words, pyzm) -> None:
    with pytest.raises(GatewayError, match="did not answer all of it in time"):
        pyzm(deadline=Deadline(0))
    assert server.asked("/infer") == []
