"""Decisions from small pictures and models that find what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec import structs

from zmhook import __version__
from zmhook.chain import Chain
from zmhook.deadline import Deadline
from zmhook.decide import Decided, decide_event
from zmhook.detection import Box, Detection, Drop, FrameInfo
from zmhook.detectors.base import Detector
from zmhook.errors import (
    DeadlineExceeded,
    DetectorError,
    FrameNotNeeded,
    FrameUnavailable,
    ModelSkipped,
    PortalError,
)
from zmhook.event import Event
from zmhook.frame import Crop, Frame, Picture
from zmhook.frames.base import FrameSource, Pending
from zmhook.settings import Gate, Gemini, General, Settings, Snapshots, Yolo, Zone

EVENT = Event(id=7, monitor_id=2)
SKIPPED = ModelSkipped("gemini", "no network", "https://x: cannot be reached")
GIVEN = ("yolo", "zones", "snapshots", "gemini")


def found(label: str, confidence: float = 0.9, box: Box | None = None) -> Detection:
    box = box or Box(10, 10, 20, 20)
    return Detection(label=label, confidence=confidence, box=box, model="yolo")


class Pictures(FrameSource):
    """Grey pictures of one size; an error in the place of those that are named."""

    def __init__(
        self, width: int = 64, height: int = 48, crop: Crop | None = None, **errors: Exception
    ) -> None:
        image = np.full((height, width, 3), 128, np.uint8)
        self.data = cv2.imencode(".png", image)[1].tobytes()
        self.crop = crop
        self.errors = errors
        self.asked: list[str] = []

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture:
        self.asked.append(frame_id)
        if frame_id in self.errors:
            raise self.errors[frame_id]
        return Picture(self.data, frame_id, f"test/{frame_id}", self.crop)

    def close(self) -> None:
        pass


class Model(Detector):
    """Finds per frame id what it is told; `sizes` are those of the frames it was given."""

    requires: frozenset[str] = frozenset()

    def __init__(self, name: str = "yolo", **finds: list[Detection] | DetectorError) -> None:
        self.name = name
        self.finds = finds
        self.sizes: list[tuple[int, int]] = []
        self.seen: list[list[str]] = []

    def load(self) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.seen.append([frame.id for frame in frames])
        self.sizes += [(frame.width, frame.height) for frame in frames]
        return [self._found(frame.id) for frame in frames]

    def _found(self, frame_id: str) -> list[Detection]:
        answer = self.finds.get(frame_id, [])
        if isinstance(answer, DetectorError):
            raise answer
        return answer

    def close(self) -> None:
        pass


def decided(*models: Model, pictures: Pictures | None = None, **more) -> Decided:
    given = {key: more.pop(key) for key in GIVEN if key in more}
    settings = Settings(general=General(**more), **given)
    return run(EVENT, settings, *models, pictures=pictures)


def run(
    event: Event,
    settings: Settings,
    *models: Model,
    pictures: Pictures | None = None,
    seconds: float = 30,
) -> Decided:
    return decide_event(
        event,
        settings,
        deadline=Deadline(seconds),
        chain=Chain(models),
        source=pictures or Pictures(),
    )


def labels(answer: Decided) -> list[str]:
    return [one.label for one in answer.decision.detections]


class Small(Model):
    """Needs half of each picture; notes what it could have got for that."""

    def least_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[0] // 2, size[1] // 2

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.shapes = [frame.at_least(self.least_size(frame.size)).shape for frame in frames]
        return super().detect(frames)


class LargePictures(Pictures):
    """JPEGs of 1600x1000 pixels."""

    def __init__(self) -> None:
        super().__init__(1600, 1000)
        self.data = cv2.imencode(".jpg", np.full((1000, 1600, 3), 128, np.uint8))[1].tobytes()


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much of a picture was decoded, each time: the flags for OpenCV."""
    flags: list[int] = []
    real = cv2.imdecode

    def decoded(data: np.ndarray, flag: int) -> np.ndarray:
        flags.append(flag)
        return real(data, flag)

    monkeypatch.setattr(cv2, "imdecode", decoded)
    return flags


def test_a_picture_is_decoded_once_and_no_larger_than_needed(decodings: list[int]) -> None:
    model = Small(alarm=[found("dog")])
    answer = decided(model, pictures=LargePictures())
    assert decodings == [cv2.IMREAD_REDUCED_COLOR_2]
    assert (model.sizes, model.shapes) == ([(1600, 1000)], [(500, 800, 3)])
    info = answer.decision.frame
    assert (info.width, info.height, info.resized_to) == (1600, 1000, None)
    assert answer.frame.image.shape == (1000, 1600, 3)
    assert decodings[1:] == [cv2.IMREAD_COLOR]


