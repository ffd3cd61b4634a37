from __future__ import annotations

import pytest

from zmhook.migrate.draft import Draft
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting
from zmhook.migrate.old_zones import put_zones

CORNERS = "0,0 10,0 10,10"


def put(
    zones: dict[str, object],
    patterns: dict[tuple[str, str], str] | None = None,
    generation: Generation = Generation.NG,
    triggered: str = "no",
) -> Draft:
    draft, old = Draft(), OldConfig(generation, 2)
    old.flat["only_triggered_zm_zones"] = OldSetting("s", "only_triggered_zm_zones", triggered)
    old.zones = {name: OldSetting("z:", name, corners) for name, corners in zones.items()}
    old.patterns = {
        (name, field): OldSetting(f"z: {name}:", field, text)
        for (name, field), text in (patterns or {}).items()
    }
    put_zones(draft, old)
    return draft


@pytest.mark.parametrize(
    ("name", "corners", "ours", "text"),
    [
        ("drive", CORNERS, "drive", CORNERS),
        ("Front Door", "0,0  10, 0 10 ,10", "front door", CORNERS),
        ("a=b:c", CORNERS, "a_b_c", CORNERS),
        ("#a", CORNERS, "_a", CORNERS),
        ("a #b", CORNERS, "a_b", CORNERS),
        ("scale", CORNERS, "scale_zone", CORNERS),
        ("disable_locks", CORNERS, "disable_locks_zone", CORNERS),
        ("a", "0.4,0 9.6,0 10.,10", "a", "0,0 10,0 10,10"),
        ("a", [[0, 0], [10, 0], (10, 10)], "a", CORNERS),
    ],
)
def test_a_zone(name: str, corners: object, ours: str, text: str) -> None:
    draft = put({name: corners})
    assert {key: entry.text for key, entry in draft.entries.items()} == {ours: text}
    note = draft.entries[ours].note
    assert (f"was called {name}" in note) is (ours != name.lower())


def test_two_that_get_the_same_name() -> None:
    assert list(put({"a=b": CORNERS, "a:b": CORNERS}).entries) == ["a_b", "a_b_zone"]


@pytest.mark.parametrize("corners", ["0,0 1,1", "x", "", "0,0 1,1 a,b", None, "0,0,0 1,1 2,2"])
def test_no_zone(corners: object) -> None:
    draft = put({"a": corners})
    assert draft.entries == {}
    assert [lost.location for lost in draft.lost] == ["z: a"]


def test_patterns() -> None:
    fields = {("Drive", "detection_pattern"): "car", ("Drive", "ignore_pattern"): "bus"}
    draft = put({"Drive": CORNERS}, fields)
    assert draft.text("drive_zone_detection_pattern") == "car"
    assert draft.text("drive_zone_ignore_pattern") == "bus"


def test_the_pattern_of_a_zone_of_zoneminder() -> None:
    """Old files have _ for the spaces of its name."""
    draft = put({}, {("front_door", "detection_pattern"): "car"})
    assert list(draft.entries) == [
        "front_door_zone_detection_pattern",
        "front door_zone_detection_pattern",
    ]


def test_a_pattern_that_is_none() -> None:
    assert put({}, {("a", "detection_pattern"): "(a"}).lost[0].location == "z: a: detection_pattern"


@pytest.mark.parametrize("generation", [Generation.SIX, Generation.NG])
def test_drawn_zones_that_had_no_effect(generation: Generation) -> None:
    draft = put({"a": CORNERS}, None, generation, "yes")
    assert (draft.entries, draft.lost[0].location) == ({}, "z: a")


def test_in_version_6_the_first_zone_decided() -> None:
    patterns = {("a", "detection_pattern"): "car"}
    assert put({}, patterns, Generation.SIX).text("zone_match_strategy") == "first_intersecting"
    assert put({}, patterns).text("zone_match_strategy") == ""
