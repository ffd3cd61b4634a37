"""A model on another machine, in the chain."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from zmhook.chain import Chain
from zmhook.detection import Box, Detection
from zmhook.detectors.alpr import AlprDetector
from zmhook.detectors.base import REMOTE, Detector
from zmhook.errors import DetectorError, ModelSkipped
from zmhook.gateway.remote_detector import RemoteDetector, with_remote
from zmhook.settings import Settings

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