@pytest.mark.parametrize("more", [{"reduced_decoding": False}, {"resize": 900}])
def test_a_picture_is_decoded_in_full_where_that_is_wanted(
    more: dict[str, object], decodings: list[int]
) -> None:
    decided(Small(alarm=[found("dog")]), pictures=LargePictures(), **more)
    assert decodings[0] == cv2.IMREAD_COLOR


def test_a_later_model_gets_the_full_picture(decodings: list[int]) -> None:
    class Whole(Model):
        def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
            self.shapes = [frame.image.shape for frame in frames]
            return super().detect(frames)

    face = Whole("face")
    decided(Small(alarm=[found("dog")]), face, pictures=LargePictures())
    assert face.shapes == [(1000, 1600, 3)]
    assert decodings == [cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_COLOR]


# -- outcomes ----------------------------------------------------------------------------------


def test_alarm() -> None:
    decision, frame, *_ = decided(Model(alarm=[found("person"), found("car")]))
    assert decision.outcome == "alarm"
    assert [one.label for one in decision.detections] == ["person", "car"]
    assert decision.event == EVENT
    assert decision.frame == FrameInfo(id="alarm", origin="test/alarm", width=64, height=48)
    assert decision.errors == decision.dropped == []
    assert decision.version == __version__
    assert frame is not None
    assert frame.id == "alarm"


def test_nothing() -> None:
    answer = decided(Model())
    assert answer.decision.outcome == "nothing"
    assert answer.decision.errors == []
    assert answer.frame is not None
    assert answer.frame.id == "alarm"  # of equal ones the first


def test_nothing_counts() -> None:
    cat = found("cat", 0.2)
    tree = found("tree")
    answer = decided(Model(snapshot=[cat, tree]), frame_id=("snapshot",), detect_pattern="person")
    assert answer.decision.outcome == "nothing"
    assert answer.decision.dropped == [
        Drop(detection=cat, rule="confidence", reason="confidence 20% is below 30%"),
        Drop(detection=tree, rule="pattern", reason="label does not match person"),
    ]


def test_no_picture_at_all_is_undecided() -> None:
    model = Model()
    pictures = Pictures(alarm=FrameUnavailable("no alarm"), snapshot=PortalError("no portal"))
    decision, frame, *_ = decided(model, pictures=pictures)
    assert decision.outcome == "undecided"
    assert decision.errors == ["no alarm", "no portal"]
    assert decision.frame is frame is None
    assert model.seen == []


def test_one_picture_of_two_is_enough() -> None:
    pictures = Pictures(alarm=FrameUnavailable("no alarm"))
    nothing = decided(Model(), pictures=pictures).decision
    assert (nothing.outcome, nothing.errors) == ("nothing", ["no alarm"])
    alarm = decided(Model(snapshot=[found("person")]), pictures=pictures).decision
    assert (alarm.outcome, alarm.errors) == ("alarm", ["no alarm"])


@pytest.mark.parametrize("strategy", ["first", "most"])
@pytest.mark.parametrize("asked", [("all",), ("50%",), ("5", "9")])
def test_a_video_that_is_still_recorded_has_a_snapshot(strategy: str, asked: tuple[str]) -> None:
    pictures = Pictures(**{one: FrameUnavailable("not yet") for one in ("1", "5", "9", "50%")})
    model = Model(snapshot=[found("person")])
    how = {"frame_id": asked, "frame_strategy": strategy, "max_frames": len(asked)}
    answer = decided(model, pictures=pictures, **how)
    assert answer.decision.outcome == "alarm"
    assert answer.decision.frame.id == "snapshot"
    assert answer.decision.errors == ["not yet"]


def test_what_is_there_needs_no_snapshot() -> None:
    pictures = Pictures(**{"5": FrameUnavailable("not yet")})
    assert decided(Model(), pictures=pictures, frame_id=("5", "1")).decision.outcome == "nothing"
    assert pictures.asked == ["5", "1"]
    missing = Pictures(alarm=FrameUnavailable("not yet"))
    decided(Model(), pictures=missing, frame_id=("alarm",))
    assert missing.asked == ["alarm"]


