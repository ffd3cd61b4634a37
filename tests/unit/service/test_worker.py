"""A worker keeps chains, asks for further pictures, and survives its models' bugs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from zmhook import report
from zmhook.chain import Chain
from zmhook.detection import Box, Decision, Detection
from zmhook.detectors.base import Detector
from zmhook.errors import DetectorError, FrameUnavailable
from zmhook.event import Event
from zmhook.frame import Crop, Frame
from zmhook.service import worker as module
from zmhook.service.wire import (
    DecideJob,
    DecideResult,
    FetchedPicture,
    FrameData,
    FrameRequest,
    InferJob,
    InferResult,
    InferTask,
    InputImage,
    LoadModels,
    LogLine,
    Ready,
)
from zmhook.service.worker import Worker
from zmhook.settings import General, Prompt, Settings, Snapshots, Yolo
from zmhook.settings.model import to_plain

EVENT = Event(id=7, monitor_id=2)
PNG = cv2.imencode(".png", np.full((48, 64, 3), 128, np.uint8))[1].tobytes()
DOG = Detection(label="dog", confidence=0.9, box=Box(1, 1, 9, 9), model="yolo")


class Wire:
    """Hands out what a test has put in, then says that the supervisor has gone."""

    def __init__(self, *messages: object) -> None:
        self.inbox = deque(messages)
        self.sent: list[Any] = []

    def send(self, message: object) -> None:
        self.sent.append(message)

    def receive(self) -> object:
        if not self.inbox:
            raise EOFError
        return self.inbox.popleft()


class Model(Detector):
    """Finds a dog in the frames that it is told."""

    name, requires = "yolo", frozenset()

    def __init__(self, *where: str) -> None:
        self.where = where
        self.loads = 0
        self.closed = 0
        self.error: Exception | None = None

    def load(self) -> None:
        self.loads += 1
        if isinstance(self.error, DetectorError):
            raise self.error

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        if self.error:
            raise self.error
        return [[DOG] if frame.id in self.where else [] for frame in frames]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[Model]:
    """The models that were made, in order."""
    made: list[Model] = []

    def from_settings(_: Settings) -> Chain:
        made.append(Model("alarm", "snapshot"))
        return Chain([made[-1]])

    monkeypatch.setattr(Chain, "from_settings", from_settings)
    monkeypatch.setattr(report, "publish", lambda *_: None)
    return made


def plain(weights: str = "a.onnx", **general: object) -> dict[str, Any]:
    return to_plain(Settings(general=General(**general), yolo=Yolo(weights=weights)))


def job(
    settings: dict[str, Any] | None = None, fingerprint: str = "1", **picture: object
) -> DecideJob:
    first = FetchedPicture(**{"id": "alarm", "data": PNG, "origin": "here", **picture})
    return DecideJob(EVENT, settings or plain(), fingerprint, 30.0, first)


def run(*messages: object) -> Wire:
    wire = Wire(*messages)
    with pytest.raises(EOFError):
        Worker(wire).run()
    return wire


def decisions(wire: Wire) -> list[Decision]:
    return [message.decision for message in wire.sent if isinstance(message, DecideResult)]


def test_a_job_is_answered_and_then_it_is_ready(models: list[Model]) -> None:
    wire = run(job())

    assert [type(message) for message in wire.sent] == [DecideResult, Ready]
    assert decisions(wire)[0].outcome == "alarm"
    assert decisions(wire)[0].frame.origin == "here"
    assert wire.sent[-1].models == ["yolo"]
    assert 10 < wire.sent[-1].rss_mb < 10_000


def test_to_prepare_is_to_load(models: list[Model]) -> None:
    wire = run(LoadModels(plain(), "1"), job())

    assert [type(message) for message in wire.sent] == [Ready, DecideResult, Ready]
    assert [model.loads for model in models] == [1]


def test_the_next_picture_is_asked_for_only_when_needed(models: list[Model]) -> None:
    given = FrameData(FetchedPicture("snapshot", "there", PNG))
    wire = run(LoadModels(plain(), "1"))
    assert not [one for one in wire.sent if isinstance(one, FrameRequest)]

    wire = Wire(job(plain(detect_pattern="dog"), error="there is none", data=b""), given)
    with pytest.raises(EOFError):
        Worker(wire).run()

    assert [type(message) for message in wire.sent] == [FrameRequest, DecideResult, Ready]
    assert wire.sent[0] == FrameRequest("snapshot")
    (decision,) = decisions(wire)
    assert (decision.outcome, decision.frame.origin) == ("alarm", "there")
    assert decision.errors == ["there is none"]


def test_no_picture_at_all_is_undecided(models: list[Model]) -> None:
    gone = FrameData(FetchedPicture("snapshot", error="nor here"))
    (decision,) = decisions(run(job(error="not there", data=b""), gone))

    assert (decision.outcome, decision.errors) == ("undecided", ["not there", "nor here"])


def test_a_section_whose_package_is_gone_costs_its_events_only(models: list[Model]) -> None:
    wire = run(job({**plain(), "plugins": {"coral": {}}}), job())

    gone, decided = decisions(wire)
    assert gone.errors == ["[coral]: no installed package brings this section"]
    assert (gone.outcome, decided.outcome) == ("undecided", "alarm")


def test_a_part_of_a_scene_stays_one(models: list[Model]) -> None:
    crop = Crop(box=Box(100, 200, 164, 248), width=640, height=480)
    settings = to_plain(Settings(snapshots=Snapshots(frame_source="snapshots", snapshot_frames=1)))
    wire = Wire(job(settings, id="track", crop=crop))
    worker = Worker(wire)
    worker._chain = lambda *_: Chain([Model("track")])
    with pytest.raises(EOFError):
        worker.run()

    (decision,) = decisions(wire)
    assert [one.box for one in decision.detections] == [Box(101, 201, 109, 209)]
    assert (decision.frame.width, decision.frame.crop) == (640, crop.box)


def test_a_picture_that_is_not_needed_is_no_failure(models: list[Model]) -> None:
    not_needed = FrameData(FetchedPicture("snapshot", error="not needed", needed=False))
    (decision,) = decisions(run(job(plain(detect_pattern="cat")), not_needed))

    assert (decision.outcome, decision.errors) == ("nothing", [])


def test_something_else_in_place_of_a_picture(models: list[Model]) -> None:
    handed = module._Handed(Wire(LoadModels(plain(), "1")), FetchedPicture("alarm"))

    with pytest.raises(FrameUnavailable, match="something else"):
        handed._ask("snapshot")


def test_the_deadline_holds_here_too(models: list[Model]) -> None:
    late = DecideJob(EVENT, plain(), "1", 0.0, FetchedPicture("alarm", "here", PNG))
    (decision,) = decisions(run(late))

    assert decision.outcome == "undecided"
    assert "event_deadline" in decision.errors[0]


def test_a_bug_costs_one_event(models: list[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(job(), job())
    worker = Worker(wire)
    chain = worker._chain
    bugs = [KeyError("oops"), None]

    def buggy(*args: Any) -> Chain:
        bug = bugs.pop(0)
        if bug:
            raise bug
        return chain(*args)

    monkeypatch.setattr(worker, "_chain", buggy)
    with pytest.raises(EOFError):
        worker.run()

    first, second = decisions(wire)
    assert first.outcome == "undecided"
    assert "internal error, please report it (KeyError: 'oops')" in first.errors[0]
    assert second.outcome == "alarm"


def test_a_report_that_fails_comes_after_the_answer(
    models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(report, "publish", fail)

    assert [type(message) for message in run(job()).sent] == [DecideResult, Ready]


def test_a_model_that_cannot_be_loaded_is_only_early(
    models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Model()
    broken.error = DetectorError("yolo: there are no weights")
    monkeypatch.setattr(Chain, "from_settings", lambda _: Chain([broken]))
    wire = run(LoadModels(plain(), "1"), job(plain(frame_id=("alarm",))))

    assert [type(message) for message in wire.sent] == [Ready, DecideResult, Ready]
    assert decisions(wire)[0].errors == ["yolo: there are no weights"]


def test_monitors_that_differ_in_the_rest_share_their_models(models: list[Model]) -> None:
    run(job(plain(detect_pattern="dog")), job(plain(detect_pattern="cat", wait=2.0)))

    assert len(models) == 1


def test_monitors_with_other_models_have_theirs_side_by_side(models: list[Model]) -> None:
    """Their files differ, and so do their stamps; neither may close the other's."""
    one, other = job(plain("a.onnx"), "1"), job(plain("b.onnx"), "2")
    run(one, other, one, other, one)

    assert len(models) == 2
    assert [model.closed for model in models] == [0, 0]


