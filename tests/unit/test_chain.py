"""The chain with small detectors that write down what happens to them."""

from __future__ import annotations

import threading
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from zmhook.chain import Chain, ChainResult, Scene
from zmhook.detection import Box, Detection, Drop
from zmhook.detectors.base import Detector
from zmhook.errors import DeadlineExceeded, DetectorError, MissingPart, ModelSkipped
from zmhook.frame import Crop, Frame
from zmhook.settings import General, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


class StubGate:
    """Keeps what `keeps` says, everything by default; all that is kept would alarm."""

    def __init__(self, keeps: Callable[[Detection, Crop], bool] = lambda *_: True) -> None:
        self.keeps = keeps

    def filter(
        self, detections: Sequence[Detection], location: Crop
    ) -> tuple[list[Detection], list[Drop]]:
        kept = [one for one in detections if self.keeps(one, location)]
        drops = [
            Drop(detection=one, rule="stub", reason="") for one in detections if one not in kept
        ]
        return kept, drops

    def notifiable(self, kept: Sequence[Detection], location: Crop) -> list[Detection]:
        return list(kept)


class Outcome(NamedTuple):
    """What a run left in the scenes, in their order, and its result."""

    scenes: list[Scene]
    result: ChainResult

    @property
    def labels(self) -> list[list[str]]:
        return [[one.label for one in scene.kept] for scene in self.scenes]

    @property
    def errors(self) -> list[str]:
        return self.result.errors

    @property
    def timings(self) -> dict[str, float]:
        return self.result.timings


def run(
    chain: Chain,
    frames: Sequence[Frame],
    gate: StubGate | None = None,
    *,
    width: int | None = None,
    known: Sequence[Sequence[Detection]] = (),
    first_only: bool = False,
) -> Outcome:
    pairs = zip_longest(frames, known, fillvalue=())
    scenes = [Scene(frame, width, detections) for frame, detections in pairs]
    return Outcome(scenes, chain.run(scenes, gate or StubGate(), first_only=first_only))


def test_models_run_in_their_order_over_all_frames():
    one, two = Fake("one", "car"), Fake("two", "face")
    result = run(Chain([one, two]), frames("alarm", "snapshot"))
    assert result.labels == [["car", "face"], ["car", "face"]]
    assert one.frames == two.frames == [["alarm", "snapshot"]]
    assert list(result.timings) == ["gate", "one load", "one", "two load", "two"]
    assert result.errors == []


def test_a_model_runs_only_on_frames_where_a_required_label_was_kept():
    plates = Fake("plates", "AB123", requires=frozenset({"car", "bus"}))

    gate = StubGate(lambda _, location: location.width == 20)
    small, large = picture(width=10), picture(width=20)
    result = run(Chain([Fake("yolo", "dog", "car"), plates]), [small, large], gate)
    assert [len(ids) for ids in plates.frames] == [1]
    assert result.labels == [[], ["dog", "car", "AB123"]]
    assert [len(scene.dropped) for scene in result.scenes] == [2, 0]


def test_a_model_whose_labels_are_not_there_is_not_even_loaded():
    plates = Fake("plates", requires=frozenset({"car"}))
    result = run(Chain([Fake("yolo", "dog"), plates]), frames("alarm"))
    assert plates.loads == []
    assert "plates" not in result.timings


def test_first_only_stops_at_the_first_model_that_keeps_something():
    nothing, yolo, face = Fake("nothing"), Fake("yolo", "car"), Fake("face", "Anna")
    result = run(Chain([nothing, yolo, face]), frames("alarm"), first_only=True)
    assert result.labels == [["car"]]
    assert face.loads == []


def test_first_only_goes_on_when_all_was_dropped():
    gate = StubGate(lambda one, _: one.label != "car")
    chain = Chain([Fake("yolo", "car"), Fake("face", "Anna")])
    result = run(chain, frames("alarm"), gate, first_only=True)
    assert result.labels == [["Anna"]]


