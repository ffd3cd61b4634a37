"""A worker shows each picture to each model that is asked for, and to no other."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from zmhook.chain import Chain
from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.detectors.base import Detector
from zmhook.errors import DetectorError, ModelSkipped
from zmhook.frame import Frame
from zmhook.service.inference_runner import InferenceRunner
from zmhook.service.wire import InferJob, InferResult, InferTask, InputImage

PNG = cv2.imencode(".png", np.full((48, 64, 3), 128, np.uint8))[1].tobytes()


class Model(Detector):
    """Finds what a test says, in every frame."""

    requires = frozenset({"car"})
    crop_to = frozenset({"car"})

    def __init__(self, name: str, *scores: float) -> None:
        self.name = name
        self.scores = scores
        self.frames: list[Frame] = []
        self.error: Exception | None = None
        self.problems: list[DetectorError] = []
        self.loads = 0

    def load(self) -> None:
        self.loads += 1

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.frames += frames
        if self.error:
            raise self.error
        return [[self.one(score) for score in self.scores] for _ in frames]

    def one(self, score: float) -> Detection:
        return Detection(label="dog", confidence=score, box=Box(1, 1, 9, 9), model=self.name)

    def close(self) -> None:
        pass


def infer(
    chain: Chain, *images: InputImage, models: Sequence[str] = ("yolo",), **more: object
) -> InferResult:
    seconds = more.pop("seconds", 30.0)
    least = more.pop("min_confidence", {})
    task = InferTask("10.0.0.5", list(models), list(images), least, **more)
    job = InferJob(task, {}, "1", seconds)
    return InferenceRunner(chain, job, Deadline(seconds), 10_000).run()


A = InputImage("a", PNG)


def test_each_picture_by_itself() -> None:
    yolo, hog = Model("yolo", 0.9), Model("hog")
    result = infer(Chain([yolo, hog]), A, InputImage("b", PNG))

    assert result.results == {"yolo": [[yolo.one(0.9)], [yolo.one(0.9)]]}
    assert result.sizes == [(64, 48), (64, 48)]
    assert set(result.timings) == {"decode", "yolo"}
    assert (result.errors, result.refused) == ({}, "")
    assert [frame.id for frame in yolo.frames] == ["a", "b"]
    assert (yolo.loads, hog.loads, hog.frames) == (1, 0, [])


def test_what_the_client_does_not_want_is_left_out() -> None:
    yolo = Model("yolo", 0.9, 0.5, 0.3, 0.1)

    assert [one.confidence for one in infer(Chain([yolo]), A).results["yolo"][0]] == [
        0.9,
        0.5,
        0.3,
        0.1,
    ]
    result = infer(Chain([yolo]), A, min_confidence={"yolo": 0.3, "hog": 0.9})
    assert [one.confidence for one in result.results["yolo"][0]] == [0.9, 0.5, 0.3]


def test_there_is_an_end_to_what_is_found() -> None:
    result = infer(Chain([Model("yolo", *[0.5] * 100)]), A, max_detections=7)

    assert len(result.results["yolo"][0]) == 7


def test_one_thing_has_one_name_where_that_is_asked_for() -> None:
    yolo = Model("yolo")
    truck = Detection(label="truck", confidence=0.7, box=Box(0, 0, 10, 10), model="yolo")
    car = Detection(label="car", confidence=0.6, box=Box(0, 0, 10, 9), model="yolo")
    dog = Detection(label="dog", confidence=0.5, box=Box(8, 8, 20, 20), model="yolo")
    yolo.detect = lambda frames: [[truck, car, dog] for _ in frames]

    assert infer(Chain([yolo]), A, max_overlap=0.4).results == {"yolo": [[truck, dog]]}
    assert infer(Chain([yolo]), A).results == {"yolo": [[truck, car, dog]]}


def test_what_was_cut_out_is_told_to_the_model() -> None:
    alpr = Model("alpr", 0.9)
    result = infer(Chain([alpr]), InputImage("a", PNG, "car"), A, models=["alpr"])

    first, second = alpr.frames
    assert (first.crop.source.label, first.crop.box) == ("car", Box(0, 0, 64, 48))
    assert second.crop is None
    assert first.deadline is not None
    assert [one[0].box for one in result.results["alpr"]] == [Box(1, 1, 9, 9)] * 2


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DetectorError("no weights"), "no weights"),
        (ModelSkipped("alpr", "no network", "asked in vain"), "asked in vain"),
        (KeyError("oops"), "yolo failed (KeyError: 'oops')"),
    ],
)
def test_one_that_fails_fails_alone_and_once(error: Exception, why: str) -> None:
    yolo, hog = Model("yolo"), Model("hog", 0.5)
    yolo.error = error
    result = infer(Chain([yolo, hog]), A, A, models=["yolo", "hog"])

    assert result.errors == {"yolo": why}
    assert list(result.results) == ["hog"]
    assert len(yolo.frames) == 1
    assert len(hog.frames) == 2


def test_a_problem_is_no_result() -> None:
    yolo = Model("yolo", 0.5)
    yolo.problems = [DetectorError("the service is down")]

    assert infer(Chain([yolo]), A).errors == {"yolo": "the service is down"}


def test_one_that_is_not_there() -> None:
    result = infer(Chain([Model("yolo")]), A, models=["yolo", "x"])

    assert "no model 'x'" in result.errors["x"]
    assert result.results == {"yolo": [[]]}


def test_the_deadline() -> None:
    yolo = Model("yolo")
    result = infer(Chain([yolo]), A, seconds=0.0)

    assert list(result.errors) == ["yolo"]
    assert yolo.frames == []


@pytest.mark.parametrize(
    ("data", "why", "too_large"),
    [
        (b"", "is empty", False),
        (b"hello", "expected a picture", False),
        (b"<html>", "expected a picture", False),
        (PNG[:-20], "cut short", False),
        (PNG[:60] + b"\0" * 30 + PNG[-12:], "damaged", False),
        (PNG[:16] + (100_000).to_bytes(4, "big") * 2 + PNG[24:], "more pixels", True),
    ],
)
def test_pictures_that_are_none(data: bytes, why: str, too_large: bool) -> None:
    yolo = Model("yolo")
    result = infer(Chain([yolo]), InputImage("front", data), A)

    assert why in result.refused
    assert "front" in result.refused
    assert result.too_large is too_large
    assert yolo.frames == []


# -- what a client wants to be told of -----------------------------------------------------------


def test_labels_that_the_client_asks_for() -> None:
    yolo, face = Model("yolo"), Model("face")
    dog, cat = yolo.one(0.9), _found("cat", "yolo", Box(20, 20, 30, 30))
    anna = _found("anna", "face", Box(1, 1, 2, 2))
    yolo.detect = lambda frames: [[dog, cat] for _ in frames]
    face.detect = lambda frames: [[anna] for _ in frames]
    result = infer(Chain([yolo, face]), A, models=["yolo", "face"], patterns={"object": "c.t"})
    assert result.results == {"yolo": [[cat]], "face": [[anna]]}
    result = infer(Chain([yolo, face]), A, models=["yolo", "face"], patterns={"face": "bob"})
    assert result.results == {"yolo": [[dog, cat]], "face": [[]]}


@pytest.mark.parametrize(
    "pattern", ["(", "(a{1000}){1000}", "x" * 1001, "(?i)" + "[a-\uffff]" * 99]
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    yolo = Model("yolo", 0.9)
    result = infer(Chain([yolo]), A, patterns={"object": pattern})
    assert "cannot be used" in result.refused
    assert "\n" not in result.refused
    assert not result.too_large
    assert yolo.frames == []


def test_one_that_takes_too_long_leaves_everything_in() -> None:
    yolo = Model("yolo")
    found = _found("b" * 60 + "!", "yolo", Box(1, 1, 9, 9))
    yolo.detect = lambda frames: [[found] for _ in frames]
    assert infer(Chain([yolo]), A, patterns={"object": "(b|bb)+$"}).results == {"yolo": [[found]]}


def _found(label: str, model: str, box: Box) -> Detection:
    kind = "face" if model == "face" else "object"
    return Detection(label=label, confidence=0.8, box=box, model=model, kind=kind)


class Small(Model):
    """Needs half of each picture."""

    def least_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[0] // 2, size[1] // 2


def test_a_large_picture_is_decoded_no_larger_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[int] = []
    real = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda data, flag: flags.append(flag) or real(data, flag))
    jpeg = cv2.imencode(".jpg", np.full((1000, 1600, 3), 128, np.uint8))[1].tobytes()
    task = InferTask("10.0.0.5", ["yolo"], [InputImage("a", jpeg)], {})
    yolo = Small("yolo", 0.9)
    runner = InferenceRunner(Chain([yolo]), InferJob(task, {}, "1", 30), Deadline(30), 2_000_000)
    assert runner.run().sizes == [(1600, 1000)]
    assert flags == [cv2.IMREAD_REDUCED_COLOR_2]
    assert yolo.frames[0].image.shape == (1000, 1600, 3)


def test_one_that_is_not_there_is_told_for_a_large_picture_too() -> None:
    jpeg = cv2.imencode(".jpg", np.full((1000, 1600, 3), 128, np.uint8))[1].tobytes()
    task = InferTask("10.0.0.5", ["face"], [InputImage("a", jpeg)], {})
    chain = Chain([Small("yolo")])
    result = InferenceRunner(chain, InferJob(task, {}, "1", 30), Deadline(30), 2_000_000).run()
    assert result.errors == {"face": "there is no model 'face' in this chain"}
