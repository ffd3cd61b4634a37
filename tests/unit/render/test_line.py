from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from zmhook.detection import Box, Decision, Detection, FrameInfo
from zmhook.event import Event
from zmhook.render.line import SPLIT, about, descriptions, detection_line, sentence, words_of
from zmhook.settings import General, Settings


def line(decision: Decision, **general) -> str:
    return detection_line(decision, Settings(general=General(**general)))


def text(decision: Decision, **general) -> str:
    blank = " " if general.get("show_percent", True) else ""
    said, split, _ = line(decision, **general).partition(f"{blank}{SPLIT}")
    assert split or not said
    return said


def test_version_6(decision, found) -> None:
    car = found("car", 0.8751, box=Box(1, 2, 3, 4))
    assert line(decision(found(), car)) == (
        "[s] detected:person:97% car:88% --SPLIT--"
        '{"labels":["person","car"],"boxes":[[30,40,130,200],[1,2,3,4]],"frame_id":"snapshot",'
        '"confidences":[0.97,0.8751],'
        '"image_dimensions":{"original":[480,640],"resized":null}}'
    )


def test_version_5(decision, found) -> None:
    bob = found("bob", 0.8751, kind="face", model="face", box=Box(1, 2, 3, 4))
    assert line(decision(found(), bob), json_format="v5") == (
        "[s] detected:person:97% bob:88% --SPLIT--"
        '[{"type":"object","label":"person","box":[30,40,130,200],"confidence":"97.00%"},'
        '{"type":"face","label":"bob","box":[1,2,3,4],"confidence":"87.51%"}]'
    )


def test_resized(decision, found) -> None:
    frame = FrameInfo(id="alarm", origin="x", width=1920, height=1080, resized_to=(800, 450))
    data = json.loads(line(decision(found(), frame=frame)).partition(SPLIT)[2])
    assert data["image_dimensions"] == {"original": [1080, 1920], "resized": [450, 800]}


@pytest.mark.parametrize(
    ("frame_id", "prefix"),
    [
        ("snapshot", "[s] "),
        ("alarm", "[a] "),
        ("track", "[s] "),
        ("track2", "[s] "),
        ("12", "[x] "),
        ("file", "[x] "),
    ],
)
def test_prefix(decision, found, frame_id: str, prefix: str) -> None:
    frame = FrameInfo(id=frame_id, origin="x", width=1, height=1)
    assert text(decision(found(), frame=frame)) == f"{prefix}detected:person:97%"


@pytest.mark.parametrize("frame_id", ["track", "track2"])
@pytest.mark.parametrize("json_format", ["v6", "v5"])
def test_a_cameras_picture_goes_by_a_name_that_servers_know(
    decision, found, frame_id: str, json_format: str
) -> None:
    frame = FrameInfo(id=frame_id, origin="x", width=1, height=1)
    ours = decision(found(), frame=frame)
    assert line(ours, json_format=json_format).startswith("[s] detected:")
    data = json.loads(line(ours).partition(SPLIT)[2])
    assert (data["frame_id"], data["camera_frame"]) == ("snapshot", frame_id)
    shown = line(ours, show_camera_frame=True, json_format=json_format)
    assert shown.startswith("[m] detected:")
    data = json.loads(line(ours, show_camera_frame=True).partition(SPLIT)[2])
    assert (data["frame_id"], data["camera_frame"]) == (frame_id, frame_id)


@pytest.mark.parametrize(
    ("general", "expected"),
    [
        ({"show_percent": False}, "[s] detected:person,car"),
        ({"show_models": True}, "[s] detected:(yolo) person:97% (yolo) car:88%"),
        (
            {"show_models": True, "show_percent": False},
            "[s] detected:(yolo) person,(yolo) car",
        ),
        ({"show_frame_match_type": False}, "detected:person:97% car:88%"),
    ],
)
def test_how_it_looks(decision, found, general: dict[str, bool], expected: str) -> None:
    assert text(decision(found(), found("car", 0.88)), **general) == expected


def test_without_percent_no_blank_is_at_the_end(decision, found) -> None:
    """The server splits there, and shows what stands before it."""
    for one in (decision(found()), decision(found(), skipped=["gemini skipped: no network"])):
        assert not line(one, show_percent=False).partition(SPLIT)[0].endswith(" ")
        assert line(one).partition(SPLIT)[0].endswith(" ")
    undecided = decision(outcome="undecided", errors=["no picture"])
    said = line(undecided, show_percent=False, on_failure="alarm")
    assert said.partition(SPLIT)[0].endswith("(no picture)")


