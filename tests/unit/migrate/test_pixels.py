"""Pixels of the reduced picture then, of the original one now: it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

FIVE = """
[general]
resize = {resize}
past_det_max_diff_area = 5%
[monitor-3]
past_det_max_diff_area = 5000px
"""


def test_boxes_and_limits_are_noted(result) -> None:
    whole = result(FIVE.format(resize=800)).whole
    assert "# boxes in the JSON and in objects.json were in pixels of the picture" in whole.text
    assert "# was in pixels of the picture reduced to 800; of the original it is" in whole.text
    all_, own = (note for note in whole.notes if note.startswith("resize = 800: boxes"))
    assert "so were" not in all_
    assert own.endswith("so were past_det_max_diff_area: (width/800)² as much now")


def test_without_reducing_nothing_changes(result) -> None:
    whole = result(FIVE.format(resize="no")).whole
    assert "reduced" not in whole.text
    assert whole.notes == []


@pytest.mark.parametrize("kind", ["ini", "Ng"])
def test_of_a_stream_sequence(result: Callable, kind: str) -> None:
    stream = {"resize": 640, "frame_set": "alarm"}
    if kind == "Ng":
        whole = result({"ml": {"stream_sequence": stream}, "general": {}}).whole
    else:
        whole = result(f"[ml]\nuse_sequence = yes\nstream_sequence = {stream}\n").whole
    assert [note for note in whole.notes if note.startswith("resize = 640: ")]


def test_version_5_keeps_its_json(result) -> None:
    assert result(FIVE.format(resize="no")).general()["json_format"] == "v5"
    assert "json_format" not in result("[object]\nobject_detection_pattern = .*\n").general()
