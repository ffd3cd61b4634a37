"""What models really answer: as they were asked, around it, beside it, and nothing of the kind."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmhook.describe.description import Description, DescriptionError
from zmhook.describe.parse_description import LONGEST, read

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
    with pytest.raises(DescriptionError, match="its alarm is none of yes, no and unsure") as told:
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
        ([[100, 200, 900, 800]], (0.2, 0.1, 0.8, 0.9)),
        ([[100, 200, 900, 800], [1, 2, 300, 400]], None),
        ([[100, 200], [900, 800]], None),
        ("100,200,900,800", (0.2, 0.1, 0.8, 0.9)),
        ("[100, 200, 900, 800]", (0.2, 0.1, 0.8, 0.9)),
        ("at 100, 200", None),
        ("100 200 900 800 px", None),
        ({"ymin": 1}, None),
        ({"xmin": 200, "ymin": 100, "xmax": 800, "ymax": 900}, (0.2, 0.1, 0.8, 0.9)),
        ({"x1": 0.2, "y1": 0.1, "x2": 0.8, "y2": 0.9}, (0.2, 0.1, 0.8, 0.9)),
        ([0.1, 0.2, 0.9, 0.8], (0.2, 0.1, 0.8, 0.9)),
        ([0.1, 0.2, 1.02, 1], (0.2, 0.1, 1.0, 1.0)),
        ([0, 0, 1, 1], (0.0, 0.0, 1.0, 1.0)),
        ([0, 0, 1, 0.5], (0.0, 0.0, 0.5, 1.0)),
        ([0.9, 0.2, 0.1, 0.8], None),
        (["10%", "20%", "90%", "80%"], (0.2, 0.1, 0.8, 0.9)),
        ([0, 0, 2, 2], None),
        ([0, 0, 0, 0], None),
        ([True, 200, 900, 800], None),
        ([10**400, 200, 900, 800], None),
    ],
)
def test_a_box_is_clipped_or_none(given: object, box: tuple | None) -> None:
    found = read(said(box_2d=given)).box
    assert found == (None if box is None else pytest.approx(box))


@pytest.mark.parametrize(
    ("given", "size", "box"),
    [
        ([200, 320, 1800, 1280], (1600, 2000), (0.2, 0.1, 0.8, 0.9)),  # y first, as asked for
        ([320, 130, 1280, 1170], (1600, 1300), (130 / 1600, 320 / 1300, 1170 / 1600, 1280 / 1300)),
        ([400, 130, 1500, 1170], (1600, 1300), (0.25, 0.1, 0.9375, 0.9)),  # only x first fits
        ([-50, 100, 1200, 4000], (1600, 1300), (0.1, 0.0, 1.0, 1.0)),  # no pixels: it is clipped
        ([100, 200, 900, 800], (1600, 1300), (0.2, 0.1, 0.8, 0.9)),
    ],
)
def test_pixels_are_told_by_the_pictures_size(
    given: list[int], size: tuple[int, int], box: tuple
) -> None:
    assert read(said(box_2d=given), size=size).box == pytest.approx(box)


DRAFT = '{"label": "car", "description": "?", "alarm": "no"}'
CLOSINGS = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</THINK>",
    "</ think >",
    "</seed:think>",
    "[/THINK]",
    "◁/think▷",
    "<|/think|>",
    "<|end_of_thought|>",
    "<|END_THINKING|>",
    "<|close|>think<|sep|>",
    "<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final <|constrain|>json<|message|>",
    "<channel|>",
    "assistantfinal",
    "&lt;/think&gt;",
    "\nHere is my response:",
]


@pytest.mark.parametrize("mark", CLOSINGS)
@pytest.mark.parametrize("around", ["{}", "\n```json\n{}\n```", "\nSo: {} Done."])
def test_a_draft_in_the_thoughts_is_no_answer(mark: str, around: str) -> None:
    """Whether they were opened or not: the opening mark is often part of the question."""
    answer = around.replace("{}", said())
    for thoughts in (f"Maybe {DRAFT}? No.", f'Such as {{"label": "...", so\n```json\n{DRAFT}\n```'):
        found = read(f"{thoughts}\n{mark}{answer}")
        assert (found.label, found.alarm) == ("delivery van", "yes")


@pytest.mark.parametrize("mark", CLOSINGS)
def test_thoughts_alone_are_no_answer(mark: str) -> None:
    for text in (f"It is {DRAFT}.{mark}", f"It is {DRAFT}.{mark} A car, I think."):
        if "{" in text.partition(mark)[2] or mark == "assistantfinal":
            continue
        with pytest.raises(DescriptionError, match="thought and gave no answer") as told:
            read(text)
        assert told.value.reason == "answer not understood"


@pytest.mark.parametrize(
    "opening",
    [
        "<think>",
        "<thinking>",
        "<think type=long>",
        "[THINK]",
        "◁think▷",
        "<|begin_of_thought|>",
        "<|channel|>analysis<|message|>",
        "<|channel>thought\n",
        "<|inner_prefix|>",
    ],
)
@pytest.mark.parametrize("before", ["", f"{DRAFT}\n", "<think>x</think>"])
def test_thoughts_that_were_cut_short_are_no_answer(opening: str, before: str) -> None:
    with pytest.raises(DescriptionError, match="cut short and gave no answer"):
        read(f"{before}{opening}Perhaps {DRAFT}. But")


@pytest.mark.parametrize(
    "text",
    [
        f"{DRAFT}\nNo, better: {said()}",
        f"<think>a</think>{DRAFT}<think>b {DRAFT}</think>{said()}",
        f'{said()}\n{{"confidence": 1}}',
        f'{{"note": "{{"}} {said()}',
        f"use {{label}} and {{ }} for {said()}",
        f'{{"answer": {said()}}}',
        f"[{DRAFT}, {said()}]",
        said(description="The sign says </think> and <think> and [THINK]"),
        f"<think>no</think>{said(description='The sign says </think>')}",
    ],
)
def test_of_several_objects_the_last_that_fits_is_the_answer(text: str) -> None:
    found = read(text)
    assert (found.label, found.alarm) == ("delivery van", "yes")


@pytest.mark.parametrize(
    "text",
    [
        f"{DRAFT} Wait: {said()[:-20]}",
        f'{{"draft": {DRAFT}, "answer": {{"label": "van", "alarm": "y',
        f"{DRAFT} {'{' * 5000}",
    ],
)
def test_what_has_no_end_takes_back_what_was_before(text: str) -> None:
    with pytest.raises(DescriptionError, match="not a whole one"):
        read(text)


@pytest.mark.parametrize("alarm", ["no", "unsure"])
@pytest.mark.parametrize(
    "text",
    [
        "<inner_thoughts>perhaps {}? I should look",
        "<inner_thoughts>perhaps {}",
        "<inner_thoughts>\n{}",
        "<inner_thoughts>\n{}\n</inner_thoughts>",
        "perhaps\n{}\n</inner_thoughts>",
        "<thinking_process>\n{}\n",
        "<think_process>\n```json\n{}\n```",
        "<plan>a</plan><Überlegung>\n{}",
        "<inner thoughts>\n{}",
        "&lt;inner_thoughts&gt;\n{}",
        "<|inner_thought|>\n{}",
        "【思考】\n{}",
        "[THINKING PROCESS]\n{}",
        "<musing><musing>x</musing>\n{}",
        "<a>" * 3000 + "</b>" * 3000 + "\n{}",
        "# Reasoning\n{}",
        "*thinking*\n{}",
        "(thinking)\n{}",
        "A van?\n\nPerhaps\n{}",
        "<answer><sketch>\n{}\n</answer>",
        "Here are my reasoning steps: a shadow {} would fit, but",
        "Here are my reasoning steps:\n{}",
        "**Thinking:** perhaps {}\n\n**Answer:**",
        "**Thinking:** perhaps {}",
        "**Thinking:**\n{}",
        "```thinking\n{}\n```",
        "{}\nOn second thought, ",
        "{}?",
        "{} I hope this helps.",
        '{}\n{"confidence": 1}',
        "{}\n\n**Answer:**",
        '{"draft": {}}',
        '{"thoughts": {}}',
        "[{}, {}]",
        "[\n{},\n{}\n]",
    ],
)
def test_what_is_still_thought_about_is_no_veto(text: str, alarm: str) -> None:
    """Whatever the marks are called: a real alarm would be lost."""
    with pytest.raises(DescriptionError) as told:
        read(text.replace("{}", said(alarm=alarm)))
    assert told.value.reason == "answer not understood"
    assert told.value.counts
    assert not told.value.final


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[{}]",
        "```json\n{}\n```\n",
        "Here it is: {}",
        "Here it is:\n```json\n{}\n```",
        "A shadow moves.\n\n{}",
        "**Answer:** {}",
        "Based on my analysis, here is the JSON:\n```json\n{}\n```",
        "<inner_thoughts>perhaps not</inner_thoughts>{}",
        "<inner_thoughts>\n{}\n</inner_thoughts>\n{}",
        "<think>x</think>\n{}",
        "<plan>x</think>{}",
        "x <br> y:\n{}",
        "<answer>{}</answer>",
        "<final_answer>\n{}\n</final_answer>",
        "{}<|im_end|>",
        "<|im_start|>assistant\n{}<|im_end|>\n<|endoftext|>",
        "{}</s>",
        "{}<end_of_turn>\n",
        "<|begin_of_box|>{}<|end_of_box|>",
        '{"answer": {}}',
    ],
)
def test_what_is_said_last_and_by_itself_is_a_veto(text: str) -> None:
    assert read(text.replace("{}", said(alarm="no"))).alarm == "no"


@pytest.mark.parametrize("text", ["It is {}. I hope this helps.", '{}\n{"confidence": 1}'])
def test_a_friendly_word_after_an_alarm_does_no_harm(text: str) -> None:
    assert read(text.replace("{}", said())).alarm == "yes"


@pytest.mark.parametrize("text", ["<inner_thoughts>perhaps {}? I", "{} or {}?"])
def test_a_draft_makes_no_alarm_either(text: str) -> None:
    with pytest.raises(DescriptionError, match="not understood"):
        read(text.replace("{}", said()))


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
    with pytest.raises(DescriptionError, match="neither a label nor a description"):
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
        "\x00\ufffd",
    ],
)
def test_no_object(text: str) -> None:
    with pytest.raises(DescriptionError, match="not a JSON object"):
        read(text)


def test_an_endless_answer_is_not_looked_at() -> None:
    with pytest.raises(DescriptionError, match=f"longer than {LONGEST}"):
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
    except DescriptionError:
        return
    assert 0 <= found.confidence <= 1
    assert found.alarm in ("yes", "no", "unsure")
    assert found.label
    assert found.description
    if found.box:
        x1, y1, x2, y2 = found.box
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
