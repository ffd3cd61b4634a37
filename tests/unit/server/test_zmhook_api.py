"""What another zmhook is answered."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import structs

from zmhook.detection import Detection
from zmhook.errors import InferenceUnavailable
from zmhook.gateway import protocol
from zmhook.gateway.protocol import InferRequest, InferResponse, ServerStatus
from zmhook.service.wire import InferResult, InputImage


def request(
    *views: protocol.RequestImage, models: tuple[str, ...] = ("yolo",), **more: object
) -> bytes:
    return msgspec.json.encode(InferRequest(models=list(models), images=list(views), **more))


def frame(data: bytes) -> tuple[str, str, bytes]:
    return ("image", "x.jpg", data)


A, B = protocol.RequestImage("alarm"), protocol.RequestImage("snapshot", crop_label="car")


def test_all_pictures_in_one_request(listening, dog: Detection) -> None:
    async def scene(place) -> None:
        asking = request(A, B, min_confidence={"yolo": 0.3}, seconds=7.5)
        said = await place.post(protocol.INFER, ("request", asking), frame(b"1"), frame(b"2"))
        looked = msgspec.json.decode(said.body, type=InferResponse)
        assert looked.results == {"yolo": [[dog], [dog]]}
        assert looked.sizes == [(64, 48), (64, 48)]
        assert (looked.errors, looked.timings, looked.busy) == ({}, {"yolo": 5.0}, 0.5)
        (wanted,) = place.workers.asked
        assert wanted.images == [InputImage("alarm", b"1"), InputImage("snapshot", b"2", "car")]
        assert (wanted.min_confidence, wanted.seconds) == ({"yolo": 0.3}, 7.5)
        assert wanted.max_detections == protocol.MOST_DETECTIONS

    listening(scene)


def test_the_request_may_come_as_a_file_as_curl_sends_it(listening) -> None:
    async def scene(place) -> None:
        said = await place.post(protocol.INFER, ("request", "r.json", request(A)), frame(b"1"))
        assert said.status == 200

    listening(scene)


def test_a_model_that_may_not_be_asked_is_an_error_of_its_own(listening) -> None:
    async def scene(place) -> None:
        general = structs.replace(
            place.workers.settings.general, models=("yolo", "face", "alpr", "gemini")
        )
        place.workers.settings = structs.replace(place.workers.settings, general=general)
        asking = request(A, models=("yolo", "face", "alpr", "gemini", "../x", "yolo"))
        said = await place.post(protocol.INFER, ("request", asking), frame(b"1"))
        assert list(said.json["results"]) == ["yolo"]
        assert set(said.json["errors"]) == {"face", "alpr", "gemini", "../x"}
        assert place.workers.asked[0].models == ["yolo"]

        said = await place.post(protocol.INFER, ("request", request(A, models=("x",))), frame(b"1"))
        assert (said.status, said.json["results"]) == (200, {})
        assert len(place.workers.asked) == 1

    listening(scene)


def test_fields_of_a_newer_client(listening) -> None:
    async def scene(place) -> None:
        asking = json.dumps({"models": ["yolo"], "images": [{"id": "a", "new": 1}], "newer": {}})
        said = await place.post(protocol.INFER, ("request", asking.encode()), frame(b"1"))
        assert said.status == 200

    listening(scene)


@pytest.mark.parametrize(
    "asking",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"{" * 9999,
        b'{"models": "yolo", "images": []}',
        request(A, models=()),
        request(),
        request(*[A] * (protocol.MOST_IMAGES + 1)),
        request(A, models=("x",) * 100),
        b'{"models": [1], "images": [{"id": "a"}]}',
        b'{"models": ["yolo"], "images": [{"id": "a"}], "seconds": "x"}',
    ],
)
def test_a_request_that_cannot_be_read(listening, asking: bytes) -> None:
    async def scene(place) -> None:
        said = await place.post(protocol.INFER, ("request", asking), frame(b"1"))
        assert said.status == 400
        assert said.json["detail"]
        assert place.workers.asked == []

    listening(scene)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_pictures_or_too_many(listening, count: int) -> None:
    async def scene(place) -> None:
        said = await place.post(protocol.INFER, ("request", request(A, B)), *[frame(b"1")] * count)
        assert said.status == 400
        assert f"expected 2 uploaded images, got {count}" in said.json["detail"]

    listening(scene)


def test_pictures_that_are_fetched_stand_among_those_that_came(listening, endpoint) -> None:
    async def scene(place) -> None:
        endpoint.answers = [(200, {}, b"FETCHED")]
        place.workers.set(allowed_portals=(endpoint.place,))
        url = protocol.RequestImage("2", url=f"{endpoint.url}/x")
        asking = request(A, url, B)
        said = await place.post(protocol.INFER, ("request", asking), frame(b"1"), frame(b"3"))
        assert said.status == 200
        assert [one.data for one in place.workers.asked[0].images] == [b"1", b"FETCHED", b"3"]

    listening(scene)


def test_an_address_that_is_not_allowed(listening) -> None:
    async def scene(place) -> None:
        url = protocol.RequestImage("2", url="http://169.254.169.254/latest")
        said = await place.post(protocol.INFER, ("request", request(url)))
        assert said.status == 400
        assert "allowed_portals" in said.json["detail"]

    listening(scene)


def test_what_is_fetched_for_one_request_has_an_end(listening, endpoint) -> None:
    async def scene(place) -> None:
        endpoint.answers = [(200, {}, b"x" * 600), (200, {}, b"x" * 600)]
        place.workers.set(allowed_portals=(endpoint.place,), listen_max_upload=0.001)
        url = protocol.RequestImage("2", url=f"{endpoint.url}/x")
        said = await place.post(protocol.INFER, ("request", request(url, url)))
        assert said.status == 400
        assert "listen_max_upload" in said.json["detail"]

    listening(scene)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_body(listening, kind: str) -> None:
    async def scene(place) -> None:
        said = await place.ask("POST", protocol.INFER, b"{}", content_type=kind)
        assert said.status == 415

    listening(scene)


@pytest.mark.parametrize(
    ("seen", "status"),
    [(InferResult(refused="a"), 400), (InferResult(refused="a", too_large=True), 413)],
)
def test_a_picture_that_is_none(listening, seen: InferResult, status: int) -> None:
    async def scene(place) -> None:
        place.workers.result = seen
        said = await place.post(protocol.INFER, ("request", request(A)), frame(b"1"))
        assert (said.status, said.json) == (status, {"detail": "a"})

    listening(scene)


@pytest.mark.parametrize(("retry", "status"), [(True, 503), (False, 500)])
def test_not_now(listening, retry: bool, status: int) -> None:
    async def scene(place) -> None:
        place.workers.error = InferenceUnavailable("why", retry=retry)
        said = await place.post(protocol.INFER, ("request", request(A)), frame(b"1"))
        assert (said.status, "retry-after" in said.headers) == (status, retry)

    listening(scene)


def test_how_it_is(listening) -> None:
    async def scene(place) -> None:
        said = await place.ask("GET", protocol.STATUS)
        status = msgspec.json.decode(said.body, type=ServerStatus)
        assert (status.models, status.busy) == (["yolo"], 0.5)
        assert status.version

    listening(scene)