def test_the_words_of_a_line(decision, found) -> None:
    for percent in (True, False):
        said = line(decision(found()), show_percent=percent)
        assert words_of(said) == text(decision(found()), show_percent=percent)
    assert words_of("") == ""


def test_each_label_once_with_its_highest_confidence(decision, found) -> None:
    three = decision(found("car", 0.5), found("person", 0.6), found("car", 0.7))
    assert text(three) == "[s] detected:car:70% person:60%"
    assert json.loads(line(three).partition(SPLIT)[2])["labels"] == ["car", "person", "car"]


def test_nothing(decision) -> None:
    assert line(decision(outcome="nothing")) == ""
    assert line(decision(outcome="nothing"), on_failure="alarm") == ""


def test_undecided(decision) -> None:
    failed = decision(outcome="undecided", frame=None, errors=["no picture:\n --SPLIT--", "no key"])
    assert line(failed) == ""
    assert line(failed, on_failure="alarm") == (
        "[x] detected:nothing could be decided (no picture: -; no key) --SPLIT--"
        '{"labels":[],"boxes":[],"frame_id":"","confidences":[],"image_dimensions":{}}'
    )
    assert line(failed, on_failure="alarm", json_format="v5").endswith(f" {SPLIT}[]")


def test_undecided_for_no_known_reason(decision) -> None:
    failed = decision(outcome="undecided")
    assert "(no reason is known)" in line(failed, on_failure="alarm")


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Jürgen 张三", "Jürgen 张三"),
        ("two\nlines\r\n", "two lines"),
        ("a--SPLIT--b", "a-b"),
        ("--SPL--SPLIT--IT--", "--SPL-IT--"),
        ("say \"hi\" $(reboot) '*' `x` \\", "say \"hi\" $(reboot) '*' `x` \\"),
        ("bell\x07 nul\0 esc\x1b[31m", "bell nul esc [31m"),
        ("\u2028paragraph", "paragraph"),
        ("old \udcfcmlaut", "old \ufffdmlaut"),
    ],
)
def test_weird_names(decision, found, label: str, shown: str) -> None:
    whole = line(decision(found(label)))
    assert "\n" not in whole
    assert whole.count(SPLIT) == 1
    before, after = whole.split(SPLIT)
    assert before == f"[s] detected:{shown}:97% "
    assert json.loads(after)["labels"] == [label.replace("\udcfc", "?")]


def data(decision: Decision, **general):
    return json.loads(line(decision, **general).partition(SPLIT)[2])


@pytest.mark.parametrize(
    ("general", "expected"),
    [
        ({}, "[s] detected:person:97% car:88% (gemini skipped: no network)"),
        ({"show_percent": False}, "[s] detected:person,car (gemini skipped: no network)"),
    ],
)
def test_what_was_skipped(decision, found, general: dict[str, bool], expected: str) -> None:
    told = decision(found(), found("car", 0.88), skipped=["gemini skipped: no network"])
    assert text(told, **general) == expected


def test_everything_that_was_skipped_in_plain_words(decision, found) -> None:
    told = decision(found(), skipped=["a skipped: (b)\n", "c skipped: --SPLIT--"])
    assert text(told) == "[s] detected:person:97% (a skipped: [b]) (c skipped: -)"


def test_an_undecided_line_tells_it_among_its_errors(decision) -> None:
    told = decision(outcome="undecided", errors=["no key"], skipped=["gemini skipped: no key"])
    assert text(told, on_failure="alarm") == "[s] detected:nothing could be decided (no key)"


def test_a_description_is_no_label(decision, found, described) -> None:
    person = found()
    told = decision(person, described(about=person.box))
    assert text(told) == "[s] detected:person:97%"
    assert data(told) == {
        "labels": ["person"],
        "boxes": [[30, 40, 130, 200]],
        "frame_id": "snapshot",
        "confidences": [0.97],
        "image_dimensions": {"original": [480, 640], "resized": None},
        "descriptions": [
            {
                "label": "a postman",
                "description": "A man with a parcel.",
                "confidence": 0.8,
                "box": [35, 45, 120, 190],
                "about": [30, 40, 130, 200],
                "alarm": "unsure",
                "model": "gemini",
                "attributes": {"jacket": "red"},
            }
        ],
    }


