"""Names that programs spell in several ways are one."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from zmhook.detection import Box, Decision, Detection
from zmhook.event import Event
from zmhook.settings import load
from zmhook.snapshots.formats.values import label
from zmhook.text.names import composed, did_you_mean, spelled
from zmhook.text.patterns import fits, matches
from zmhook.zoneminder.monitors import _zone

ONE, TWO = "J\u00fcrgen", "Ju\u0308rgen"


@given(st.binary().filter(lambda name: b"\0" not in name))
def test_a_files_name_goes_through_text_and_comes_back(name: bytes) -> None:
    event = Event(id=1, path=spelled(os.fsdecode(name)))
    decision = Decision.from_json(Decision(event=event, outcome="nothing").to_json())
    assert os.fsencode(decision.event.folder) == name
    assert json.decode(json.encode(event.path)) == event.path


@pytest.mark.parametrize(("pattern", "text"), [(ONE, TWO), (TWO, ONE), (f"(a|{TWO})$", ONE)])
def test_a_pattern_matches_whichever_way_it_is_written(pattern: str, text: str) -> None:
    assert matches(pattern, text)
    assert fits(pattern.rstrip("$"), text)


def test_labels_are_as_people_write_them() -> None:
    found = Detection(label=TWO, confidence=0.9, box=Box(1, 2, 3, 4), model="face")
    assert found.label == label(TWO) == composed(TWO) == ONE


def test_a_configuration_may_be_written_either_way(tmp_path) -> None:
    texts = []
    for number, name in enumerate((ONE, TWO)):
        path = tmp_path / f"{number}.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}\n{name.lower()}_min_confidence = 0.7\n"
            f"[monitor-1]\n{name.lower()}_zone = 0,0 10,0 10,10\n"
            f"[snapshots]\nsnapshot_classes = {name}\n",
            encoding="utf-8",
        )
        config = load(str(path))
        settings = config.for_monitor(1)
        texts.append((settings.labels, settings.snapshots.snapshot_classes, settings.zones))
    assert texts[0] == texts[1]
    assert ONE.lower() in texts[1][0]


def test_a_secret_is_left_as_it_is(tmp_path) -> None:
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\npassword = {TWO}\n", encoding="utf-8")
    assert load(str(path)).for_monitor(None).general.password.reveal() == TWO


def test_zoneminders_zones_are_named_as_in_the_configuration() -> None:
    zone = _zone({"Name": TWO, "Type": "Active", "Coords": "0,0 10,0 10,10"})
    assert zone is not None
    assert zone.name == ONE


def test_a_close_word_is_suggested() -> None:
    assert did_you_mean("portl", ["user", "portal"]) == "; did you mean 'portal'?"
    assert did_you_mean("zzz", ["user", "portal"]) == ""
    assert did_you_mean("portl", ["user", "portal"], 0.99) == ""
