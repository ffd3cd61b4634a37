from __future__ import annotations

import pytest

from zmhook.migrate.draft import ConfigLine, Draft, as_text, is_writable, like, put_zones
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting
from zmhook.settings.keys import keys


@pytest.fixture
def draft() -> Draft:
    return Draft()


def put(draft: Draft, key: str, value: object, name: str = "", section: str = "[s]") -> Draft:
    draft.put(name or key, OldSetting(section, key, value))
    return draft


def test_a_key_that_is_the_same(draft: Draft) -> None:
    put(draft, "wait", "5")
    assert draft.entries == {"wait": ConfigLine("5")}
    assert draft.lost == []


def test_a_key_that_is_called_otherwise(draft: Draft) -> None:
    put(draft, "object_min_confidence", 0.5)
    put(draft, "zm_conf_path", "/config")
    put(draft, "platrec_stats", "yes")
    assert draft.entries == {
        "yolo_min_confidence": ConfigLine("0.5", "from [s] object_min_confidence"),
        "base_zm_conf_path": ConfigLine("/config", "from [s] zm_conf_path"),
        "platerec_stats": ConfigLine("yes", "from [s] platrec_stats"),
    }


def test_a_value_that_is_written_otherwise(draft: Draft) -> None:
    put(draft, "past_det_max_diff_area", "180%")
    assert draft.entries["past_det_max_diff_area"] == ConfigLine("5%", "was 180%")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("wait", "soon", "expected a number from 0 to 300"),
        ("detect_pattern", "(a", "expected a regular expression"),
        ("object_processor", "tpu", "expected one of cpu, gpu"),
        ("nonsense", "1", "there is nothing like it here"),
        ("cpu_max_processes", "1", "not needed"),
        ("detect_pattern", "a #b", "# or ; begins a comment"),
        ("image_path", "a\nb", "cannot stand on one line"),
        ("portal", "https://u:geheim@h/zm", "expected an address"),
    ],
)
def test_what_cannot_stand_here_is_lost(draft: Draft, key: str, value: str, why: str) -> None:
    put(draft, key, value)
    assert draft.entries == {}
    assert why in draft.lost[0].why
    assert draft.lost[0].location == f"[s] {key}"
    assert "geheim" not in str(draft.lost)


def test_nothing_is_the_default(draft: Draft) -> None:
    put(put(draft, "api_portal", ""), "resize", None)
    assert (draft.entries, draft.lost) == ({}, [])


def test_what_was_put_first_holds(draft: Draft) -> None:
    put(put(put(draft, "wait", "1"), "wait", "2", section="[t]"), "wait", "1", section="[u]")
    assert draft.text("wait") == "1"
    assert [(lost.location, lost.why) for lost in draft.lost] == [
        ("[t] wait", "[s] wait says wait = 1")
    ]


def test_two_names_for_the_same(draft: Draft) -> None:
    put(put(draft, "platerec_stats", "yes"), "platrec_stats", "yes", section="[t]")
    assert draft.entries["platerec_stats"] == ConfigLine("yes", "also [t] platrec_stats")
    assert draft.lost == []


def test_secrets_and_tokens_are_taken_as_they_are(draft: Draft) -> None:
    put(put(put(draft, "password", "a #b'"), "user", "!ZM_USER"), "image_path", "{{x}}/y")
    assert [entry.text for entry in draft.entries.values()] == ["a #b'", "!ZM_USER", "{{x}}/y"]
    assert "a #b" not in str(draft.lost)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("wait", True),
        ("car_max_detection_size", True),
        ("traffic light_past_det_max_diff_area", True),
        ("drive_zone_detection_pattern", True),
        ("tpu_min_confidence", False),
        ("_max_detection_size", False),
        ("#car_max_detection_size", False),
        ("a=b_max_detection_size", False),
        ("a\nb_max_detection_size", False),
    ],
)
def test_like(name: str, known: bool) -> None:
    assert (like(name) is not None) is known


@pytest.mark.parametrize("text", ["a#b", "a;b", "a = b", "ä"])
def test_writable(text: str) -> None:
    assert is_writable(text)


