"""The chain with small detectors that write down what happens to them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from zmhook.chain import Chain
from zmhook.detection import Box, Detection
from zmhook.errors import DeadlineExceeded, DetectorError, MissingPart
from zmhook.event import Frame
from zmhook.settings import General, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fake:
    """Finds `labels` in every frame; `frames` remembers the ids that each call was given."""

    def __init__(
        self,
        name: str,
        *labels: str,
        requires: frozenset[str] = frozenset(),
        load_error: Exception | None = None,
        detect_error: Exception | None = None,
    ) -> None:
        self.name = name
        self.requires = requires
        self.labels = labels
        self.load_error = load_error
        self.detect_error = detect_error
        self.loads: list[str] = []
        self.frames: list[list[str]] = []
        self.closed = 0

    def load(self) -> None:
        self.loads.append(threading.current_thread().name)
        if self.load_error:
            raise self.load_error

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.frames.append([frame.id for frame in frames])
        if self.detect_error:
            raise self.detect_error
        return [[seen(label, self.name) for label in self.labels] for _ in frames]

    def close(self) -> None:
        self.closed += 1


def seen(label: str, model: str) -> Detection:
    return Detection(label=label, confidence=0.9, box=Box(0, 0, 5, 5), model=model)


def frames(*ids: str) -> list[Frame]:
    return [Frame(image=np.zeros((10, 10, 3), np.uint8), id=one, origin="made") for one in ids]


def everything(_: int, found: list[Detection]) -> list[Detection]:
    return found


def labels(kept: list[list[Detection]]) -> list[list[str]]:
    return [[one.label for one in found] for found in kept]


def test_models_run_in_their_order_over_all_frames():
    one, two = Fake("one", "car"), Fake("two", "face")
    result = Chain([one, two]).run(frames("alarm", "snapshot"), everything)
    assert labels(result.kept) == [["car", "face"], ["car", "face"]]
    assert one.frames == two.frames == [["alarm", "snapshot"]]
    assert list(result.timings) == ["one load", "one", "two load", "two"]
    assert result.errors == []


def test_a_model_runs_only_on_frames_where_a_required_label_was_kept():
    plates = Fake("plates", "AB123", requires=frozenset({"car", "bus"}))

    def keep(i: int, found: list[Detection]) -> list[Detection]:
        return found if i == 1 else []

    result = Chain([Fake("yolo", "dog", "car"), plates]).run(frames("alarm", "snapshot"), keep)
    assert plates.frames == [["snapshot"]]
    assert labels(result.kept) == [[], ["dog", "car", "AB123"]]


def test_a_model_whose_labels_are_not_there_is_not_even_loaded():
    plates = Fake("plates", requires=frozenset({"car"}))
    result = Chain([Fake("yolo", "dog"), plates]).run(frames("alarm"), everything)
    assert plates.loads == []
    assert "plates" not in result.timings


def test_first_only_stops_at_the_first_model_that_keeps_something():
    nothing, yolo, face = Fake("nothing"), Fake("yolo", "car"), Fake("face", "Anna")
    result = Chain([nothing, yolo, face]).run(frames("alarm"), everything, first_only=True)
    assert labels(result.kept) == [["car"]]
    assert face.loads == []


def test_first_only_goes_on_when_all_was_dropped():
    def keep(_: int, found: list[Detection]) -> list[Detection]:
        return [one for one in found if one.label != "car"]

    result = Chain([Fake("yolo", "car"), Fake("face", "Anna")]).run(
        frames("alarm"), keep, first_only=True
    )
    assert labels(result.kept) == [["Anna"]]


@pytest.mark.parametrize("when", ["load_error", "detect_error"])
def test_a_model_that_fails_is_noted_and_the_others_go_on(when, caplog):
    broken = Fake("broken", "ghost", **{when: MissingPart("broken", "dlib", "face")})
    result = Chain([broken, Fake("yolo", "car")]).run(frames("alarm"), everything)
    assert labels(result.kept) == [["car"]]
    (error,) = result.errors
    assert "pip install 'zmhook[face]'" in error
    assert "broken" not in result.timings
    assert f"broken: {error}" in caplog.text


def test_a_bug_in_one_model_does_not_silence_the_others():
    broken = Fake("broken", detect_error=ZeroDivisionError("by zero"))
    result = Chain([broken, Fake("yolo", "car")]).run(frames("alarm"), everything)
    assert labels(result.kept) == [["car"]]
    assert result.errors == [
        "broken failed (ZeroDivisionError: by zero); --debug shows where",
    ]


def test_the_end_of_the_time_is_no_failure_of_a_model():
    slow = Fake("slow", detect_error=DeadlineExceeded("over"))
    with pytest.raises(DeadlineExceeded):
        Chain([slow]).run(frames("alarm"), everything)


def test_all_can_be_loaded_ahead_and_closed():
    yolo, face = Fake("yolo"), Fake("face")
    chain = Chain([yolo, face])
    assert chain.loaded() == []
    chain.load()
    assert chain.loaded() == ["yolo", "face"]
    chain.close()
    assert chain.loaded() == []


def test_models_are_loaded_once_and_kept():
    yolo = Fake("yolo", "car")
    chain = Chain([yolo])
    chain.run(frames("alarm"), everything)
    result = chain.run(frames("snapshot"), everything)
    assert len(yolo.loads) == 1
    assert yolo.frames == [["alarm"], ["snapshot"]]
    assert "yolo load" in result.timings


def test_a_model_that_could_not_be_loaded_is_tried_again():
    yolo = Fake("yolo", "car", load_error=DetectorError("no file yet"))
    chain = Chain([yolo])
    assert chain.run(frames("alarm"), everything).errors == ["no file yet"]
    yolo.load_error = None
    assert labels(chain.run(frames("alarm"), everything).kept) == [["car"]]


def test_preload_loads_the_first_model_once_and_in_the_background():
    first, second = Fake("first", "car"), Fake("second")
    chain = Chain([first, second])
    chain.preload()
    chain.preload()
    chain.run(frames("alarm"), everything)
    chain.preload()
    assert len(first.loads) == 1
    assert first.loads[0].startswith("preload")
    assert second.loads == [threading.current_thread().name]


def test_a_failed_preload_is_noted_when_the_model_is_used():
    chain = Chain([Fake("yolo", load_error=DetectorError("no such file")), Fake("hog", "person")])
    chain.preload()
    result = chain.run(frames("alarm"), everything)
    assert result.errors == ["no such file"]
    assert labels(result.kept) == [["person"]]


def test_an_empty_chain_finds_nothing():
    chain = Chain([])
    chain.preload()
    assert chain.run(frames("alarm"), everything).kept == [[]]


def test_closing_closes_each_model():
    fakes = [Fake("one"), Fake("two")]
    Chain(fakes).close()
    assert [fake.closed for fake in fakes] == [1, 1]


def test_the_settings_name_the_models():
    chain = Chain.from_settings(Settings(general=General(models=("hog", "yolo"))))
    assert [detector.name for detector in chain.detectors] == ["hog", "yolo"]


def test_an_unknown_model_is_an_error():
    with pytest.raises(DetectorError, match="no model 'jolo'"):
        Chain.from_settings(Settings(general=General(models=("jolo",))))
