"""A model on another machine, in the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from zmhook.chain import Chain
from zmhook.detection import Box, Detection
from zmhook.detectors.alpr.detector import AlprDetector
from zmhook.detectors.base import REMOTE, Detector
from zmhook.errors import DetectorError, GatewayError, ModelSkipped
from zmhook.frame import Crop
from zmhook.gateway.dialect import GatewayRequest, GatewayResult
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.protocol import ImageUrl
from zmhook.gateway.remote_detector import (
    RESERVE,
    TIMEOUTS,
    RemoteDetector,
    RemotePlates,
    RemoteSession,
    with_remote,
)
from zmhook.settings import Alpr, Settings, Yolo

DOG = Detection(label="dog", confidence=0.9, box=Box(1, 2, 3, 4), model="yolo")
CAT = Detection(label="cat", confidence=0.9, box=Box(1, 2, 3, 4), model="yolo")


class Local(Detector):
    """Sees a cat."""

    def __init__(self, name: str = "yolo", requires: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.requires = requires
        self.problems: list[DetectorError] = []
        self.fails = ""
        self.did: list[str] = []

    def load(self) -> None:
        self.did.append("load")
        if self.fails:
            raise DetectorError(self.fails)

    def detect(self, frames: Any) -> list[list[Detection]]:
        self.did.append("detect")
        return [[CAT] for _ in frames]

    def close(self) -> None:
        self.did.append("close")


class Session:
    """Sees a dog, or fails."""

    def __init__(self) -> None:
        self.together: tuple[str, ...] = ()
        self.fails = ""
        self.did: list[Any] = []

    def prepare(self) -> None:
        self.did.append("prepare")

    def infer(self, model: str, frames: Any, *, crops: bool) -> list[list[Detection]]:
        self.did.append((model, crops))
        if self.fails:
            raise DetectorError(self.fails)
        return [[DOG] for _ in frames]

    def close(self) -> None:
        self.did.append("close")


@pytest.fixture
def made(configured):
    def make(fallback: bool = False) -> tuple[RemoteDetector, Local, Session]:
        local, session = Local(), Session()
        settings = configured("http://gpu", ml_fallback_local=fallback)
        return RemoteDetector(local, settings, session), local, session

    return make


def test_the_other_machine_looks_and_nothing_is_loaded_here(made, frame) -> None:
    one, local, session = made()
    one.load()
    assert one.detect([frame()]) == [[DOG]]
    one.close()
    assert local.did == []
    assert session.did == ["prepare", ("yolo", False), "close"]


def test_without_a_fallback_its_failure_is_told(made, frame) -> None:
    one, local, session = made()
    session.fails = "http://gpu: refused the connection"
    with pytest.raises(DetectorError, match="http://gpu: refused") as failed:
        one.detect([frame()])
    assert not isinstance(failed.value, ModelSkipped)
    assert local.did == []


def test_with_a_fallback_it_is_looked_at_here(made, frame, caplog) -> None:
    one, local, session = made(fallback=True)
    session.fails = "http://gpu: refused the connection"
    local.problems = [DetectorError("half of it")]
    assert [one.detect([frame()]), one.detect([frame()])] == [[[CAT]], [[CAT]]]
    assert local.did == ["load", "detect", "detect"]
    assert (
        "yolo: http://gpu: refused the connection; running it on this machine instead"
        in caplog.text
    )
    assert one.problems == local.problems
    session.fails = ""
    assert one.detect([frame()]) == [[DOG]]
    assert one.problems == []
    one.close()
    one.close()
    assert local.did == ["load", "detect", "detect", "close"]


def test_a_fallback_that_cannot_be_loaded(made, frame) -> None:
    one, local, session = made(fallback=True)
    session.fails = "http://gpu: refused the connection"
    local.fails = "yolo.onnx: is not there"
    with pytest.raises(DetectorError, match=r"yolo\.onnx: is not there"):
        one.detect([frame()])


def test_the_conditions_are_the_local_models(configured) -> None:
    settings = configured("http://gpu")
    local = AlprDetector(settings)
    one = RemoteDetector(local, settings, Session())
    assert (one.name, one.requires, one.crop_to) == ("alpr", local.requires, local.crop_to)
    assert (one.max_crops, one.new_only) == (local.max_crops, True)
    assert RemoteDetector(Local(), settings, Session()).max_crops == Local().max_crops


def chain_of(settings: Settings, *models: str) -> Any:
    general = structs.replace(settings.general, models=models)
    return Chain.from_settings(structs.replace(settings, general=general))


def test_only_models_that_others_have_are_asked_of_them(configured) -> None:
    chain = chain_of(configured("http://gpu"), "yolo", "face", "alpr", "gemini")
    remote = [one.name for one in chain.detectors if isinstance(one, RemoteDetector)]
    assert remote == ["yolo", "face", "alpr"]
    assert set(remote) | {"hog"} == REMOTE
    session = chain.detectors[0]._session
    assert session is chain.detectors[2]._session
    assert session.together == ("yolo", "face")
    chain.close()


def test_models_that_may_not_be_needed_are_not_asked_for_ahead(configured) -> None:
    settings = configured("http://gpu", general={"detection_mode": "first"})
    chain = chain_of(settings, "yolo", "face")
    assert chain.detectors[0]._session.together == ()
    assert with_remote([Local(requires=frozenset({"car"}))], settings)[0]._session.together == ()


def test_without_gateways_nothing_is_remote(configured) -> None:
    (one,) = chain_of(configured(), "yolo").detectors
    assert not isinstance(one, RemoteDetector)


def test_what_it_is_is_told(configured) -> None:
    (one,) = chain_of(configured("http://gpu:1", "http://gpu:2"), "yolo").detectors
    assert one.description == "yolo: on http://gpu:1, http://gpu:2"


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
    part = frame(20, 20).replaced(crop=crop)
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


BOX = Box(2, 2, 12, 6)


def plate(label: str, box: Box = BOX, **attributes: Any) -> Detection:
    return Detection(
        label=label,
        confidence=0.9,
        box=box,
        model="alpr",
        kind="licenseplate",
        attributes=attributes,
    )


@pytest.fixture
def plates(configured):
    def make(known: dict[str, str] | None = None, **alpr: Any) -> RemotePlates:
        settings = configured("http://gpu")
        return RemotePlates(structs.replace(settings, alpr=Alpr(**alpr), plates=known or {}))

    return make


@pytest.fixture
def cut(frame):
    """A vehicle that was cut out of a picture, at so many pixels from its left."""

    def make(left: int, label: str = "car", frame_id: str = "alarm"):
        of = Detection(label=label, confidence=0.9, box=Box(left, 0, left + 40, 40), model="yolo")
        crop = Crop(box=of.box, width=640, height=480, source=of)
        return frame(40, 40, frame_id, crop=crop)

    return make


def labels(found: Sequence[Sequence[Detection]]) -> list[list[str]]:
    return [[one.label for one in some] for some in found]


def test_whose_it_is_is_our_own_business(plates, cut) -> None:
    ours = plates({"AB 123": "Ann"}, plate_off_by_one=True)
    (found,) = ours.read([cut(0)], lambda _: [[plate("ab-123")]])
    assert [(one.label, one.attributes) for one in found] == [
        ("Ann", {"plate": "AB123", "known": "exactly"})
    ]
    other = plate("AB1Z3", Box(20, 20, 39, 39))
    ((one,),) = ours.read([cut(0)], lambda _: [[other]])
    assert (one.label, one.attributes["known"]) == ("Ann", "differs by one character")


def test_who_is_known_there_alone_keeps_that_name(plates, cut) -> None:
    ((one,),) = plates().read([cut(0)], lambda _: [[plate("Bob", plate="XY9")]])
    assert (one.label, one.attributes) == ("Bob", {"plate": "XY9"})


def test_which_texts_are_plates_is_our_own_business(plates, cut) -> None:
    ours = plates(plate_formats=("[A-Z]{2}[0-9]+",))
    found = [plate("AB1"), plate("12", Box(20, 20, 39, 39)), plate("!!", Box(20, 2, 39, 12))]
    assert labels(ours.read([cut(0)], lambda _: [found])) == [["AB1"]]


def test_a_vehicle_that_was_found_twice_is_looked_at_once(plates, cut) -> None:
    asked: list[Any] = []

    def look(frames: Sequence[Any]) -> list[list[Detection]]:
        asked.extend(frames)
        return [[plate(f"P{i}")] for i, _ in enumerate(frames)]

    frames = [cut(0), cut(2, "truck"), cut(200), cut(0, frame_id="2")]
    assert labels(plates().read(frames, look)) == [["P0"], [], ["P1"], ["P2"]]
    assert asked == [frames[0], frames[2], frames[3]]


def test_a_plate_in_two_crops_is_told_of_once(plates, cut) -> None:
    found = plates().read([cut(0), cut(25)], lambda _: [[plate("AB1")], [plate("AB1")]])
    assert labels(found) == [["AB1"], []]