def test_picture_that_cannot_be_decoded() -> None:
    pictures = Pictures()
    pictures.data = b"not a picture"
    decision = decided(Model(), pictures=pictures, frame_id=("snapshot",)).decision
    assert decision.outcome == "undecided"
    assert decision.errors == [
        "test/snapshot: is damaged and cannot be decoded: save or fetch it again"
    ]


def test_failed_model_is_undecided_and_told_once() -> None:
    error = DetectorError("no weights")
    decision = decided(Model(alarm=error, snapshot=error)).decision
    assert (decision.outcome, decision.errors) == ("undecided", ["no weights"])


def test_failed_model_does_not_silence_another() -> None:
    broken = Model("face", alarm=DetectorError("no faces"))
    answer = decided(broken, Model(alarm=[found("person")]))
    assert answer.decision.outcome == "alarm"
    assert answer.decision.errors == ["no faces"]


def test_what_no_error_of_ours_is_escapes() -> None:
    with pytest.raises(ZeroDivisionError):
        decided(Model(), pictures=Pictures(alarm=ZeroDivisionError()))


def test_time_is_over() -> None:
    with pytest.raises(DeadlineExceeded, match="event_deadline"):
        run(EVENT, Settings(), Model(), seconds=0)


# -- which frames, which models ----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["all", "first"])
def test_next_picture_is_fetched_only_when_needed(mode: str) -> None:
    pictures = Pictures()
    model = Model(alarm=[found("person")], snapshot=[found("car"), found("dog")])
    answer = decided(model, pictures=pictures, detection_mode=mode)
    assert labels(answer) == ["person"]
    assert pictures.asked == ["alarm"]


@pytest.mark.parametrize("mode", ["all", "first"])
def test_next_picture_when_the_first_has_nothing_that_counts(mode: str) -> None:
    pictures = Pictures()
    model = Model(alarm=[found("person", 0.1)], snapshot=[found("car")])
    answer = decided(model, pictures=pictures, detection_mode=mode)
    assert labels(answer) == ["car"]
    assert answer.decision.frame is not None
    assert answer.decision.frame.id == "snapshot"
    assert pictures.asked == ["alarm", "snapshot"]
    assert answer.decision.dropped == []  # those of the frame that answers


def test_order_of_bestmatch() -> None:
    pictures = Pictures()
    decided(Model(), pictures=pictures, bestmatch_order=("s", "a"))
    assert pictures.asked == ["snapshot", "alarm"]


def test_each_picture_once() -> None:
    pictures = Pictures()
    decided(Model(), pictures=pictures, frame_id=("snapshot", "bestmatch", "12", "12"))
    assert pictures.asked == ["snapshot", "alarm", "12"]


def test_all_models_run_in_mode_all() -> None:
    models = Model("yolo", alarm=[found("person")]), Model("face", alarm=[found("bob")])
    assert labels(decided(*models)) == ["person", "bob"]


def test_chain_ends_with_the_first_model_that_finds_something() -> None:
    first, second = Model("yolo", alarm=[found("person")]), Model("face", alarm=[found("bob")])
    assert labels(decided(first, second, detection_mode="first")) == ["person"]
    assert second.seen == []


def test_first_goes_on_while_nothing_counts() -> None:
    first, second = Model("yolo", alarm=[found("cat", 0.1)]), Model("face", alarm=[found("bob")])
    answer = decided(first, second, detection_mode="first")
    assert labels(answer) == ["bob"]
    assert [drop.detection.label for drop in answer.decision.dropped] == ["cat"]


MANY = {
    "alarm": [found("car"), found("car"), found("car")],
    "snapshot": [found("car"), found("person")],
    "12": [found("dog"), found("bird")],
}


@pytest.mark.parametrize(
    ("mode", "frame_id"), [("all", "alarm"), ("most", "alarm"), ("most_unique", "snapshot")]
)
def test_frame_that_answers(mode: str, frame_id: str) -> None:
    model = Model(**MANY)
    answer = decided(model, detection_mode=mode, frame_id=("alarm", "snapshot", "12"))
    assert answer.decision.detections == MANY[frame_id]
    assert answer.frame is not None
    assert answer.frame.id == frame_id