def test_monitors_that_ask_other_questions_have_their_own_models(models: list[Model]) -> None:
    def asking(text: str) -> Settings:
        prompt = Prompt(labels=("dog",), text=text)
        return Settings(general=General(models=("gemini",)), prompts=(prompt,))

    run(
        job(settings=to_plain(asking("Which breed?"))),
        job(settings=to_plain(asking("Whose is it?"))),
        job(settings=to_plain(asking("Which breed?"))),
    )
    assert len(models) == 2


def test_monitors_that_decode_in_another_way_have_their_own_models(models: list[Model]) -> None:
    run(job(plain()), job(plain(reduced_decoding=False)), job(plain()))

    assert len(models) == 2


def test_models_whose_files_have_changed_are_loaded_anew(models: list[Model]) -> None:
    wire = run(job(fingerprint="1"), job(fingerprint="2"), job(fingerprint="2"))

    assert [(model.loads, model.closed) for model in models] == [(1, 1), (1, 0)]
    assert [decision.outcome for decision in decisions(wire)] == ["alarm"] * 3


def test_so_many_chains_are_kept_and_no_more(models: list[Model]) -> None:
    jobs = [job(plain(f"{number}.onnx")) for number in range(module.CHAINS + 2)]
    run(*jobs[:-1], jobs[1], jobs[-1], jobs[1])

    assert len(models) == len(jobs)
    assert [i for i, model in enumerate(models) if model.closed] == [0, 2]


