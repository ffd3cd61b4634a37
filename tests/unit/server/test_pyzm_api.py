"""What pyzm's clients are answered."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import InferenceUnavailable
from zmhook.net import http_server
from zmhook.service.wire import InferResult, InputImage

TYPE, IMAGE = ("type", b"object"), ("image", "frame.png", b"PNG")
FACE = Detection(label="anna", confidence=0.8, box=Box(1, 1, 2, 2), model="face", kind="face")


def models(place, *names: str) -> None:
    general = structs.replace(place.workers.settings.general, models=names)
    place.workers.settings = structs.replace(place.workers.settings, general=general)


def test_a_picture_is_looked_at(listening) -> None:
    async def scene(place) -> None:
        said = await place.post("/infer", TYPE, ("name", b"yolo"), IMAGE)
        assert said.status == 200
        assert said.json == {
            "detections": [
                {
                    "label": "dog",
                    "confidence": 0.9,
                    "box": [1, 2, 30, 40],
                    "type": "object",
                    "model_name": "yolo",
                }
            ],
            "error": None,
        }
        (wanted,) = place.workers.asked
        assert (wanted.client, wanted.models) == ("127.0.0.1", ["yolo"])
        assert wanted.images == [InputImage("frame.png", b"PNG")]
        assert wanted.max_overlap == 0.4
        assert wanted.min_confidence == {"yolo": place.workers.settings.yolo.yolo_min_confidence}

    listening(scene)


@pytest.mark.parametrize("name", ["", "yolo", "YOLO", "yolox_s", "YOLOX_S.onnx"])
def test_names_that_are_ours(listening, name: str) -> None:
    async def scene(place) -> None:
        yolo = structs.replace(place.workers.settings.yolo, weights="/models/yolox_s.onnx")
        place.workers.settings = structs.replace(place.workers.settings, yolo=yolo)
        said = await place.post("/infer", TYPE, ("name", name.encode()), IMAGE)
        assert said.json["error"] is None

    listening(scene)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("object", "YOLOv11"),
        ("object", "../../etc/passwd"),
        ("object", "gemini"),
        ("face", ""),
        ("alpr", ""),
        ("audio", ""),
        ("object", "a\nb\x1b"),
    ],
)
def test_names_that_are_not(listening, kind: str, name: str) -> None:
    async def scene(place) -> None:
        models(place, "yolo", "hog", "gemini")
        said = await place.post("/infer", ("type", kind.encode()), ("name", name.encode()), IMAGE)
        assert said.status == 200
        assert said.json["detections"] == []
        assert "this server has yolo, hog" in said.json["error"]
        assert said.json["error"].isprintable()
        assert place.workers.asked == []

    listening(scene)


@pytest.mark.parametrize("name", ["YOLOv11 ONNX", "yolov11 onnx", "people"])
def test_names_that_the_settings_give(listening, name: str) -> None:
    async def scene(place) -> None:
        models(place, "hog", "yolo")
        place.workers.set(listen_model_names=("yolov11 onnx=yolo", "people=hog"))
        said = await place.post("/infer", TYPE, ("name", name.encode()), IMAGE)
        assert said.json["error"] is None
        assert place.workers.asked[0].models == ["hog" if name == "people" else "yolo"]

    listening(scene)


def test_the_only_model_of_a_type_answers_to_any_name(
    listening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    async def scene(place) -> None:
        models(place, "face", "yolo", "gemini")
        for _ in range(3):
            said = await place.post("/infer", TYPE, ("name", b"YOLOv11\n ONNX"), IMAGE)
            assert said.json["error"] is None
        assert {tuple(one.models) for one in place.workers.asked} == {("yolo",)}
        for name in (b"face", b"gemini"):  # another model of ours is meant
            said = await place.post("/infer", TYPE, ("name", name), IMAGE)
            assert "no model loaded" in said.json["error"]

    listening(scene)
    told = [one for one in caplog.messages if "the only one of its type" in one]
    assert told == [
        (
            "a client asks for a model 'YOLOv11 ONNX': yolo answers, the only one of its type"
            " ([service] listen_model_names)"
        )
    ]


@pytest.mark.parametrize(("given", "expected"), [("0.05", 0.05), ("0.9", 0.9), ("", None)])
def test_the_clients_least_confidence(listening, given: str, expected: float | None) -> None:
    async def scene(place) -> None:
        await place.post("/infer", TYPE, ("min_confidence", given.encode()), IMAGE)
        own = place.workers.settings.yolo.yolo_min_confidence
        assert place.workers.asked[0].min_confidence == {
            "yolo": own if expected is None else expected
        }

    listening(scene)


@pytest.mark.parametrize("given", ["nan", "inf", "x", "0,5"])
def test_one_that_is_no_number(listening, given: str) -> None:
    async def scene(place) -> None:
        said = await place.post("/infer", TYPE, ("min_confidence", given.encode()), IMAGE)
        assert said.status == 422

    listening(scene)


def test_no_picture(listening) -> None:
    async def scene(place) -> None:
        for parts in ((TYPE,), (TYPE, ("image", "a", b"")), (TYPE, ("picture", "a", b"x"))):
            said = await place.post("/infer", *parts)
            assert (said.status, said.json) == (400, {"detail": "Empty file"})

    listening(scene)


def test_no_type(listening) -> None:
    async def scene(place) -> None:
        assert (await place.post("/infer", IMAGE)).status == 422

    listening(scene)


@pytest.mark.parametrize(("too_large", "status"), [(False, 400), (True, 413)])
def test_a_picture_that_is_none(listening, too_large: bool, status: int) -> None:
    async def scene(place) -> None:
        place.workers.result = InferResult(refused="a: is damaged", too_large=too_large)
        said = await place.post("/infer", TYPE, IMAGE)
        assert said.status == status
        assert said.json["detail"] == "Could not decode image (a: is damaged)"

    listening(scene)


def test_a_model_that_fails(listening) -> None:
    async def scene(place) -> None:
        place.workers.result = InferResult(errors={"yolo": "no weights"})
        said = await place.post("/infer", TYPE, IMAGE)
        assert (said.status, said.json) == (200, {"detections": [], "error": "no weights"})

    listening(scene)


def test_too_busy_and_worse(listening) -> None:
    async def scene(place) -> None:
        place.workers.error = InferenceUnavailable("refused: 500 wait", retry=True)
        said = await place.post("/infer", TYPE, IMAGE)
        assert (said.status, said.headers["retry-after"]) == (503, "1")
        place.workers.error = InferenceUnavailable("the model process ended", retry=False)
        said = await place.post("/infer", TYPE, IMAGE)
        assert said.json == {"detections": [], "error": "the model process ended"}

    listening(scene)


def test_faces_leave_only_where_allowed(listening) -> None:
    async def scene(place) -> None:
        models(place, "yolo", "face")
        place.workers.detections["face"] = [FACE]
        said = await place.post("/infer", ("type", b"face"), IMAGE)
        assert "listen_faces" in said.json["error"]
        assert place.workers.asked == []
        place.workers.set(listen_faces=True)
        said = await place.post("/infer", ("type", b"face"), IMAGE)
        assert [(one["label"], one["type"]) for one in said.json["detections"]] == [
            ("anna", "face")
        ]

    listening(scene)


def test_nor_by_another_model(listening, dog: Detection) -> None:
    async def scene(place) -> None:
        plate = structs.replace(dog, kind="licenseplate", label="B AB 123")
        place.workers.detections["yolo"] = [dog, FACE, plate]
        said = await place.post("/infer", TYPE, IMAGE)
        assert [one["label"] for one in said.json["detections"]] == ["dog"]
        place.workers.set(listen_plates=True)
        said = await place.post("/infer", TYPE, IMAGE)
        assert [one["type"] for one in said.json["detections"]] == ["object", "alpr"]

    listening(scene)


def test_the_models(listening) -> None:
    async def scene(place) -> None:
        models(place, "yolo", "hog", "face", "gemini")
        assert (await place.ask("GET", "/models")).json["models"] == [
            {
                "name": name,
                "type": "object",
                "framework": "zmhook",
                "loaded": loaded,
                "processor": "cpu",
                "requested_processor": "cpu",
            }
            for name, loaded in (("yolo", True), ("hog", False))
        ]

    listening(scene)


def test_an_address_in_place_of_a_picture(listening, endpoint) -> None:
    async def scene(place) -> None:
        endpoint.answers = [(200, {}, b"PICTURE")]
        url = f"{endpoint.url}/zm/index.php?view=image".encode()
        said = await place.post("/infer", TYPE, ("url", url), ("zm_auth", b"token=abc"))
        assert "is not one of [service] allowed_portals" in said.json["error"]
        assert endpoint.got == []

        place.workers.set(allowed_portals=(endpoint.place,))
        said = await place.post("/infer", TYPE, ("url", url), ("zm_auth", b"token=abc"))
        assert said.json["error"] is None
        assert place.workers.asked[0].images == [InputImage("url", b"PICTURE")]
        assert endpoint.got[0].path == "/zm/index.php?view=image&token=abc"

    listening(scene)


def test_what_is_fetched_takes_room_as_well(
    listening, endpoint, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "BUDGET_SECONDS", 0.05)

    async def scene(place) -> None:
        endpoint.answers = [(200, {}, b"PICTURE")] * 2
        place.workers.set(allowed_portals=(endpoint.place,), listen_max_upload=0.01)
        place.workers.hold.clear()
        url = ("url", f"{endpoint.url}/x".encode())
        first = asyncio.ensure_future(place.post("/infer", TYPE, url))
        await until(lambda: place.workers.asked)
        assert place.budget.used > 10_000
        assert (await place.post("/infer", TYPE, url)).status == 503
        place.workers.hold.set()
        assert (await first).status == 200
        assert place.budget.used == 0

    listening(scene, most=15_000)


def test_as_browsers_post_it(listening, endpoint) -> None:
    async def scene(place) -> None:
        endpoint.answers = [(404, {}, b"")]
        place.workers.set(allowed_portals=(endpoint.place,))
        body = f"type=object&url={endpoint.url}/x&zm_auth=token%3Dsecret".encode()
        kind = "application/x-www-form-urlencoded"
        said = await place.ask("POST", "/infer", body, content_type=kind)
        assert said.json["error"] == f"fetch failed: {endpoint.url}/x: it answers 404"

    listening(scene)
