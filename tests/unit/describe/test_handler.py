"""The handler that ships."""

from __future__ import annotations

import time

import pytest
from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.describe.description import Description, DescriptionError, Subject
from zmhook.describe.handler import DescribeHandler
from zmhook.detection import Box
from zmhook.errors import ModelSkipped, Postponed
from zmhook.settings import Settings, Snapshots
from zmhook.snapshots.snapshot import StoredSnapshot

ROW = StoredSnapshot(
    number=1,
    file="f",
    size=1,
    sha256="",
    camera="drive",
    topic="t",
    format="f",
    track_id="t",
    taken=99.0,
    received=100.0,
    monitor_id=3,
    label="Human",
    colours=("red",),
    width=200,
    height=100,
)
SAID = Description(
    label="man in red",
    description="He carries a parcel.",
    confidence=0.9,
    alarm="no",
    attributes={"parcel": "yes"},
    box=(0.1, 0.2, 0.5, 1.0),
    model="big",
)


class Describer:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Subject, float]] = []
        self.closed = 0
        self.fails = False
        self.raises: Exception | None = None

    def describe(self, picture: bytes, subject: Subject, deadline: Deadline) -> Description:
        self.asked.append((picture, subject, deadline.seconds))
        if self.fails:
            raise ModelSkipped("gemini", "no network", "there is no network")
        if self.raises:
            raise self.raises
        return SAID

    def close(self) -> None:
        self.closed += 1


def handler(**snapshots: object) -> tuple[DescribeHandler, Describer]:
    describer = Describer()
    settings = structs.replace(Settings(), snapshots=Snapshots(**snapshots))
    return DescribeHandler(settings, describer), describer


def test_what_is_known_is_asked_with_and_the_answer_given() -> None:
    made, describer = handler(snapshot_handler_timeout=30.0)
    (found,) = made.on_snapshot(ROW, b"picture")
    subject = Subject(label="Human", monitor="3", camera="drive", colours=("red",), time=99.0)
    assert describer.asked == [(b"picture", subject, 29.0)]
    assert (found.label, found.kind, found.box) == (
        "man in red",
        "description",
        Box(20, 20, 100, 100),
    )
    assert found.attributes == {
        "parcel": "yes",
        "description": "He carries a parcel.",
        "alarm": "no",
    }
    made.close()
    assert describer.closed == 1


@pytest.mark.parametrize(
    ("classes", "asked"),
    [((), 1), (("human",), 1), (("person",), 1), (("car",), 0)],
)
def test_only_classes_that_are_wanted(classes: tuple[str, ...], asked: int) -> None:
    made, describer = handler(describe_classes=classes)
    made.on_snapshot(ROW, b"")
    assert len(describer.asked) == asked


def test_no_answer_is_raised() -> None:
    made, describer = handler()
    describer.fails = True
    with pytest.raises(ModelSkipped):
        made.on_snapshot(ROW, b"")


@pytest.mark.parametrize(
    ("wait", "kind"), [(100, Postponed), (1, DescriptionError), (-5, DescriptionError)]
)
def test_a_limit_that_ends_too_late_is_waited_for_elsewhere(wait: float, kind: type) -> None:
    made, describer = handler(snapshot_handler_timeout=60.0)
    until = time.time() + wait
    describer.raises = DescriptionError("used up", "10 a minute", until=until, is_own_limit=True)
    with pytest.raises(kind) as raised:
        made.on_snapshot(ROW, b"")
    assert raised.value.until == until
    assert "10 a minute" in str(raised.value)


def test_a_snapshot_of_which_little_is_known() -> None:
    made, describer = handler()
    bare = structs.replace(ROW, label="", monitor_id=None, colours=(), width=0, height=0)
    (found,) = made.on_snapshot(bare, b"")
    assert describer.asked[0][1] == Subject(camera="drive", time=99.0)
    assert found.box.area == 1
