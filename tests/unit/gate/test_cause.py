"""Zones that a cause names, whatever their names are made of."""

from __future__ import annotations

import unicodedata

import pytest

from zmhook.gate.zones import plain, triggered

CAUSES = [
    # 1.38, its notes, 1.36
    ("Motion:Left,Right", ["Left", "Right", "Middle"], ["Left", "Right"]),
    ("Motion: Left, Right", ["Left", "Right", "Middle"], ["Left", "Right"]),
    ("Motion Left, Right", ["Left", "Right", "Middle"], ["Left", "Right"]),
    ("Motion", ["Left"], []),
    ("Forced Web", ["Left"], []),
    ("Forced Web: Motion: Left", ["Left", "Forced Web"], ["Left"]),
    ("Continuous", ["All"], []),
    ("", ["All", ""], []),
    ("Motion:All, Linked", ["All"], ["All"]),
    ("Linked: GateMotion: Left, Right", ["Left", "Right", "Gate"], ["Left", "Right"]),
    ("Motion: Left, RightSignal: Reacquired", ["Left", "Right"], ["Left", "Right"]),
    ("[s] detected:dog:96% Motion: Drive, Motion path", ["Drive", "Motion path", "dog"],
     ["Drive", "Motion path"]),
    ("Motion path", ["Motion path"], ["Motion path"]),
    # a comma in a name
    ("Motion:Garden, left,Street", ["Garden, left", "Street"], ["Garden, left", "Street"]),
    ("Motion: Garden, left, Street", ["Garden, left", "Street"], ["Garden, left", "Street"]),
    ("Motion:Garden, left", ["Garden, left", "Garden", "left"], ["Garden, left"]),
    ("Motion:Garden, left,left", ["Garden, left", "Garden", "left"], ["Garden, left", "left"]),
    ("Motion:a,b,c,d", ["a,b", "b,c,d", "a"], ["b,c,d", "a"]),
    ("Motion:Left,,Right", ["Left,", "Right"], ["Left,", "Right"]),
    ("Motion:,", [","], [","]),
    # one a part of another
    ("Motion:Driveway", ["Drive", "Driveway", "way"], ["Driveway"]),
    ("Motion:Driveway", ["Drive", "way"], []),
    ("Motion:Drive,Driveway", ["Drive", "Driveway"], ["Drive", "Driveway"]),
    ("Motion: Front door 2", ["Front door", "Front door 2", "door"], ["Front door 2"]),
    ("Motion:1,11", ["1", "11", "111"], ["1", "11"]),
    ("Motion:a,a,a", ["a", "a,a"], ["a,a", "a"]),
    # signs that mean something elsewhere
    ("Motion:Gate (1)", ["Gate (1)", "Gate 1", "Gate"], ["Gate (1)"]),
    ("Motion:a+b", ["a+b", "aab", "aaab"], ["a+b"]),
    ("Motion:.*", [".*", "Left"], [".*"]),
    ("Motion:[x]|y\\d", ["[x]|y\\d", "x"], ["[x]|y\\d"]),
    ("Motion:$^", ["$^"], ["$^"]),
    ("Motion: it's \"here\"", ["it's \"here\""], ["it's \"here\""]),
    # case, blanks, letters
    ("motion: DRIVE", ["Drive"], ["Drive"]),
    ("Motion:gate", ["Gate", "gate"], ["gate"]),
    ("Motion:GATE", ["Gate", "gate"], ["Gate", "gate"]),
    ("Motion: Front  door ", ["Front door"], ["Front door"]),
    ("Motion:Front door", [" Front  door "], [" Front  door "]),
    ("Motion:STRASSE", ["Straße"], ["Straße"]),
    ("Motion:院子,Łąka", ["院子", "院", "Łąka"], ["院子", "Łąka"]),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "names", "expected"), CAUSES)
def test_the_zones_that_it_names(cause: str, names: list[str], expected: list[str]) -> None:
    assert triggered(cause, names) == set(expected)
    assert triggered(cause, reversed(names)) == set(expected)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_letters_that_are_typed_in_two_ways(form, other) -> None:
    name = unicodedata.normalize(form, "Süd, Café")
    cause = unicodedata.normalize(other, "Motion:Süd, Café,Straße")
    assert triggered(cause, [name]) == {name}
    assert plain(name) == plain(unicodedata.normalize(other, "SÜD, CAFÉ"))


def test_a_cause_that_was_cut_off() -> None:
    """The notification server reads it from a field of 256 bytes."""
    names = [f"Zone {number}, at the high wall of house {number}" for number in range(20)]
    cause = f"Motion:{','.join(names)}".encode()[:255].decode()
    expected = [name for name in names if name in cause]
    begun = next(name for name in names if name not in cause)
    assert not cause.endswith(tuple(names))
    assert triggered(cause, names) == {*expected, begun}
    assert triggered("Motion:Dri", ["Drive"]) == set()


def test_half_a_letter() -> None:
    assert triggered("Motion:Drive,S\udcc3", ["Drive", "Süd"]) == {"Drive"}
