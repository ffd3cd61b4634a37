"""The describing model in the chain, with a server that answers as Gemini does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.chain import Chain
from zmhook.deadline import Deadline
from zmhook.decide import decide_event
from zmhook.describe.describer import Describer
from zmhook.describe.description import Description
from zmhook.describe.detector import GeminiDetector, subject_of
from zmhook.detection import Box, Detection
from zmhook.detectors.base import ANY, Detector, find
from zmhook.errors import ModelSkipped
from zmhook.event import Event
from zmhook.frame import Crop, Frame, Picture
from zmhook.frames.base import FrameSource
from zmhook.image.crop import cut
from zmhook.settings import Gemini, General, Settings
from zmhook.settings.section import Secret

EVENT = Event(id=7, monitor_id=3, monitor_name="Drive", asked=1_800_000_000.0)
CAR = Detection(label="car", confidence=0.9, box=Box(100, 50, 300, 150), model="yolo")
DOG = Detection(label="dog", confidence=0.8, box=Box(350, 100, 390, 180), model="yolo")
SCENE = np.random.default_rng(5).integers(0, 255, (200, 400, 3), np.uint8)


@pytest.fixture
def settings(fake_gemini, tmp_path: Path) -> Callable[..., Settings]:
    def make(models: tuple[str, ...] = ("gemini",), **own) -> Settings:
        given = {"gemini_url": fake_gemini.url, "gemini_key": Secret("AIza-key"), **own}
        general = General(base_data_path=str(tmp_path), models=models)
        return Settings(general=general, gemini=Gemini(**given))

    return make


@pytest.fixture
def detector(settings) -> Iterator[Callable[..., GeminiDetector]]:
    made: list[GeminiDetector] = []

    def make(**own) -> GeminiDetector:
        made.append(GeminiDetector(settings(**own)))
        made[-1].load()
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()


def frame(**more) -> Frame:
    return Frame(**{"image": SCENE, "id": "alarm", "origin": "here", "event": EVENT, **more})


def test_it_is_found_by_its_name() -> None:
    assert find("gemini") is GeminiDetector


@pytest.mark.parametrize(
    ("after", "look_at", "requires", "crop_to"),
    [
        (("any",), "crops", {ANY}, {ANY}),
        (("any",), "frame", {ANY}, set()),
        (("car", "truck"), "crops", {"car", "truck"}, {"car", "truck"}),
        (("car", "any"), "crops", {ANY}, {ANY}),
        (("always",), "crops", set(), set()),
        (("always", "car"), "frame", set(), set()),
    ],
)
def test_when_it_looks_and_at_what(after, look_at, requires: set, crop_to: set) -> None:
    own = Gemini(gemini_after=after, gemini_input=look_at, gemini_max_crops=5)
    one = GeminiDetector(Settings(gemini=own))
    assert (one.requires, one.crop_to, one.max_crops) == (requires, crop_to, 5)


def test_a_crop_is_described(detector, fake_gemini) -> None:
    ((found,),) = detector().detect([cut(frame(), CAR)])
    # The crop is 240 x 120: the car and a tenth of its box on each side.
    assert found == Detection(
        label="delivery van",
        confidence=0.92,
        box=Box(48, 12, 192, 108),
        model="gemini",
        kind="description",
        attributes={
            "make": "Ford",
            "colour": "white",
            "description": "A white delivery van stands at the kerb, its rear doors open.",
            "alarm": "yes",
            "about": "100,50,300,150",
        },
    )
    picture = cv2.imdecode(np.frombuffer(fake_gemini.asked[0].picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (120, 240, 3)
    assert "What car is this?" in fake_gemini.asked[0].question


def test_a_whole_frame_is_about_all_of_it(detector, fake_gemini) -> None:
    ((found,),) = detector(gemini_after=("always",)).detect([frame()])
    assert found.attributes["about"] == ""
    assert found.box == Box(80, 20, 320, 180)
    assert "surveillance camera" in fake_gemini.asked[0].question


def test_a_cameras_snapshot_is_a_whole_picture_of_what_it_says(detector, fake_gemini) -> None:
    human = Detection(label="person", confidence=0.9, box=Box(0, 0, 40, 20), model="camera")
    snapshot = frame(crop=Crop(box=Box(0, 0, 40, 20), width=1920, height=1080, source=human))
    ((found,),) = detector(gemini_input="frame").detect([snapshot])
    assert found.attributes["about"] == ""
    assert "Describe this person" in fake_gemini.asked[0].question


@pytest.mark.parametrize("look_at", ["crops", "frame"])
def test_without_a_box_it_is_where_what_was_found_is(detector, fake_gemini, look_at: str) -> None:
    fake_gemini.description = {**fake_gemini.description, "box_2d": []}
    view = cut(frame(), CAR) if look_at == "crops" else frame()
    ((found,),) = detector(gemini_input=look_at).detect([view])
    assert found.box == (Box(20, 10, 220, 110) if look_at == "crops" else Box(0, 0, 400, 200))


def test_an_answer_cannot_overwrite_what_counts(detector, fake_gemini) -> None:
    names = ("alarm", "about", "description")
    attributes = [{"name": name, "value": "yes"} for name in names]
    fake_gemini.description = {**fake_gemini.description, "alarm": "no", "attributes": attributes}
    ((found,),) = detector().detect([cut(frame(), CAR)])
    assert found.attributes["alarm"] == "no"
    assert found.attributes["about"] == "100,50,300,150"
    assert found.attributes["description"].startswith("A white")


def test_what_cannot_be_asked_is_a_problem_and_no_description(detector, fake_gemini) -> None:
    one = detector()
    fake_gemini.will("400")
    views = [cut(frame(), CAR), cut(frame(), DOG)]
    assert one.detect(views) == [[], []]
    (problem,) = one.problems  # said once, not for each crop
    assert isinstance(problem, ModelSkipped)
    assert problem.short == "gemini skipped: refused"

    fake_gemini.will("ok")
    assert [len(found) for found in one.detect(views)] == [1, 1]
    assert one.problems == []


def test_one_of_several_fails(detector, fake_gemini) -> None:
    one = detector()
    fake_gemini.will("blocked-answer", "ok")
    found = one.detect([cut(frame(), CAR), cut(frame(), DOG)])
    assert sorted(map(len, found)) == [0, 1]
    assert [problem.short for problem in one.problems] == ["gemini skipped: blocked"]


@pytest.fixture
def asked_with(monkeypatch: pytest.MonkeyPatch) -> list[Deadline]:
    """The deadlines of questions, which are answered only when there are four of them at once."""
    together, deadlines = threading.Barrier(4, timeout=10), []

    def answer(_describer, _image, _subject, deadline: Deadline) -> Description:
        deadlines.append(deadline)
        together.wait()
        return Description(label="van", description="A van.", confidence=0.5, alarm="no")

    monkeypatch.setattr(Describer, "describe_image", answer)
    return deadlines


def test_crops_are_asked_about_at_once(detector, asked_with) -> None:
    views = [cut(frame(), CAR) for _ in range(4)]
    assert [len(found) for found in detector().detect(views)] == [1, 1, 1, 1]


def test_of_the_events_time_a_second_is_left_for_its_answer(detector, asked_with) -> None:
    events = [Deadline(seconds) for seconds in (100.0, 50.0, 0.5)]
    views = [frame(deadline=deadline) for deadline in (*events, None)]
    detector(gemini_timeout=7.0).detect(views)
    left = sorted(deadline.seconds for deadline in asked_with)
    assert left == [0.0, 14.0, pytest.approx(49, abs=1), pytest.approx(99, abs=1)]
    assert left[3] <= 99


def test_a_parked_car_is_none_of_its_business() -> None:
    """What nobody would be told of does not cost a question (`new_only` of the chain)."""
    assert GeminiDetector.new_only


def test_nothing_to_look_at(detector) -> None:
    assert detector().detect([]) == []


def test_the_subject_is_what_the_camera_and_the_event_say() -> None:
    human = Detection(
        label="person",
        confidence=0.9,
        box=Box(0, 0, 40, 20),
        model="camera",
        attributes={"camera": "Gate", "colours": "red, white"},
    )
    crop = Crop(box=Box(0, 0, 40, 20), width=1920, height=1080, source=human)
    subject = subject_of(frame(crop=crop))
    assert (subject.label, subject.monitor, subject.camera) == ("person", "Drive", "Gate")
    assert (subject.colours, subject.time) == (("red", "white"), EVENT.asked)
    assert subject_of(frame(event=Event(monitor_id=3))).monitor == "3"
    bare = subject_of(frame(event=None))
    assert (bare.label, bare.monitor, bare.colours) == ("", "", ())
    assert bare.time > EVENT.asked - 1e9


class Yolo(Detector):
    """Finds a car and a dog."""

    name, requires = "yolo", frozenset()

    def load(self) -> None: ...

    def detect(self, frames) -> list[list[Detection]]:
        return [[CAR, DOG] for _ in frames]

    def close(self) -> None: ...


class Source(FrameSource):
    def attempt(self, frame_id: str, deadline: Deadline) -> Picture:
        return Picture(cv2.imencode(".png", SCENE)[1].tobytes(), frame_id, "here")

    def close(self) -> None: ...


def decided(settings: Settings, *others):
    with closing(Chain([*others, GeminiDetector(settings)])) as chain:
        source, deadline = Source(), Deadline(20)
        return decide_event(EVENT, settings, deadline=deadline, chain=chain, source=source).decision


def test_in_the_chain_boxes_are_the_pictures_own(settings, fake_gemini) -> None:
    decision = decided(settings(gemini_context="{monitor}: {label}"), Yolo(Settings()))
    assert decision.outcome == "alarm"
    of_car, of_dog = decision.detections[2:]
    assert of_car.box == Box(128, 52, 272, 148)
    assert of_car.attributes["about"] == "100,50,300,150"
    assert of_dog.attributes["about"] == "350,100,390,180"
    assert {asked.question.split("\n\n")[1] for asked in fake_gemini.asked} == {
        "Drive: car",
        "Drive: dog",
    }


@pytest.mark.parametrize(
    ("gates", "alarm", "labels"),
    [
        ("no", "no", ["car", "dog"]),
        ("veto", "no", []),
        ("veto", "unsure", ["car", "dog"]),
        ("confirm", "unsure", []),
        ("confirm", "yes", ["car", "dog"]),
    ],
)
def test_it_has_the_say_that_it_is_given(settings, fake_gemini, gates, alarm, labels) -> None:
    fake_gemini.description = {**fake_gemini.description, "alarm": alarm}
    decision = decided(settings(gemini_gates=gates), Yolo(Settings()))
    assert [one.label for one in decision.detections if one.kind == "object"] == labels
    assert decision.outcome == ("alarm" if labels else "nothing")


@pytest.mark.parametrize("gates", ["veto", "confirm"])
@pytest.mark.parametrize("answer", ["blocked-answer", "429-day", "not-json", "html"])
def test_without_an_answer_the_alarm_rings(settings, fake_gemini, gates: str, answer: str) -> None:
    fake_gemini.will(answer)
    decision = decided(settings(gemini_gates=gates), Yolo(Settings()))
    assert [one.label for one in decision.detections] == ["car", "dog"]
    assert decision.outcome == "alarm"
    assert decision.skipped[0].startswith("gemini skipped: ")


@pytest.mark.parametrize(
    ("alarm", "outcome"), [("yes", "alarm"), ("no", "nothing"), ("unsure", "nothing")]
)
def test_always_it_may_ring_by_itself(settings, fake_gemini, alarm: str, outcome: str) -> None:
    fake_gemini.description = {**fake_gemini.description, "alarm": alarm}
    assert decided(settings(gemini_after=("always",))).outcome == outcome


def test_nothing_in_disguise(settings, fake_gemini) -> None:
    """A picture that could not be asked about is not one on which nothing was seen."""
    fake_gemini.will("blocked-prompt")
    decision = decided(settings(gemini_after=("always",)))
    assert decision.outcome == "undecided"
    assert decision.skipped == ["gemini skipped: blocked"]
    assert json.loads(decision.to_json())["errors"]


def test_what_is_not_wanted_is_not_asked(settings, fake_gemini) -> None:
    decided(settings(gemini_after=("person",)), Yolo(Settings()))
    assert fake_gemini.asked == []
    decided(settings(gemini_after=("dog",)), Yolo(Settings()))
    assert len(fake_gemini.asked) == 1
    decided(settings(gemini_after=("any",), gemini_max_crops=1), Yolo(Settings()))
    assert len(fake_gemini.asked) == 2
