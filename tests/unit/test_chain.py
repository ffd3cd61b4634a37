"""The chain with small detectors that write down what happens to them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from zmhook.chain import Chain
from zmhook.detection import Box, Detection
from zmhook.detectors.base import Detector
from zmhook.errors import DeadlineExceeded, DetectorError, MissingPart, ModelSkipped
from zmhook.frame import Crop, Frame
from zmhook.settings import General, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fake(Detector):
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


# -- crops, what counts already, models that are skipped -------------------------------------------


class Cropping(Fake):
    """Looks at what was found, cut out; finds the middle of each crop."""

    def __init__(self, name: str, *crop_to: str, max_crops: int = 8, **more: object) -> None:
        super().__init__(name, **more)
        self.crop_to = frozenset(crop_to)
        self.max_crops = max_crops
        self.crops: list[Crop] = []

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        super().detect(frames)
        self.crops += [frame.crop for frame in frames if frame.crop]
        return [[self._middle(frame)] for frame in frames]

    def _middle(self, frame: Frame) -> Detection:
        x, y = frame.width // 2, frame.height // 2
        return Detection(
            label="middle", confidence=0.5, box=Box(x - 1, y - 1, x + 1, y + 1), model=self.name
        )


class Boxes(Fake):
    """Finds what it is told, in every frame."""

    def __init__(self, *found: Detection) -> None:
        super().__init__("boxes")
        self.found = list(found)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        return [self.found for _ in frames]


def at(label: str, box: Box, confidence: float = 0.9) -> Detection:
    return Detection(label=label, confidence=confidence, box=box, model="boxes")


def picture(crop: Crop | None = None, width: int = 100, height: int = 80) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8), "alarm", "made", b"", crop)


CAR, DOG = at("car", Box(20, 20, 40, 40)), at("dog", Box(60, 40, 70, 60), 0.95)


def test_a_model_is_given_crops_of_what_it_wants_and_its_boxes_are_mapped_back():
    plates = Cropping("plates", "car")
    result = Chain([Boxes(CAR, DOG), plates]).run([picture()], everything)
    (crop,) = plates.crops
    assert crop == Crop(box=Box(18, 18, 42, 42), width=100, height=80, of=CAR)
    assert [one.box for one in result.kept[0]] == [CAR.box, DOG.box, Box(29, 29, 31, 31)]


def test_crops_are_cut_from_the_original_and_not_from_what_was_reduced():
    """The first model sees a quarter of it; its boxes speak of the original."""
    whole = Crop(box=Box(0, 0, 400, 320), width=400, height=320)
    plates = Cropping("plates", "*")
    result = Chain([Boxes(CAR), plates]).run(
        [picture(whole)], everything, originals=[picture(width=400, height=320)]
    )
    assert plates.crops[0].box == Box(72, 72, 168, 168)
    assert [one.box for one in result.kept[0]] == [Box(80, 80, 160, 160), Box(119, 119, 121, 121)]


def test_a_frame_that_is_part_of_a_scene_has_its_boxes_mapped():
    part = Crop(box=Box(500, 300, 600, 380), width=1000, height=800)
    plates = Cropping("plates", "car")
    result = Chain([Boxes(CAR), plates]).run([picture(part)], everything)
    assert [one.box for one in result.kept[0]] == [
        Box(520, 320, 540, 340),
        Box(529, 329, 531, 331),
    ]
    assert (plates.crops[0].width, plates.crops[0].height) == (1000, 800)


def test_so_many_crops_the_strongest_first():
    cars = [at("car", Box(i * 10, 0, i * 10 + 8, 8), i / 10) for i in range(1, 6)]
    plates = Cropping("plates", "car", max_crops=2)
    Chain([Boxes(*cars), plates]).run([picture()], everything)
    assert [crop.of.confidence for crop in plates.crops if crop.of] == [0.5, 0.4]


def test_nothing_to_cut_out_and_the_model_is_not_even_loaded():
    plates = Cropping("plates", "truck", load_error=DetectorError("no such file"))
    result = Chain([Boxes(CAR), plates]).run([picture()], everything)
    assert plates.loads == []
    assert result.errors == []


def test_a_description_is_not_cut_out():
    said = Detection(label="x", confidence=1, box=CAR.box, model="m", kind="description")
    looks = Cropping("looks", "*")
    Chain([Boxes(said, CAR), looks]).run([picture()], everything)
    assert [crop.of for crop in looks.crops] == [CAR]


def test_what_is_known_already_meets_what_a_model_requires():
    plates = Cropping("plates", "car", requires=frozenset({"car"}))
    result = Chain([plates]).run([picture(), picture()], everything, known=[[CAR], []])
    assert plates.frames == [["alarm"]]
    assert labels(result.kept) == [["car", "middle"], []]


def test_first_only_does_not_begin_when_something_is_known():
    yolo = Fake("yolo", "car")
    result = Chain([yolo]).run([picture()], everything, known=[[CAR]], first_only=True)
    assert yolo.loads == []
    assert labels(result.kept) == [["car"]]


@pytest.mark.parametrize("when", ["load_error", "detect_error"])
def test_a_model_on_another_machine_that_is_skipped(when):
    skipped = ModelSkipped("gemini", "no network", "https://x: cannot be reached")
    result = Chain([Fake("yolo", "car"), Fake("gemini", **{when: skipped})]).run(
        [picture()], everything
    )
    assert labels(result.kept) == [["car"]]
    assert result.skipped == ["gemini skipped: no network"]
    assert result.errors == ["https://x: cannot be reached"]


def test_problems_with_some_of_the_crops_are_noted_beside_what_was_found():
    looks = Cropping("gemini", "*")
    looks.problems = [ModelSkipped("gemini", "blocked", "the picture was refused")]
    result = Chain([Boxes(CAR), looks]).run([picture()], everything)
    assert labels(result.kept) == [["car", "middle"]]
    assert result.skipped == ["gemini skipped: blocked"]
    assert result.errors == ["the picture was refused"]
