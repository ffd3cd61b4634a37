from __future__ import annotations

import pytest

from zmhook.settings.section import flaw_of_key, flaw_of_password


@pytest.mark.parametrize("key", ["", "AIzaSy123", "sk-or-v1-a_b.c~d+e/f=", "a:b", "%&#!"])
def test_what_a_key_may_hold(key: str) -> None:
    assert flaw_of_key(key) == ""


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sk\u2013abc", "character 3 is an en dash (U+2013)"),
        ("\u200bsk", "character 1 is a zero-width space (U+200B)"),
        ("\ufeffsk", "character 1 is a byte order mark (U+FEFF)"),
        ("sk abc", "character 3 is a blank (U+0020)"),
        ("sk\nabc", "character 3 is a line break (U+000A)"),
        ('"sk"', "character 1 is a quotation mark (U+0022)"),
        ("sk'", "character 3 is an apostrophe (U+0027)"),
        ("s\u0430", "character 2 is cyrillic small letter a (U+0430)"),
        ("s\x7f", "character 2 is one that cannot be seen (U+007F)"),
        ("s\u00e9", "character 2 is latin small letter e with acute (U+00E9)"),
    ],
)
def test_what_no_key_holds_is_named_with_its_place(key: str, told: str) -> None:
    assert flaw_of_key(key) == told


@pytest.mark.parametrize("password", ["", "pass word", "p\u2013w\u00f6rd\"'", "x"])
def test_a_password_may_hold_what_can_be_seen(password: str) -> None:
    assert flaw_of_password(password) == ""


@pytest.mark.parametrize("odd", ["\u200b", "\ufeff", "\t", "\xa0", "\u202e", "\x00"])
def test_what_cannot_be_seen_in_one_is_told(odd: str) -> None:
    assert flaw_of_password(f"pa{odd}ss").startswith("character 3 is ")