def test_a_description_in_version_5(decision, found, described) -> None:
    assert data(decision(found(), described()), json_format="v5")[1] == {
        "type": "description",
        "label": "a postman",
        "box": [35, 45, 120, 190],
        "confidence": "80.00%",
        "description": "A man with a parcel.",
        "about": None,
        "alarm": "unsure",
        "model": "gemini",
        "attributes": {"jacket": "red"},
    }


def test_a_description_that_rings_is_a_label(decision, described) -> None:
    told = decision(described(alarm="yes"))
    assert text(told) == "[s] detected:a postman:80%"
    assert data(told)["labels"] == ["a postman"]
    assert data(told)["boxes"] == [[35, 45, 120, 190]]
    assert len(data(told)["descriptions"]) == 1


def test_the_part_of_the_scene_that_was_seen(decision, found) -> None:
    frame = FrameInfo(id="track", origin="x", width=1920, height=1080, crop=Box(1, 2, 30, 40))
    dimensions = data(decision(found(), frame=frame))["image_dimensions"]
    assert dimensions == {"original": [1080, 1920], "resized": None, "crop": [1, 2, 30, 40]}


anything = st.text(st.characters(), max_size=20) | st.sampled_from(
    [SPLIT, f"{SPLIT}{SPLIT}", "\n", "x--SPLIT", "-"]
)
detections = st.builds(
    Detection,
    label=anything,
    confidence=st.floats(0, 1),
    box=st.builds(Box, *[st.integers(0, 9999)] * 4),
    model=st.just("yolo"),
    kind=st.sampled_from(["object", "face"]),
)
any_descriptions = st.builds(
    Detection,
    label=anything,
    confidence=st.floats(0, 1),
    box=st.builds(Box, *[st.integers(0, 9999)] * 4),
    model=st.just("gemini"),
    kind=st.just("description"),
    attributes=st.dictionaries(
        anything | st.sampled_from(["description", "about", "alarm"]),
        anything | st.booleans() | st.integers(-9, 9) | st.just("1,2,3,4"),
        max_size=4,
    ),
)
generals = st.builds(
    General,
    show_percent=st.booleans(),
    show_models=st.booleans(),
    show_frame_match_type=st.booleans(),
    json_format=st.sampled_from(["v5", "v6"]),
    on_failure=st.just("alarm"),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(detections, min_size=1, max_size=4),
    st.sampled_from(["alarm", "undecided"]),
    st.lists(anything, max_size=2),
    st.lists(any_descriptions, max_size=2),
    generals,
)
def test_always_one_line_one_split_and_valid_json(
    found: list[Detection],
    outcome: str,
    texts: list[str],
    described: list[Detection],
    general: General,
) -> None:
    decision = Decision(
        event=Event(id=1),
        outcome=outcome,
        detections=[*found, *described],
        errors=texts,
        skipped=texts,
        frame=None,
    )
    whole = detection_line(decision, Settings(general=general))
    before, after = whole.split(SPLIT)
    assert before.isprintable()
    assert "detected:" in before
    assert after.isprintable()
    assert len(whole.splitlines()) == 1
    data = json.loads(after.encode("utf-8"))
    labels = data["labels"] if general.json_format == "v6" else [one["label"] for one in data]
    if general.json_format == "v5":
        assert len(labels) == len(found) + len(described)
    else:
        assert len(found) <= len(labels) <= len(found) + len(described)
        assert len(data.get("descriptions", [])) == len(described)


# -- descriptions by large models ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("A man with a parcel.", 60, "A man with a parcel."),
        ("\n \n  A man\twith\x07 a parcel.\nHe rings.", 60, "A man with a parcel."),
        ("A man with a parcel.", 10, "A man wi.."),
        ("A man with a parcel.", 7, "A man.."),
        ("", 60, "a postman"),
        (" \n\x00", 60, "a postman"),
    ],
)
def test_first_line_in_so_many_characters(described, text: str, most: int, expected: str) -> None:
    assert sentence(described(text), most) == expected


def test_nothing_was_said(described) -> None:
    assert sentence(described("", label=" "), 60) == ""


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,3,4", Box(1, 2, 3, 4)),
        ("", None),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("a,b,c,d", None),
    ],
)
def test_what_was_asked_about(described, text: str, box: Box | None) -> None:
    assert about(structs.replace(described(), attributes={"about": text})) == box


def test_whatever_has_no_such_attribute_is_about_everything(found) -> None:
    assert about(found()) is None


def test_only_descriptions_describe(found, described) -> None:
    said = described()
    assert descriptions([found(), said]) == [said]
