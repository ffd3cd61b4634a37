"""Asking another zmhook."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.errors import GatewayError
from zmhook.gateway import zmhook_client
from zmhook.gateway.dialect import GatewayRequest
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.endpoint import Endpoint
from zmhook.gateway.protocol import ImageUrl
from zmhook.gateway.zmhook_client import ZmhookClient

INFER = "/zmhook/v1/infer"
IMAGES = [
    EncodedImage("alarm", (64, 48), (64, 48), b"jpeg", crop_label="car"),
    EncodedImage("2", (64, 48), (64, 48), b"b"),
]
DOG = {"label": "dog", "confidence": 0.9, "box": [1, 2, 30, 40], "model": "x", "kind": "object"}


@pytest.fixture
def infer(server, configured, soon):
    endpoint = Endpoint(configured(server.url), server.url)

    def ask(models: tuple[str, ...] = ("yolo",), images: Any = IMAGES, deadline: Any = soon):
        return ZmhookClient().infer(
            endpoint, GatewayRequest(models, images, {"yolo": 0.1}, deadline)
        )

    yield ask
    endpoint.close()


def answers(server, words, results: Any, **more: Any) -> None:
    server.on("POST", INFER, words({"results": results, **more}))


def test_all_is_asked_at_once(server, words, infer) -> None:
    plate = {**DOG, "label": "AB1", "attributes": {"plate": "AB1"}, "kind": "description"}
    answers(server, words, {"yolo": [[DOG], []], "alpr": [[], [plate]]}, busy=0.5)
    answer = infer(("yolo", "alpr"))
    (got,) = server.got
    request, one, two = got.parts
    assert request[:3] == ("request", "", "application/json")
    said = json.loads(request[3])
    assert 0 < said.pop("seconds") <= 20
    assert said == {
        "models": ["yolo", "alpr"],
        "images": [{"id": "alarm", "crop_label": "car"}, {"id": "2"}],
        "min_confidence": {"yolo": 0.1},
    }
    assert one == ("image", "alarm.jpg", "image/jpeg", b"jpeg")
    assert two == ("image", "2.jpg", "image/jpeg", b"b")
    assert [[one.label for one in some] for some in answer.results["yolo"]] == [["dog"], []]
    (read,) = answer.results["alpr"][1]
    assert (read.model, read.kind) == ("alpr", "licenseplate")
    assert read.attributes == {"plate": "AB1"}
    assert answer.errors == {}
    assert answer.busy == 0.5


def test_a_model_that_could_not_look(server, words, infer) -> None:
    errors = {"face": "names of faces do not\nleave the server"}
    answers(server, words, {"yolo": [[DOG], []]}, errors=errors)
    answer = infer(("yolo", "face", "hog"))
    assert list(answer.results) == ["yolo"]
    assert answer.errors == {
        "face": f"{server.url}: face: names of faces do not leave the server",
        "hog": f"{server.url}: hog: its response for this model makes no sense",
    }


@pytest.mark.parametrize(
    "rows",
    [
        [{**DOG, "confidence": math.nan}, {**DOG, "box": [0, 0, math.inf, 5]}],
        [{**DOG, "box": [70, 50, 90, 60]}, {**DOG, "label": ""}, 5, None, "dog", []],
    ],
)
def test_what_makes_no_sense_is_left_out(server, words, infer, rows: Any) -> None:
    answers(server, words, {"yolo": [rows, [DOG]]})
    assert [len(some) for some in infer().results["yolo"]] == [0, 1]


def test_ten_thousand_detections(server, words, infer) -> None:
    rows = [{**DOG, "label": f"{i}", "confidence": i / 10_000} for i in range(10_000)]
    answers(server, words, {"yolo": [rows, []]})
    some, _ = infer().results["yolo"]
    assert (len(some), some[0].label) == (1000, "9999")


@pytest.mark.parametrize(
    "some",
    [
        [],
        [[DOG]],
        [[], [], []],
        None,
        {"0": []},
        [[], "dog"],
        [{"label": "dog"}, []],
        [["dog", {"label": 5}], []],
    ],
)
def test_lists_that_are_not_those_of_the_pictures(server, words, infer, some: Any) -> None:
    answers(server, words, {"yolo": some})
    assert infer().errors == {
        "yolo": f"{server.url}: yolo: its response for this model makes no sense"
    }


@pytest.mark.parametrize(
    "body",
    [b"<html><title>Router</title></html>", b"[]", b"{}", b'{"results": []}', b"\xff", b""],
)
def test_an_answer_that_is_none(server, infer, body: bytes) -> None:
    server.on("POST", INFER, (200, {}, body))
    with pytest.raises(GatewayError, match="makes no sense") as failed:
        infer()
    assert failed.value.blame == "server"


def test_by_its_address(server, words, infer) -> None:
    place = ImageUrl("http://zm/index.php?view=image", "token=s3cret", verify=False)
    images = [EncodedImage("alarm", (1600, 1200), (800, 600), url=place), IMAGES[1]]
    box = {**DOG, "box": [100, 100, 200, 200]}
    answers(server, words, {"yolo": [[box], [DOG]]}, sizes=[[400, 300], [1, 1]])
    answer = infer(images=images)
    (request, *frames) = server.got[0].parts
    assert json.loads(request[3])["images"] == [
        {"id": "alarm", "url": "http://zm/index.php?view=image&token=s3cret", "verify": False},
        {"id": "2"},
    ]
    assert len(frames) == 1
    first, second = answer.results["yolo"]
    assert first[0].box == Box(200, 200, 400, 400)  # it saw 400x300, whatever we expected
    assert second[0].box == Box(1, 2, 30, 40)


@pytest.mark.parametrize("sizes", [None, [], [[0, 5], [1, 1]], [[1, 2, 3], [1, 1]], ["ab", "cd"]])
def test_a_size_that_is_none(server, words, infer, sizes: Any) -> None:
    images = [EncodedImage("alarm", (64, 48), (64, 48), url=ImageUrl("http://zm/")), IMAGES[1]]
    answers(server, words, {"yolo": [[DOG], []]}, sizes=sizes)
    assert infer(images=images).results["yolo"][0][0].box == Box(1, 2, 30, 40)


@pytest.mark.parametrize(("by_address", "blame"), [(True, "image"), (False, "request")])
def test_a_picture_that_it_cannot_fetch(server, words, infer, by_address, blame) -> None:
    place = ImageUrl("http://zm/", "token=s3cret") if by_address else None
    server.on("POST", INFER, words({"detail": "zm:80 is not allowed (token=s3cret)"}, 400))
    with pytest.raises(GatewayError, match="is not allowed") as failed:
        infer(images=[IMAGES[0]._replace(url=place)])
    assert failed.value.blame == blame
    assert ("s3cret" in str(failed.value)) is not by_address


def test_pictures_that_are_too_large(server, words, infer) -> None:
    server.on("POST", INFER, words({"detail": "at most 20 bytes"}, 413))
    with pytest.raises(GatewayError, match=r"raise \[service\] listen_max_upload") as failed:
        infer()
    assert failed.value.blame == "request"


def test_many_pictures_are_sent_in_some_requests(server, words, infer, monkeypatch) -> None:
    monkeypatch.setattr(zmhook_client, "MOST_BYTES", 4)
    server.on("POST", INFER, words({"results": {"yolo": [[DOG]]}, "busy": 1}))
    answer = infer()
    assert len(server.got) == 2
    assert [len(some) for some in answer.results["yolo"]] == [1, 1]


def test_a_model_that_fails_in_one_request_has_no_results(
    server, words, infer, monkeypatch
) -> None:
    monkeypatch.setattr(zmhook_client, "MOST_BYTES", 4)
    said = [{"results": {"yolo": [[DOG]]}}, {"results": {}, "errors": {"yolo": "no memory"}}]
    server.on("POST", INFER, lambda _: words(said.pop(0)))
    answer = infer()
    assert answer.results == {}
    assert answer.errors == {"yolo": f"{server.url}: yolo: no memory"}


@pytest.mark.parametrize(
    ("said", "busy"), [(0, 0.0), (2.5, 2.5), (-1, 0.0), (True, None), ("x", None), (None, None)]
)
def test_how_busy_it_is(server, words, infer, said: Any, busy: float | None) -> None:
    answers(server, words, {"yolo": [[], []]}, busy=said)
    assert infer().busy == busy


def test_no_time(server, infer) -> None:
    with pytest.raises(GatewayError, match="no time left"):
        infer(deadline=Deadline(0))
    assert server.got == []


def test_one_of_another_version_is_to_be_upgraded(server, infer) -> None:
    with pytest.raises(GatewayError, match="another version; upgrade it, or this one"):
        infer(("yolo",))
