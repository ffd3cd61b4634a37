"""What models really answer: as they were asked, around it, beside it, and nothing of the kind."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmhook.describe.answer import Description
from zmhook.describe.reading import LONGEST, read
from zmhook.describe.unanswered import Unanswered

ANSWER = {
    "label": "delivery van",
    "description": "A white van.",
    "attributes": [{"name": "Make", "value": "Ford"}],
    "confidence": 0.92,
    "alarm": "yes",
    "box_2d": [100, 200, 900, 800],
}


def said(**changes: object) -> str:
    answer = {**ANSWER, **changes}
    return json.dumps({name: value for name, value in answer.items() if value is not ...})


def test_an_answer_as_it_was_asked_for() -> None:
    assert read(said(), "m") == Description(
        label="delivery van",
        description="A white van.",
        confidence=0.92,
        alarm="yes",
        attributes={"make": "Ford"},
        box=(0.2, 0.1, 0.8, 0.9),
        model="m",
    )


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}\n```\n",
        "Here it is:\n```JSON\n{}\n```\nAnything else?",
        "Here it is: {} I hope this helps.",
        "<think>Is {{this}} a van?</think>\n{}",
        "\ufeff {} ",
        "[{}]",
    ],
)
def test_what_is_around_it_does_not_matter(around: str) -> None:
    text = around.replace("{{this}}", "{this}") if "{{" in around else around
    assert read(text.replace("{}", said())).label == "delivery van"


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        (0.5, 0.5),
        (1, 1.0),
        (0, 0.0),
        (-0.3, 0.0),
        (92, 0.92),
        (1e9, 1.0),
        ("0.7", 0.7),
        ("70%", 0.7),
        ("1%", 0.01),
        ("high", 0.5),
        (None, 0.5),
        (True, 0.5),
        (..., 0.5),
        (math.nan, 0.5),
        (math.inf, 0.5),
        ([0.9], 0.5),
    ],
)
def test_confidence(given: object, read_as: float) -> None:
    assert read(said(confidence=given)).confidence == pytest.approx(read_as)


def test_a_number_too_large_for_any_float() -> None:
    text = said(confidence=0.123).replace("0.123", "1" + "0" * 400)
    assert read(text).confidence == 0.5


@pytest.mark.parametrize(
    ("given", "read_as"),
    [("yes", "yes"), ("No.", "no"), (" UNSURE ", "unsure"), (True, "yes"), (False, "no")],
)
def test_the_verdict(given: object, read_as: str) -> None:
    assert read(said(alarm=given)).alarm == read_as


@pytest.mark.parametrize("given", [..., None, "", "maybe", "yes, but", 1, 0.0, ["yes"], {}])
def test_without_a_verdict_it_is_not_understood(given: object) -> None:
    """To guess one would be to drop an alarm, or to make one."""
    with pytest.raises(Unanswered, match="its alarm is none of yes, no and unsure") as told:
        read(said(alarm=given))
    assert told.value.short == "gemini skipped: answer not understood"
    assert told.value.counts
    assert not told.value.final


@pytest.mark.parametrize(
    ("given", "box"),
    [
        ([0, 0, 1000, 1000], (0.0, 0.0, 1.0, 1.0)),
        ([-50, 100, 1200, 2000], (0.1, 0.0, 1.0, 1.0)),
        (["100", "200", "900", "800"], (0.2, 0.1, 0.8, 0.9)),
        ([100.5, 200, 900, 800], (0.2, 0.1005, 0.8, 0.9)),
        ([], None),
        (None, None),
        (..., None),
        ([1, 2, 3], None),
        ([900, 200, 100, 800], None),
        ([100, 200, 100, 800], None),
        ([math.nan, 200, 900, 800], None),
        ([1100, 200, 1200, 800], None),
        ([None, 200, 900, 800], None),
        ([[100, 200, 900, 800]], None),
        ("100,200,900,800", None),
        ({"ymin": 1}, None),
    ],
)
def test_a_box_is_clipped_or_none(given: object, box: tuple | None) -> None:
    found = read(said(box_2d=given)).box
    assert found == (None if box is None else pytest.approx(box))


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ([{"name": "make", "value": "Ford"}, {"name": "make", "value": "VW"}], {"make": "Ford"}),
        ({"Colour": "red", "doors": 5, "dog": True}, {"colour": "red", "doors": "5", "dog": "yes"}),
        ([{"name": "make"}, {"value": "x"}, "colour", None, {"name": 1, "value": "x"}], {}),
        ([{"name": "share", "value": math.nan}, {"name": "", "value": "x"}], {}),
        ([["make", "Ford"]], {}),
        ("make: Ford", {}),
        (None, {}),
        (..., {}),
    ],
)
def test_attributes(given: object, read_as: dict[str, str]) -> None:
    assert read(said(attributes=given)).attributes == read_as


def test_attributes_are_bounded() -> None:
    many = [{"name": f"n{i}" * 50, "value": "v" * 300} for i in range(100)]
    found = read(said(attributes=many)).attributes
    assert len(found) == 20
    assert max(len(name) for name in found) <= 40
    assert max(len(value) for value in found.values()) <= 200


def test_one_of_label_and_description_is_enough() -> None:
    only_words = read(said(label=..., description="A dog " * 30))
    assert only_words.label == ("A dog " * 10).rstrip()[:59].rstrip() + "…"
    assert len(only_words.label) <= 60
    assert read(said(description=7)).description == "delivery van"
    with pytest.raises(Unanswered, match="neither a label nor a description"):
        read(said(label=None, description="\n"))


def test_texts_are_lines_that_can_be_written_anywhere() -> None:
    found = read(said(label="a\nvan\x1b[2J\x00", description="\ud800 über"))
    assert found.label == "a van [2J"
    assert found.description.encode() == "\ufffd über".encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "I see a van.",
        "{",
        "}{",
        "[]",
        "[1, 2]",
        said()[:-10],
        "[" * 60_000,
        '{"a":' * 10_000,
        "1" * 5000,
        f"{said()} {said()}",
        "\x00\ufffd",
    ],
)
def test_no_object(text: str) -> None:
    with pytest.raises(Unanswered, match="not a JSON object"):
        read(text)


def test_an_endless_answer_is_not_looked_at() -> None:
    with pytest.raises(Unanswered, match=f"longer than {LONGEST}"):
        read(said(description="x" * LONGEST))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(ANSWER, JSON)))
def test_whatever_the_types_it_is_read_or_not_understood(changes: dict[str, object]) -> None:
    try:
        found = read(json.dumps({**ANSWER, **changes}))
    except Unanswered:
        return
    assert 0 <= found.confidence <= 1
    assert found.alarm in ("yes", "no", "unsure")
    assert found.label
    assert found.description
    if found.box:
        x1, y1, x2, y2 = found.box
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
