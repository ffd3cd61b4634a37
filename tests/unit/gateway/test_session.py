"""One event's requests to the gateways."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import DetectorError, GatewayError
from zmhook.frame import Crop
from zmhook.gateway.dialect import GatewayRequest, GatewayResult
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.protocol import ImageUrl
from zmhook.gateway.session import RESERVE, TIMEOUTS, RemoteSession
from zmhook.settings import Yolo

DOG = Detection(label="dog", confidence=0.9, box=Box(1, 2, 3, 4), model="yolo")


class Fake:
    """Gateways that answer with one dog for each picture, and keep the requests."""

    def __init__(self) -> None:
        self.requests: list[GatewayRequest] = []
        self.errors: dict[str, str] = {}
        self.fails: list[GatewayError] = []
        self.prepared = 0
        self.closed = 0

    def prepare(self) -> None:
        self.prepared += 1

    def infer(self, request: GatewayRequest) -> GatewayResult:
        self.requests.append(request)
        if self.fails:
            raise self.fails.pop()
        looked = [name for name in request.models if name not in self.errors]
        errors = {name: why for name, why in self.errors.items() if name in request.models}
        return GatewayResult({name: [[DOG] for _ in request.images] for name in looked}, errors)

    def close(self) -> None:
        self.closed += 1

    @property
    def asked(self) -> list[tuple[str, ...]]:
        return [tuple(request.models) for request in self.requests]


@pytest.fixture
def session(configured):
    def make(settings: Any = None) -> tuple[RemoteSession, Fake]:
        one = RemoteSession(settings or configured("http://gpu"))
        one.gateways = fake = Fake()
        return one, fake

    return make


def test_models_that_always_look_are_asked_for_together(session, frame) -> None:
    one, fake = session()
    one.together = ("yolo", "hog")
    frames = [frame(), frame(frame_id="snapshot")]
    assert one.infer("yolo", frames, crops=False) == [[DOG], [DOG]]
    assert one.infer("hog", frames, crops=False) == [[DOG], [DOG]]
    assert fake.asked == [("yolo", "hog")]
    assert [image.id for image in fake.requests[0].images] == ["alarm", "snapshot"]


def test_others_when_their_turn_comes_with_what_was_cut_out(session, frame) -> None:
    one, fake = session()
    one.together = ("yolo",)
    frames = [frame()]
    one.infer("yolo", frames, crops=False)
    crop = Crop(box=Box(5, 5, 25, 25), width=64, height=48, source=DOG)
    part = structs.replace(frame(20, 20), crop=crop)
    one.infer("face", [part], crops=True)
    assert fake.asked == [("yolo",), ("face",)]
    assert [image.crop_label for request in fake.requests for image in request.images] == [
        "",
        "dog",
    ]


def test_what_the_camera_saw_is_not_cut_out_by_us(session, frame) -> None:
    one, fake = session()
    crop = Crop(box=Box(0, 0, 64, 48), width=640, height=480, source=DOG)
    one.infer("yolo", [frame(crop=crop)], crops=False)
    assert fake.requests[0].images[0].crop_label == ""


def test_other_pictures_are_another_question(session, frame) -> None:
    one, fake = session()
    one.together = ("yolo", "hog")
    first, second = frame(), frame()
    one.infer("yolo", [first], crops=False)
    one.infer("hog", [second], crops=False)
    assert fake.asked == [("yolo", "hog"), ("yolo", "hog")]


def test_the_same_picture_may_be_looked_at_again(session, frame) -> None:
    one, fake = session()
    one.together = ("yolo", "hog")
    frames = [frame()]
    for name in ("yolo", "yolo", "hog"):
        one.infer(name, frames, crops=False)
    assert len(fake.requests) == 2


def test_nothing_of_an_event_is_kept_when_all_is_told(session, frame) -> None:
    one, _ = session()
    one.together = ("yolo", "hog")
    frames = [frame()]
    one.infer("yolo", frames, crops=False)
    assert one._frames
    one.infer("hog", frames, crops=False)
    assert not one._frames


def test_each_model_has_its_own_error(session, frame) -> None:
    one, fake = session()
    one.together = ("yolo", "hog")
    fake.errors = {"hog": "http://gpu: hog: no such model"}
    frames = [frame()]
    assert one.infer("yolo", frames, crops=False) == [[DOG]]
    with pytest.raises(DetectorError, match="http://gpu: hog: no such model"):
        one.infer("hog", frames, crops=False)
    assert len(fake.requests) == 1


def test_no_pictures_no_question(session) -> None:
    one, fake = session()
    assert one.infer("yolo", [], crops=False) == []
    assert fake.requests == []


def test_the_answer_is_given_before_the_events_time_is_over(session, frame) -> None:
    one, fake = session()
    one.infer("yolo", [frame(seconds=10)], crops=False)
    assert fake.requests[0].deadline.left() == pytest.approx(10 - RESERVE, abs=1)
    one.infer("yolo", [frame(seconds=0.5)], crops=False)
    assert fake.requests[1].deadline.left() == 0


def test_outside_of_an_event_there_is_a_limit_too(session, frame, configured) -> None:
    one, fake = session(configured("http://gpu", ml_timeout=4.0))
    one.infer("yolo", [frame(deadline=None)], crops=False)
    assert fake.requests[0].deadline.left() == pytest.approx(4 * TIMEOUTS, abs=1)


@pytest.mark.parametrize(("minimum", "least"), [(0.3, 0.1), (0.05, 0.05)])
def test_candidates_below_the_minimum_come_as_they_do_here(
    session, frame, configured, minimum: float, least: float
) -> None:
    settings = structs.replace(configured("http://gpu"), yolo=Yolo(yolo_min_confidence=minimum))
    one, fake = session(settings)
    one.infer("yolo", [frame()], crops=False)
    assert fake.requests[0].min_confidence == {"yolo": least}


class Places:
    """Addresses of all frames but those called `elsewhere`."""

    def __init__(self) -> None:
        self.closed = 0

    def image(self, frame: Any, deadline: Any) -> EncodedImage | None:
        del deadline
        if frame.id == "elsewhere":
            return None
        return EncodedImage(frame.id, (64, 48), (64, 48), url=ImageUrl("http://zm/"))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def by_address(session, configured):
    one, fake = session(configured("http://gpu", ml_gateway_mode="url"))
    one._portal_images = Places()
    return one, fake


def test_portal_images_go_in_place_of_pictures(by_address, frame) -> None:
    one, fake = by_address
    one.infer("yolo", [frame(), frame(frame_id="elsewhere")], crops=False)
    assert [bool(image.data) for image in fake.requests[0].images] == [False, True]
    one.infer("face", [frame()], crops=True)
    assert fake.requests[1].images[0].data


def test_pictures_go_where_portal_images_are_of_no_use(by_address, frame, caplog) -> None:
    one, fake = by_address
    fake.fails = [GatewayError("http://gpu: zm is not allowed", "image")]
    assert one.infer("yolo", [frame()], crops=False) == [[DOG]]
    assert [bool(request.images[0].data) for request in fake.requests] == [False, True]
    assert "zm is not allowed; the images are sent instead of their URLs" in caplog.text


def test_it_gets_to_know_the_gateways_once_and_closes_everything(by_address) -> None:
    one, fake = by_address
    one.prepare()
    one.prepare()
    one.close()
    assert (fake.prepared, fake.closed, one._portal_images.closed) == (1, 1, 1)