@pytest.mark.parametrize("mode", ["most", "most_unique"])
def test_modes_that_compare_look_at_all_pictures_in_one_call(mode: str) -> None:
    model = Model(snapshot=[found("person")])
    pictures = Pictures(**{"12": FrameUnavailable("no 12")})
    answer = decided(
        model, pictures=pictures, detection_mode=mode, frame_id=("alarm", "12", "snapshot")
    )
    assert model.seen == [["alarm", "snapshot"]]
    assert labels(answer) == ["person"]
    assert answer.decision.errors == ["no 12"]


@pytest.mark.parametrize("mode", ["most", "most_unique"])
def test_modes_that_compare_without_any_picture(mode: str) -> None:
    gone = FrameUnavailable("gone")
    answer = decided(Model(), pictures=Pictures(alarm=gone, snapshot=gone), detection_mode=mode)
    assert answer.decision.outcome == "undecided"


# -- sizes -------------------------------------------------------------------------------------


def test_boxes_are_mapped_back_to_the_original() -> None:
    model = Model(
        alarm=[found("person", box=Box(0, 10, 50, 60)), found("car", box=Box(99, 0, 100, 75))]
    )
    decision, frame, *_ = decided(model, pictures=Pictures(400, 300), resize=100)
    assert model.sizes == [(100, 75)]
    assert [one.box for one in decision.detections] == [Box(0, 40, 200, 240), Box(396, 0, 400, 300)]
    assert decision.frame is not None
    assert (decision.frame.width, decision.frame.height) == (400, 300)
    assert decision.frame.resized_to == (100, 75)
    assert frame is not None
    assert (frame.width, frame.height) == (400, 300)


def test_narrow_picture_is_left_alone() -> None:
    model = Model(alarm=[found("person")])
    decision = decided(model, pictures=Pictures(64, 48), resize=100).decision
    assert model.sizes == [(64, 48)]
    assert decision.frame is not None
    assert decision.frame.resized_to is None
    assert decision.detections[0].box == Box(10, 10, 20, 20)


def test_zones_are_in_pixels_of_the_original() -> None:
    zone = Zone("drive", ((300, 200), (400, 200), (400, 300), (300, 300)))
    inside, outside = found("person", box=Box(80, 55, 90, 70)), found("car", box=Box(0, 0, 50, 40))
    answer = decided(
        Model(alarm=[inside, outside]), pictures=Pictures(400, 300), resize=100, zones=(zone,)
    )
    assert labels(answer) == ["person"]
    (drop,) = answer.decision.dropped
    assert (drop.detection.box, drop.rule) == (Box(0, 0, 200, 160), "zone")


def test_settings_of_a_model() -> None:
    answer = decided(Model(alarm=[found("cat", 0.6)]), yolo=Yolo(yolo_min_confidence=0.7))
    assert answer.decision.outcome == "nothing"


def test_every_stage_is_timed() -> None:
    timings = decided(Model(), Model("face")).decision.timings
    assert set(timings) == {
        "fetch",
        "decode",
        "gate",
        "yolo load",
        "yolo",
        "face load",
        "face",
        "total",
    }
    assert all(took >= 0 for took in timings.values())
    assert timings["total"] >= timings["fetch"] + timings["decode"]


def test_decision_is_the_same_after_a_journey() -> None:
    decision = decided(Model(alarm=[found("person"), found("cat", 0.1)])).decision
    assert type(decision).from_json(decision.to_json()) == decision


# -- the camera's own pictures ---------------------------------------------------------------------

PERSON = Detection(label="person", confidence=0.6, box=Box(420, 320, 440, 360), model="camera")
PART = Crop(box=Box(400, 300, 464, 348), width=1000, height=800, source=PERSON)
ALONE = Crop(box=Box(0, 0, 64, 48), width=64, height=48, source=PERSON, located=False)


def of_camera(*models: Model, crop: Crop = PART, trust: bool = False, **more) -> Decided:
    least = more.pop("snapshot_min_score", 0.0)
    snapshots = Snapshots(
        frame_source="snapshots", snapshot_frames=1, trust_camera=trust, snapshot_min_score=least
    )
    return decided(*models, pictures=Pictures(crop=crop), snapshots=snapshots, **more)


def test_boxes_in_a_part_of_the_scene_are_the_scenes() -> None:
    answer = of_camera(Model(track=[found("car", box=Box(10, 20, 30, 40))]))
    assert [one.box for one in answer.decision.detections] == [Box(410, 320, 430, 340)]
    assert answer.decision.frame == FrameInfo(
        id="track", origin="test/track", width=1000, height=800, crop=PART.box
    )


