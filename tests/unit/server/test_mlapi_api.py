"""What mlapi's clients are answered."""

from __future__ import annotations

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import FrameUnavailable, InferenceUnavailable
from zmhook.frame import Picture
from zmhook.frames import sources
from zmhook.service.wire import InferResult, InputImage

FILE = ("file", "image.jpg", b"JPEG")
PATH = "/api/v1/detect/object"
CAR = Detection(label="car", confidence=0.5852, box=Box(5, 6, 7, 8), model="yolo")
FACE = Detection(label="anna", confidence=0.8, box=Box(1, 1, 2, 2), model="face", kind="face")


def models(place, *names: str) -> None:
    general = structs.replace(place.workers.settings.general, models=names)
    place.workers.settings = structs.replace(place.workers.settings, general=general)


@pytest.mark.parametrize("path", [PATH, "/detect/object"])
def test_as_from_the_beginning(listening, path: str) -> None:
    async def scene(place) -> None:
        place.workers.detections["yolo"] = [CAR]
        said = await place.post(f"{path}?delete=True&type=object", FILE)
        assert said.json == [
            {"type": "object", "label": "car", "confidence": "58.52%", "box": [5, 6, 7, 8]}
        ]
        (wanted,) = place.workers.asked
        assert wanted.images == [InputImage("image.jpg", b"JPEG")]
        assert wanted.min_confidence == {"yolo": place.workers.settings.yolo.yolo_min_confidence}

    listening(scene)


def test_as_the_event_servers_hook_wants_it(listening) -> None:
    async def scene(place) -> None:
        said = await place.post(f"{PATH}?response_format=zm_detect", FILE)
        found = {
            "frame_id": "image.jpg",
            "boxes": [[1, 2, 30, 40]],
            "error_boxes": [],
            "labels": ["dog"],
            "confidences": [0.9],
            "model_names": ["yolo"],
        }
        assert said.json == {
            "matched_data": {
                **found,
                "image_dimensions": {"original": [48, 64], "resized": [48, 64]},
                "image": None,
                "polygons": [],
            },
            "all_matches": [{**found, "detection_types": ["object"]}],
        }

    listening(scene)


def test_nothing_found(listening) -> None:
    async def scene(place) -> None:
        place.workers.detections["yolo"] = []
        said = await place.post(f"{PATH}?response_format=zm_detect", FILE)
        assert said.json["matched_data"]["labels"] == []
        assert said.json["all_matches"] == []
        assert (await place.post(PATH, FILE)).json == []

    listening(scene)


class Portal:
    """Has some pictures of an event."""

    def __init__(self, **pictures: bytes) -> None:
        self.pictures = pictures
        self.events: list[tuple[int, int | None]] = []
        self.closed = 0

    def __call__(self, event, *_: object, **__: object) -> Portal:
        self.events.append((event.id, event.monitor_id))
        assert event.path == ""
        return self

    def attempt(self, frame_id: str, _: object) -> Picture:
        if frame_id not in self.pictures:
            raise FrameUnavailable(f"{frame_id}: there is none")
        return Picture(self.pictures[frame_id], frame_id, "portal")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Portal:
    portal = Portal(snapshot=b"S", alarm=b"A", **{"7": b"7"})
    monkeypatch.setattr(sources, "open_source", portal)
    return portal


def order(**more: object) -> dict[str, object]:
    return {"version": "6.1", "mid": "3", "reason": "Motion", "stream": "1234", **more}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ["snapshot"]),
        ("snapshot,alarm", ["snapshot", "alarm"]),
        (["alarm", "7", "alarm", "99"], ["alarm", "7"]),
        (7, ["7"]),
    ],
)
def test_an_events_pictures_from_our_own_portal(listening, portal, wanted, expected) -> None:
    async def scene(place) -> None:
        options = {"frame_set": wanted} if wanted else {}
        said = await place.post_json(
            f"{PATH}?response_format=zm_detect", order(stream_options=options)
        )
        assert said.status == 200
        assert [view.id for view in place.workers.asked[0].images] == expected
        assert portal.events == [(1234, 3)]
        assert portal.closed == 1
        assert said.json["matched_data"]["frame_id"] == expected[0]

    listening(scene)


@pytest.mark.parametrize(("strategy", "frame_id"), [("first", "snapshot"), ("most", "alarm")])
def test_which_picture_it_is(listening, portal, strategy: str, frame_id: str) -> None:
    async def scene(place) -> None:
        place.workers.result = InferResult({"yolo": [[CAR], [CAR, CAR]]}, [(9, 9), (9, 9)])
        options = {"frame_set": "snapshot,alarm", "frame_strategy": strategy}
        said = await place.post_json(
            f"{PATH}?response_format=zm_detect", order(stream_options=options)
        )
        assert said.json["matched_data"]["frame_id"] == frame_id
        assert len(said.json["all_matches"]) == 2

    listening(scene)