@pytest.mark.parametrize("when", ["load_error", "detect_error"])
def test_a_model_that_fails_is_noted_and_the_others_go_on(when, caplog):
    broken = Fake("broken", "ghost", **{when: MissingPart("broken", "dlib", "face")})
    result = run(Chain([broken, Fake("yolo", "car")]), frames("alarm"))
    assert result.labels == [["car"]]
    (error,) = result.errors
    assert "sudo ./install.sh --yes --with face" in error
    assert "broken" not in result.timings
    assert f"broken: {error}" in caplog.text


def test_a_bug_in_one_model_does_not_silence_the_others():
    broken = Fake("broken", detect_error=ZeroDivisionError("by zero"))
    result = run(Chain([broken, Fake("yolo", "car")]), frames("alarm"))
    assert result.labels == [["car"]]
    assert result.errors == [
        "broken failed (ZeroDivisionError: by zero); --debug shows where",
    ]


def test_the_end_of_the_time_is_no_failure_of_a_model():
    slow = Fake("slow", detect_error=DeadlineExceeded("over"))
    with pytest.raises(DeadlineExceeded):
        run(Chain([slow]), frames("alarm"))


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
    run(chain, frames("alarm"))
    result = run(chain, frames("snapshot"))
    assert len(yolo.loads) == 1
    assert yolo.frames == [["alarm"], ["snapshot"]]
    assert "yolo load" in result.timings


def test_a_model_that_could_not_be_loaded_is_tried_again():
    yolo = Fake("yolo", "car", load_error=DetectorError("no file yet"))
    chain = Chain([yolo])
    assert run(chain, frames("alarm")).errors == ["no file yet"]
    yolo.load_error = None
    assert run(chain, frames("alarm")).labels == [["car"]]


def test_preload_loads_the_first_model_once_and_in_the_background():
    first, second = Fake("first", "car"), Fake("second")
    chain = Chain([first, second])
    chain.preload()
    chain.preload()
    run(chain, frames("alarm"))
    chain.preload()
    assert len(first.loads) == 1
    assert first.loads[0].startswith("preload")
    assert second.loads == [threading.current_thread().name]


def test_a_failed_preload_is_noted_when_the_model_is_used():
    chain = Chain([Fake("yolo", load_error=DetectorError("no such file")), Fake("hog", "person")])
    chain.preload()
    result = run(chain, frames("alarm"))
    assert result.errors == ["no such file"]
    assert result.labels == [["person"]]


def test_an_empty_chain_finds_nothing():
    chain = Chain([])
    chain.preload()
    assert run(chain, frames("alarm")).labels == [[]]


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
    result = run(Chain([Boxes(CAR, DOG), plates]), [picture()])
    (crop,) = plates.crops
    assert crop == Crop(box=Box(18, 18, 42, 42), width=100, height=80, source=CAR)
    assert [one.box for one in result.scenes[0].kept] == [CAR.box, DOG.box, Box(29, 29, 31, 31)]


def test_crops_are_cut_from_the_original_and_not_from_what_was_reduced():
    """The first model sees a quarter of it; its boxes speak of the original."""
    plates = Cropping("plates", "*")
    chain = Chain([Boxes(CAR), plates])
    result = run(chain, [picture(width=400, height=320)], width=100)
    assert plates.crops[0].box == Box(72, 72, 168, 168)
    assert [one.box for one in result.scenes[0].kept] == [
        Box(80, 80, 160, 160),
        Box(119, 119, 121, 121),
    ]


def test_a_frame_that_is_part_of_a_scene_has_its_boxes_mapped():
    part = Crop(box=Box(500, 300, 600, 380), width=1000, height=800)
    plates = Cropping("plates", "car")
    result = run(Chain([Boxes(CAR), plates]), [picture(part)])
    assert [one.box for one in result.scenes[0].kept] == [
        Box(520, 320, 540, 340),
        Box(529, 329, 531, 331),
    ]
    assert (plates.crops[0].width, plates.crops[0].height) == (1000, 800)


