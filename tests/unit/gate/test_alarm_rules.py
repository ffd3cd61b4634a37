from __future__ import annotations

import pytest

from zmhook.detection import Box, Detection, about
from zmhook.gate.alarm_rules import Verdicts, alarming, is_alarm

BOX, OTHER = Box(10, 10, 50, 50), Box(60, 60, 90, 90)
CAR = Detection(label="car", confidence=0.9, box=BOX, model="yolo")
DOG = Detection(label="dog", confidence=0.8, box=OTHER, model="yolo")


def said(alarm: object, of: Box | None = BOX, label: str = "a puddle") -> Detection:
    attributes = {"alarm": alarm, "about": about(of) if of else ""}
    return Detection(
        label=label,
        confidence=0.9,
        box=Box(0, 0, 5, 5),
        model="gemini",
        kind="description",
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def kept(*found: Detection, gates: str) -> list[Detection]:
    verdicts = Verdicts(found)
    return [one for one in found if verdicts.reason(one, gates) is None]


@pytest.mark.parametrize(
    ("gates", "alarm", "counts"),
    [
        ("no", "yes", True),
        ("no", "no", True),
        ("no", "unsure", True),
        ("veto", "yes", True),
        ("veto", "no", False),
        ("veto", "unsure", True),
        ("veto", None, True),
        ("confirm", "yes", True),
        ("confirm", "no", False),
        ("confirm", "unsure", False),
        ("confirm", None, False),
    ],
)
def test_what_a_verdict_does(gates: str, alarm: str | None, counts: bool) -> None:
    reason = Verdicts([CAR, said(alarm)]).reason(CAR, gates)
    assert reason == (None if counts else f"gemini says {alarm or 'nothing'}: a puddle")


@pytest.mark.parametrize("gates", ["confirm", "veto"])
def test_what_nobody_was_asked_about_counts(gates: str) -> None:
    """Beyond gemini_max_crops, blocked, no network: that is no reason to be silent."""
    description = said("no")
    assert kept(CAR, DOG, description, gates=gates) == [DOG, description]
    assert kept(CAR, DOG, gates=gates) == [CAR, DOG]


def test_a_verdict_on_the_whole_picture_is_one_on_all_of_it() -> None:
    everywhere = said("no", None)
    assert kept(CAR, DOG, everywhere, gates="veto") == [everywhere]


def test_who_was_asked_about_it_is_heard_first() -> None:
    everywhere, car = said("no", None), said("yes")
    assert kept(CAR, DOG, everywhere, car, gates="veto") == [CAR, everywhere, car]


@pytest.mark.parametrize(("gates", "other"), [("veto", "unsure"), ("confirm", "yes")])
def test_of_two_about_one_box_the_one_that_speaks_for_it_is_enough(gates: str, other: str) -> None:
    for one, two in (("no", other), (other, "no")):
        assert kept(CAR, said(one), said(two), gates=gates)[0] == CAR
    assert kept(CAR, said("no"), said("no"), gates=gates)[0] != CAR


@pytest.mark.parametrize(
    ("alarm", "of", "alone"),
    [("yes", None, True), ("no", None, False), ("unsure", None, False), ("yes", BOX, False)],
)
def test_only_one_of_a_whole_picture_rings_by_itself(
    alarm: str, of: Box | None, alone: bool
) -> None:
    description = said(alarm, of)
    assert is_alarm(description) is alone
    assert alarming([description]) == ([description] if alone else [])
    assert alarming([CAR, description])[0] == CAR