@pytest.mark.parametrize("text", ["#a", "a #b", " a", "a\nb", "a\0b", "a\tb"])
def test_not_writable(text: str) -> None:
    assert not is_writable(text)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("show_percent", True, "yes"),
        ("show_percent", False, "no"),
        ("resize", None, ""),
        ("wait", 5, "5"),
        ("wait", 0.1 + 0.2, "0.3"),
        ("animation_types", "'mp4,gif'", "mp4,gif"),
        ("animation_types", ["mp4", "gif"], "mp4,gif"),
        ("detect_pattern", " (person|car) ", "(person|car)"),
        ("detect_pattern", "['a']", "['a']"),
        ("password", "'quoted'", "'quoted'"),
        ("platerec_regions", "['us', 'cn']", "us,cn"),
        ("platerec_regions", "de", "de"),
        ("platerec_payload", {"a": [1]}, '{"a": [1]}'),
        ("platerec_payload", "{'a': 'ä'}", '{"a": "ä"}'),
        ("aliases", [["car", "bus"], ["dog"]], "car,bus; dog"),
        ("aliases", "[['car','bus'],['dog','cat']]", "car,bus; dog,cat"),
        ("aliases", ["car", "bus"], "car,bus"),
        ("alpr_pre_existing_labels", {"b", "a"}, "a,b"),
        ("stride", (4, 8), "(4,8)"),
        ("poly_color", "(255,255,255)", "(255,255,255)"),
        ("past_det_max_diff_area", "7", "7%"),
        ("past_det_max_diff_area", 7, "7%"),
        ("past_det_max_diff_area", "300px", "300px"),
        ("past_det_max_diff_area", "180%", "5%"),
        ("max_detection_size", "300", "300"),
        ("max_frames", 0, "1000"),
        ("alpr_service", "openalpr", "open_alpr"),
    ],
)
def test_text(name: str, value: object, text: str) -> None:
    assert as_text(keys()[name], value) == text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("portal", {"a": 1}, "a form that cannot be written"),
        ("portal", b"x", "a form that cannot be written"),
        ("wait", 1j, "a form that cannot be written"),
        ("alpr_pre_existing_labels", ["a,b"], "a value with , in it"),
    ],
)
def test_no_text(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_text(keys()[name], value)


CORNERS = "0,0 10,0 10,10"


def put_all(
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
    draft = put_all({name: corners})
    assert {key: entry.text for key, entry in draft.entries.items()} == {ours: text}
    note = draft.entries[ours].note
    assert (f"was called {name}" in note) is (ours != name.lower())


def test_two_that_get_the_same_name() -> None:
    assert list(put_all({"a=b": CORNERS, "a:b": CORNERS}).entries) == ["a_b", "a_b_zone"]


@pytest.mark.parametrize("corners", ["0,0 1,1", "x", "", "0,0 1,1 a,b", None, "0,0,0 1,1 2,2"])
def test_no_zone(corners: object) -> None:
    draft = put_all({"a": corners})
    assert draft.entries == {}
    assert [lost.location for lost in draft.lost] == ["z: a"]


def test_patterns() -> None:
    fields = {("Drive", "detection_pattern"): "car", ("Drive", "ignore_pattern"): "bus"}
    draft = put_all({"Drive": CORNERS}, fields)
    assert draft.text("drive_zone_detection_pattern") == "car"
    assert draft.text("drive_zone_ignore_pattern") == "bus"


def test_the_pattern_of_a_zone_of_zoneminder() -> None:
    """Old files have _ for the spaces of its name."""
    draft = put_all({}, {("front_door", "detection_pattern"): "car"})
    assert list(draft.entries) == [
        "front_door_zone_detection_pattern",
        "front door_zone_detection_pattern",
    ]


def test_a_pattern_that_is_none() -> None:
    assert (
        put_all({}, {("a", "detection_pattern"): "(a"}).lost[0].location
        == "z: a: detection_pattern"
    )


@pytest.mark.parametrize("generation", [Generation.SIX, Generation.NG])
def test_drawn_zones_that_had_no_effect(generation: Generation) -> None:
    draft = put_all({"a": CORNERS}, None, generation, "yes")
    assert (draft.entries, draft.lost[0].location) == ({}, "z: a")


def test_in_version_6_the_first_zone_decided() -> None:
    patterns = {("a", "detection_pattern"): "car"}
    assert put_all({}, patterns, Generation.SIX).text("zone_match_strategy") == "first_intersecting"
    assert put_all({}, patterns).text("zone_match_strategy") == ""