def test_boxes_in_a_part_that_was_reduced_are_the_scenes_too() -> None:
    answer = of_camera(Model(track=[found("car", box=Box(5, 10, 15, 20))]), resize=32)
    assert [one.box for one in answer.decision.detections] == [Box(410, 320, 430, 340)]
    assert answer.decision.frame is not None
    assert answer.decision.frame.resized_to == (32, 24)


def test_the_camera_counts_only_when_it_is_trusted() -> None:
    assert of_camera(Model()).decision.outcome == "nothing"
    answer = of_camera(Model(), trust=True)
    assert answer.decision.outcome == "alarm"
    assert answer.decision.detections == [PERSON]


def test_the_camera_is_judged_like_any_model() -> None:
    drops = [
        of_camera(Model(), trust=True, **more).decision.dropped[0].rule
        for more in (
            {"snapshot_min_score": 0.7},
            {"detect_pattern": "car"},
            {"zones": (Zone("drive", ((0, 0), (300, 0), (300, 200))),)},
        )
    ]
    assert drops == ["confidence", "pattern", "zone"]
    inside = (Zone("drive", ((400, 300), (500, 300), (500, 400))),)
    assert of_camera(Model(), trust=True, zones=inside).decision.outcome == "alarm"
    assert of_camera(Model(), trust=True, snapshot_min_score=0.6).decision.outcome == "alarm"


def test_a_trusted_camera_spares_the_models_in_mode_first() -> None:
    model = Model(track=[found("car")])
    assert labels(of_camera(model, trust=True, detection_mode="first")) == ["person"]
    assert model.seen == []
    assert labels(of_camera(model, trust=True)) == ["person", "car"]


def test_a_camera_that_named_no_class_says_nothing() -> None:
    unnamed = Crop(box=PART.box, width=1000, height=800)
    assert of_camera(Model(), crop=unnamed, trust=True).decision.outcome == "nothing"


def test_a_picture_whose_place_nobody_knows_is_in_no_zone_and_counts() -> None:
    far = (Zone("drive", ((900, 700), (999, 700), (999, 799))),)
    answer = of_camera(Model(track=[found("car")]), crop=ALONE, trust=True, zones=far)
    assert labels(answer) == ["person", "car"]
    assert answer.decision.dropped == []
    assert answer.decision.frame == FrameInfo(id="track", origin="test/track", width=64, height=48)


def test_pictures_that_are_not_needed_are_no_failure() -> None:
    pictures = Pictures(alarm=FrameNotNeeded("alarm: not needed"))
    answer = decided(Model(), pictures=pictures)
    assert (answer.decision.outcome, answer.decision.errors) == ("nothing", [])
    assert pictures.asked == ["alarm", "snapshot"]


# -- models on other machines ----------------------------------------------------------------------


def said(about: Box, alarm: str) -> Detection:
    sides = ",".join(str(side) for side in (about.x1, about.y1, about.x2, about.y2))
    return Detection(
        label="a postman",
        confidence=0.9,
        box=about,
        model="gemini",
        kind="description",
        attributes={"about": sides, "alarm": alarm},
    )


def test_what_was_skipped_is_told_once() -> None:
    skipped = ModelSkipped("gemini", "no key", "[gemini] gemini_key is empty")
    models = Model(alarm=[], snapshot=[found("car")]), Model("gemini", alarm=skipped)
    models[1].finds["snapshot"] = skipped
    decision = decided(*models).decision
    assert (decision.outcome, labels(Decided(decision, None))) == ("alarm", ["car"])
    assert decision.skipped == ["gemini skipped: no key"]
    assert decision.errors == ["[gemini] gemini_key is empty"]


@pytest.mark.parametrize(
    ("gates", "alarm", "outcome"),
    [
        ("no", "no", "alarm"),
        ("veto", "no", "nothing"),
        ("veto", "unsure", "alarm"),
        ("confirm", "unsure", "nothing"),
        ("confirm", "yes", "alarm"),
    ],
)
def test_what_a_description_decides(gates: str, alarm: str, outcome: str) -> None:
    car = found("car")
    models = Model(alarm=[car]), Model("gemini", alarm=[said(car.box, alarm)])
    decision = decided(*models, frame_id=("alarm",), gemini=Gemini(gemini_gates=gates)).decision
    assert decision.outcome == outcome
    dropped = [(drop.rule, drop.detection.label) for drop in decision.dropped]
    assert dropped == ([] if outcome == "alarm" else [("gemini", "car")])