def test_which_models_and_labels(listening, portal, dog) -> None:
    async def scene(place) -> None:
        models(place, "yolo", "face")
        place.workers.set(listen_faces=True)
        place.workers.detections = {"yolo": [dog, CAR], "face": [FACE]}
        overrides = {
            "model_sequence": "object, face,nonsense",
            "object": {"pattern": "(car|truck)"},
            "face": {"pattern": ".*"},
        }
        said = await place.post_json(PATH, order(ml_overrides=overrides))
        assert [one["label"] for one in said.json] == ["dog", "car", "anna"]
        (wanted,) = place.workers.asked
        assert wanted.models == ["yolo", "face"]
        assert wanted.patterns == {"object": "(car|truck)", "face": ".*"}  # a worker matches them

    listening(scene)


@pytest.mark.parametrize(
    "said",
    [
        order(stream="/etc/passwd"),
        order(stream="../../1234"),
        order(stream="file:///etc/passwd"),
        order(stream=""),
        order(stream="٣"),
        order(stream="9" * 30),
        order(stream_options={"frame_set": "../../etc/passwd"}),
        order(stream_options={"frame_set": "/1"}),
        order(stream=[[["1"]]]),
        order(stream=True),
        order(stream_options={"frame_set": {"a": 1}}),
        order(stream_options={"frame_set": [["alarm"]]}),
        order(ml_overrides={"object": {"pattern": "x" * 5000}}),
        {},
    ],
)
def test_tricks(listening, portal, said: dict[str, object]) -> None:
    async def scene(place) -> None:
        answer = await place.post_json(PATH, said)
        assert answer.status == 400
        assert answer.json["msg"].isprintable()
        assert place.workers.asked == []
        assert portal.events == []

    listening(scene)


def test_a_pattern_is_not_matched_where_all_others_wait(listening, portal) -> None:
    """Nor compiled: a worker says that it cannot be used."""

    async def scene(place) -> None:
        place.workers.result = InferResult(refused="the pattern '(' cannot be used: missing )")
        said = await place.post_json(PATH, order(ml_overrides={"object": {"pattern": "("}}))
        assert (said.status, said.json) == (400, {"msg": place.workers.result.refused})
        place.workers.result = None
        bomb = "(|)" * 40 + "x"
        said = await place.post_json(PATH, order(ml_overrides={"object": {"pattern": bomb}}))
        assert said.status == 200
        assert place.workers.asked[-1].patterns == {"object": bomb}

    listening(scene)


def test_an_event_that_is_not_there(listening, portal) -> None:
    async def scene(place) -> None:
        portal.pictures = {}
        said = await place.post_json(PATH, order())
        assert (said.status, said.json) == (400, {"msg": "snapshot: there is none"})

    listening(scene)


def test_addresses_only_of_allowed_hosts(listening, endpoint) -> None:
    async def scene(place) -> None:
        endpoint.answers = [(200, {}, b"A"), (200, {}, b"B"), (200, {}, b"C")]
        url = f"{endpoint.url}/index.php?view=image&token=secret"
        said = await place.post(PATH, ("url", url.encode()))
        assert said.status == 400
        assert "allowed_portals" in said.json["msg"]
        assert "secret" not in said.json["msg"]
        place.workers.set(allowed_portals=(endpoint.place,))
        assert (await place.post(PATH, ("url", url.encode()))).status == 200
        assert (await place.post_json(PATH, order(stream=url))).status == 200
        assert [one.images[0].data for one in place.workers.asked] == [b"A", b"B"]

    listening(scene)


@pytest.mark.parametrize("kind", ["", "text/plain", "image/jpeg"])
def test_another_kind_of_body(listening, kind: str) -> None:
    async def scene(place) -> None:
        assert (await place.ask("POST", PATH, b"x", content_type=kind)).status == 415

    listening(scene)


def test_another_type(listening) -> None:
    async def scene(place) -> None:
        said = await place.post(f"{PATH}?type=../x", FILE)
        assert (said.status, "expected one of object" in said.json["msg"]) == (400, True)

    listening(scene)


def test_no_picture(listening) -> None:
    async def scene(place) -> None:
        assert (await place.post(PATH, ("a", b"b"))).status == 400

    listening(scene)


def test_what_is_not_served_and_what_may_not_leave(listening) -> None:
    async def scene(place) -> None:
        assert (await place.post(f"{PATH}?type=alpr", FILE)).status == 400
        models(place, "yolo", "face", "alpr")
        for kind, setting in (("face", "listen_faces"), ("alpr", "listen_plates")):
            said = await place.post(f"{PATH}?type={kind}", FILE)
            assert said.status == 403
            assert setting in said.json["msg"]

    listening(scene)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (InferResult(refused="damaged"), 400),
        (InferResult(refused="large", too_large=True), 413),
        (InferResult(errors={"yolo": "no weights"}), 500),
    ],
)
def test_what_goes_wrong(listening, seen: InferResult, status: int) -> None:
    async def scene(place) -> None:
        place.workers.result = seen
        assert (await place.post(PATH, FILE)).status == status

    listening(scene)


@pytest.mark.parametrize(("retry", "status"), [(True, 503), (False, 500)])
def test_not_now(listening, retry: bool, status: int) -> None:
    async def scene(place) -> None:
        place.workers.error = InferenceUnavailable("why", retry=retry)
        said = await place.post(PATH, FILE)
        assert (said.status, said.json) == (status, {"msg": "why"})

    listening(scene)
