"""Asking mlapi; its recorded exchanges are in tests/integration/test_remote_client.py."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.errors import GatewayError
from zmhook.gateway.dialect import GatewayRequest
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.endpoint import Endpoint
from zmhook.gateway.mlapi_client import MlapiClient
from zmhook.gateway.protocol import ImageUrl

DETECT = "/detect/object"
IMAGE = EncodedImage("alarm", (64, 48), (64, 48), b"jpeg")
NEW = {
    "matched_data": {
        "boxes": [[1, 2, 30, 40], [5, 5, 9, 9]],
        "labels": ["dog", "cat"],
        "confidences": [0.9, 0.4],
        "image_dimensions": {"original": [48, 64], "resized": None},
    },
    "all_matches": [],
}
OLD = [
    {"type": "object", "label": "dog", "confidence": "58.52%", "box": [1, 2, 30, 40]},
    {"type": "face", "label": "Ann", "confidence": "99%", "box": [1, 2, 30, 40]},
]


@pytest.fixture
def infer(server, configured, soon):
    endpoint = Endpoint(configured(server.url), server.url)

    def ask(models=("yolo",), images=(IMAGE,), deadline=soon):
        return MlapiClient().infer(
            endpoint, GatewayRequest(models, images, {"yolo": 0.1}, deadline)
        )

    yield ask
    endpoint.close()


def test_one_question_for_each_type_and_picture(server, words, infer) -> None:
    server.on("POST", DETECT, words(NEW))
    answer = infer(("yolo", "face", "hog"), (IMAGE, IMAGE))
    assert [got.query for got in server.got] == [
        {"type": kind, "response_format": "zm_detect", "delete": "true"}
        for kind in ("object", "object", "face", "face")
    ]
    assert server.got[0].parts == [("file", "alarm.jpg", "image/jpeg", b"jpeg")]
    assert [one.label for one in answer.results["yolo"][1]] == ["dog", "cat"]
    assert answer.results["face"][0][0].kind == "face"
    assert answer.errors == {"hog": f"{server.url}: mlapi has no hog"}


def test_the_older_format(server, words, infer) -> None:
    server.on("POST", DETECT, words(OLD))
    (found,) = infer().results["yolo"]
    assert [(one.label, round(one.confidence, 4), one.box) for one in found] == [
        ("dog", 0.5852, Box(1, 2, 30, 40))
    ]


@pytest.mark.parametrize(
    ("resized", "box"),
    [
        ([24, 32], Box(2, 4, 60, 48)),
        (None, Box(1, 2, 30, 40)),
        ([0, 5], Box(1, 2, 30, 40)),
        (["a", 5], Box(1, 2, 30, 40)),
        ([24], Box(1, 2, 30, 40)),
    ],
)
def test_boxes_of_a_picture_that_it_has_reduced(
    server, words, infer, resized: Any, box: Box
) -> None:
    data = {**NEW["matched_data"], "image_dimensions": {"resized": resized}}
    server.on("POST", DETECT, words({"matched_data": data}))
    assert infer().results["yolo"][0][0].box == box


@pytest.mark.parametrize(
    "matched",
    [
        {"labels": [], "confidences": [], "boxes": []},
        {"labels": ["dog"], "confidences": [0.5], "boxes": [[100, 100, 120, 120]]},
    ],
)
def test_what_makes_no_sense_is_left_out(server, words, infer, matched: Any) -> None:
    server.on("POST", DETECT, words({"matched_data": matched}))
    assert infer().results == {"yolo": [[]]}


@pytest.mark.parametrize(
    "matched",
    [
        {},
        {"labels": ["dog"], "boxes": [[1, 2, 3, 4]]},
        {"labels": ["dog"], "confidences": [], "boxes": [[1, 2, 3, 4]]},
        {"labels": 5, "confidences": 5, "boxes": 5},
        {"labels": ["dog"], "confidences": [float("nan")], "boxes": [[1, 2, 3, 4]]},
        {"labels": [7], "confidences": [0.5], "boxes": [[1, 2, 3, 4]]},
        {"labels": ["dog"], "confidences": [0.5], "boxes": [{"x": 1}]},
    ],
)
def test_what_is_no_detection_is_not_nothing(server, words, infer, matched: Any) -> None:
    server.on("POST", DETECT, words({"matched_data": matched}))
    with pytest.raises(GatewayError, match="makes no sense"):
        infer()


@pytest.mark.parametrize("rows", [["dog"], [{"name": "dog"}], [{**OLD[0], "box": "1,2,3,4"}]])
def test_nor_is_another_list(server, words, infer, rows: Any) -> None:
    server.on("POST", DETECT, words(rows))
    with pytest.raises(GatewayError, match="makes no sense"):
        infer()


def test_an_error_within_its_answer_counts_as_that(server, words, infer) -> None:
    server.on("POST", DETECT, words({"error": "try later", "code": 503}))
    with pytest.raises(GatewayError, match="answers 503: try later: it is too busy") as failed:
        infer()
    assert failed.value.blame == "busy"


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"matched_data": []}', b"5"])
def test_an_answer_that_is_none(server, infer, body: bytes) -> None:
    server.on("POST", DETECT, (200, {}, body))
    with pytest.raises(GatewayError, match="makes no sense"):
        infer()


def test_by_its_address(server, words, infer) -> None:
    server.on("POST", DETECT, words(NEW))
    place = ImageUrl("http://zm/index.php?view=image", "token=s3cret")
    answer = infer(images=(IMAGE._replace(sent_size=(128, 96), url=place),))
    assert server.got[0].form == {"url": "http://zm/index.php?view=image&token=s3cret"}
    assert answer.results["yolo"][0][0].box == Box(0, 1, 15, 20)


def test_a_picture_that_it_cannot_fetch(server, words, infer) -> None:
    server.on("POST", DETECT, words({"msg": "bad file token=s3cret"}, 400))
    with pytest.raises(GatewayError, match=r"bad file \*\*\*") as failed:
        infer(images=(IMAGE._replace(url=ImageUrl("http://zm/", "token=s3cret")),))
    assert failed.value.blame == "image"


def test_the_time_is_that_of_all_pictures(server, infer) -> None:
    with pytest.raises(GatewayError, match="did not answer all of it in time"):
        infer(deadline=Deadline(0))
    assert server.got == []


def test_a_picture_that_it_does_not_take(server, words, infer) -> None:
    server.on("POST", DETECT, words({"msg": "no such type"}, 400))
    with pytest.raises(GatewayError, match="no such type") as failed:
        infer()
    assert failed.value.blame == "request"
