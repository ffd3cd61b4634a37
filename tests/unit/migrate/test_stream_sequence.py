from __future__ import annotations

from typing import Any

import pytest

from zmhook.migrate.draft import Draft
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting
from zmhook.migrate.stream_sequence import put_stream, put_usual_strategy

SIX, NG = Generation.SIX, Generation.NG


def put(stream: dict[str, Any], generation: Generation = SIX, wait: object = None) -> Draft:
    draft, old = Draft(), OldConfig(generation, None)
    if wait is not None:
        old.flat["wait"] = OldSetting("[general]", "wait", wait)
    put_stream(draft, stream, old)
    return draft


@pytest.mark.parametrize(
    ("key", "value", "name", "text"),
    [
        ("frame_set", "snapshot,alarm", "frame_id", "snapshot,alarm"),
        ("frame_set", ["alarm", 5], "frame_id", "alarm,5"),
        ("frame_strategy", "most_unique", "frame_strategy", "most_unique"),
        ("detection_mode", "most_models", "frame_strategy", "most_models"),
        ("frame_skip", 3, "frame_skip", "2"),
        ("frame_skip", "0", "frame_skip", "0"),
        ("max_frames", 0, "max_frames", "1000"),
        ("max_attempts", 3, "max_attempts", "3"),
        ("resize", "no", "resize", "no"),
        ("disable_ssl_cert_check", "no", "allow_self_signed", "no"),
        ("disable_ssl_cert_check", True, "allow_self_signed", "yes"),
        ("delay", 3, "wait", "3"),
    ],
)
def test_a_key(key: str, value: object, name: str, text: str) -> None:
    draft = put({key: value})
    assert draft.text(name) == text
    assert draft.lost == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("frame_skip", "x"),
        ("disable_ssl_cert_check", "x"),
        ("download", "yes"),
        ("save_frames_dir", "/tmp"),
        ("contig_frames_before_error", 5),
        ("convert_snapshot_to_fid", "yes"),
        ("mine", 1),
    ],
)
def test_what_is_lost(key: str, value: object) -> None:
    (lost,) = put({"frame_set": "alarm", key: value}).lost
    assert lost.location == f"stream_sequence: {key}"


def test_the_same_picture_twice() -> None:
    draft = put({"frame_set": "snapshot,snapshot,alarm"})
    assert draft.text("frame_id") == "snapshot,alarm"
    assert [lost.shown for lost in draft.lost] == ["snapshot, 2 times"]


def test_in_version_6_first_ended_the_models_too() -> None:
    assert put({"frame_strategy": "first"}).text("detection_mode") == "first"
    assert put({"frame_strategy": "first"}, NG).text("detection_mode") == ""


def test_frames_when_none_are_named() -> None:
    six = put({})
    assert (six.text("frame_id"), six.text("frame_skip")) == ("all", "0")
    assert put({}, NG).text("frame_id") == "snapshot,alarm,1"


def test_both_waits_are_waited() -> None:
    assert put({"delay": 2}, wait="1.5").text("wait") == "3.5"
    assert [lost.location for lost in put({"delay": "x"}, wait=1).lost] == [
        "stream_sequence: delay"
    ]


@pytest.mark.parametrize("said", ["", "most"])
def test_the_usual_strategy(said: str) -> None:
    draft = put({"frame_strategy": said} if said else {})
    put_usual_strategy(draft, SIX)
    assert draft.text("frame_strategy") == (said or "most_models")