def test_what_is_logged_goes_to_the_supervisor() -> None:
    wire = Wire()
    handler = module._LogToSupervisor(wire)
    logger = logging.getLogger("zmhook.test_worker")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("so %d", 5)
    finally:
        logger.removeHandler(handler)

    (record,) = wire.sent
    assert isinstance(record, LogLine)
    assert (record.level, record.text) == (logging.WARNING, "so 5")
    assert record.path == __file__


def inference(*models: str, settings: dict[str, Any] | None = None) -> InferJob:
    task = InferTask("10.0.0.5", list(models), [InputImage("alarm", PNG)], {})
    return InferJob(task, settings or plain(), "1", 30.0)


def test_a_job_is_answered_with_its_result(models: list[Model]) -> None:
    wire = run(inference("yolo"), job())

    assert [type(message) for message in wire.sent] == [InferResult, Ready, DecideResult, Ready]
    assert wire.sent[0].results == {"yolo": [[DOG]]}
    assert len(models) == 1  # events and tasks share their models


def test_a_task_leaves_no_trace(models: list[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "publish", lambda *_: pytest.fail("a report was written"))

    assert run(inference("yolo")).sent[0].errors == {}


@pytest.mark.parametrize(
    ("error", "why"), [(DetectorError("none such"), "none such"), (KeyError("x"), "report it")]
)
def test_a_task_without_models(
    models: list[Model], monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    def broken(_: Settings) -> Chain:
        raise error

    monkeypatch.setattr(Chain, "from_settings", broken)
    (result, _) = run(inference("yolo", "hog")).sent

    assert set(result.errors) == {"yolo", "hog"}
    assert why in result.errors["yolo"]