def test_a_description_alone_is_no_detection() -> None:
    pictures = Pictures()
    model = Model(alarm=[said(Box(1, 1, 9, 9), "yes")], snapshot=[found("car")])
    assert labels(decided(model, pictures=pictures)) == ["car"]
    assert pictures.asked == ["alarm", "snapshot"]


@pytest.mark.parametrize(
    ("models", "outcome"),
    [
        ((Model(alarm=[]), Model("gemini", alarm=SKIPPED)), "nothing"),
        ((Model("gemini", alarm=SKIPPED),), "undecided"),
        ((Model(alarm=DetectorError("no file")), Model("gemini", alarm=SKIPPED)), "undecided"),
        ((Model(alarm=DetectorError("no file")), Model("hog", alarm=[])), "undecided"),
    ],
)
def test_who_must_have_looked_for_nothing_to_be_nothing(
    models: tuple[Model, ...], outcome: str
) -> None:
    assert decided(*models, frame_id=("alarm",)).decision.outcome == outcome


@pytest.mark.parametrize("mode", ["all", "first"])
def test_a_parked_car_stays_known_while_its_model_does_not_look(tmp_path: Path, mode: str) -> None:
    gate = Gate(match_past_detections=True, state_path=str(tmp_path))
    general = General(detection_mode=mode, frame_id=("alarm",))

    def alarms(number: int, *models: Model) -> list[str]:
        event = Event(id=number, monitor_id=2, asked=1e9 + number)
        settings = Settings(general=general, gate=gate)
        return labels(run(event, settings, *models))

    cat, car = Model("cats", alarm=[found("cat")]), Model(alarm=[found("car")])
    assert alarms(1, car) == ["car"]
    is_blind = [Model(alarm=DetectorError("x"))] if mode == "all" else [cat, car]
    alarms(2, *is_blind)
    assert alarms(3, car) == []
    alarms(4, Model())
    assert alarms(5, car) == ["car"]


# -- whatever the order in which pictures come -----------------------------------------------------


class Coming(Pictures):
    """Has a picture only from the attempt on that `comes` says."""

    def __init__(self, **comes: int) -> None:
        super().__init__()
        self.comes = comes

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        picture = super().attempt(frame_id, deadline)
        if self.asked.count(frame_id) < self.comes.get(frame_id, 1):
            return Pending(FrameUnavailable(f"no {frame_id} yet", retry=True), 0.0, is_cheap=True)
        return picture


NEVER = 1_000_000


def test_what_is_there_answers_at_once() -> None:
    pictures = Coming(alarm=NEVER)
    model = Model(snapshot=[found("person")])
    decision = decided(model, pictures=pictures).decision
    assert (decision.outcome, decision.frame and decision.frame.id) == ("alarm", "snapshot")
    assert decision.errors == []
    assert model.seen == [["snapshot"]]


def test_who_shows_nothing_is_waited_for_by_the_others() -> None:
    pictures = Coming(alarm=5)
    model = Model(alarm=[found("person")])
    decision = decided(model, pictures=pictures).decision
    assert (decision.outcome, decision.frame and decision.frame.id) == ("alarm", "alarm")
    assert model.seen == [["snapshot"], ["alarm"]]


FINDS = {
    "first": {"alarm": [found("person", 0.8)], "snapshot": [found("dog"), found("cat")]},
    "second": {"alarm": [found("tree", 0.1)], "snapshot": [found("dog")]},
    "last": {"5": [found("dog")]},
    "none": {},
    "broken": {"snapshot": DetectorError("oops"), "alarm": [found("person")]},
}


@pytest.mark.parametrize("strategy", ["first", "first_new", "most", "most_unique"])
@pytest.mark.parametrize("mode", ["all", "first"])
@pytest.mark.parametrize("finds", FINDS)
def test_the_same_pictures_give_the_same_decision(finds: str, mode: str, strategy: str) -> None:
    """Those that come while a model looks count as if they had been there from the beginning."""
    answers = set()
    for late in product((1, 2), repeat=3):
        comes = dict(zip(("alarm", "snapshot", "5"), late, strict=True))
        answer = decided(
            Model(**FINDS[finds]),
            Model("face", **FINDS[finds]),
            pictures=Coming(**comes),
            frame_id=("bestmatch", "5"),
            frame_strategy=strategy,
            detection_mode=mode,
        ).decision
        answers.add(repr(structs.replace(answer, timings={})))
    assert len(answers) == 1