def test_so_many_crops_the_strongest_first():
    cars = [at("car", Box(i * 10, 0, i * 10 + 8, 8), i / 10) for i in range(1, 6)]
    plates = Cropping("plates", "car", max_crops=2)
    run(Chain([Boxes(*cars), plates]), [picture()])
    assert [crop.source.confidence for crop in plates.crops if crop.source] == [0.5, 0.4]


def test_nothing_to_cut_out_and_the_model_is_not_even_loaded():
    plates = Cropping("plates", "truck", load_error=DetectorError("no such file"))
    result = run(Chain([Boxes(CAR), plates]), [picture()])
    assert plates.loads == []
    assert result.errors == []


def test_a_description_is_not_cut_out():
    said = Detection(label="x", confidence=1, box=CAR.box, model="m", kind="description")
    looks = Cropping("looks", "*")
    run(Chain([Boxes(said, CAR), looks]), [picture()])
    assert [crop.source for crop in looks.crops] == [CAR]


def test_what_is_known_already_meets_what_a_model_requires():
    plates = Cropping("plates", "car", requires=frozenset({"car"}))
    result = run(Chain([plates]), [picture(), picture()], known=[[CAR], []])
    assert plates.frames == [["alarm"]]
    assert result.labels == [["car", "middle"], []]


def test_first_only_does_not_begin_when_something_is_known():
    yolo = Fake("yolo", "car")
    result = run(Chain([yolo]), [picture()], known=[[CAR]], first_only=True)
    assert yolo.loads == []
    assert result.labels == [["car"]]


@pytest.mark.parametrize("when", ["load_error", "detect_error"])
def test_a_model_on_another_machine_that_is_skipped(when):
    skipped = ModelSkipped("gemini", "no network", "https://x: cannot be reached")
    result = run(Chain([Fake("yolo", "car"), Fake("gemini", **{when: skipped})]), [picture()])
    assert result.labels == [["car"]]
    assert result.result.skipped == ["gemini skipped: no network"]
    assert result.errors == ["https://x: cannot be reached"]


def test_problems_with_some_of_the_crops_are_noted_beside_what_was_found():
    looks = Cropping("gemini", "*")
    looks.problems = [ModelSkipped("gemini", "blocked", "the picture was refused")]
    result = run(Chain([Boxes(CAR), looks]), [picture()])
    assert result.labels == [["car", "middle"]]
    assert result.result.skipped == ["gemini skipped: blocked"]
    assert result.errors == ["the picture was refused"]


# -- reduced decoding ----------------------------------------------------------------------------


class Small(Fake):
    """Needs a tenth of a picture, once it is loaded."""

    def least_size(self, size: tuple[int, int]) -> tuple[int, int] | None:
        return (size[0] // 10, size[1] // 10) if self.loads else None


def test_the_first_detector_says_how_much_it_needs() -> None:
    first, second = Small("yolo"), Small("face")
    chain = Chain([first, second])
    assert chain.least_size((3000, 2000)) == (300, 200)
    assert (len(first.loads), len(second.loads)) == (1, 0)
    chain.run([Scene(frame) for frame in frames("1")], StubGate())
    assert len(first.loads) == 1


def test_a_detector_that_says_nothing_or_gets_crops_needs_all() -> None:
    assert Chain([Fake("yolo")]).least_size((3000, 2000)) is None
    cropping = Small("face")
    cropping.crop_to = frozenset({"person"})
    assert Chain([cropping]).least_size((3000, 2000)) is None
    assert Chain([]).least_size((3000, 2000)) is None


def test_one_that_cannot_be_loaded_needs_all_and_is_reported_once() -> None:
    broken = Small("yolo")
    broken.load_error = DetectorError("no such file")
    chain = Chain([broken])
    assert chain.least_size((3000, 2000)) is None
    result = chain.run([Scene(frame) for frame in frames("1")], StubGate())
    assert result.errors == ["no such file"]
    assert len(broken.loads) == 1


def test_one_that_fails_there_needs_all() -> None:
    class Failing(Fake):
        def least_size(self, size: tuple[int, int]) -> tuple[int, int] | None:
            raise ZeroDivisionError

    assert Chain([Failing("yolo")]).least_size((3000, 2000)) is None
