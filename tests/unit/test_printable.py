"""What anything from outside becomes before it is shown."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.printable import LONGEST, lines, one_line, plain_json, printable

HOSTILE = (
    "a\nb",
    "a\r\nb",
    "a\x00b",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "a\x85b",
    "a\u2028b\u2029c",
    "evil\u202egpj.exe",
    "\u2066x\u2069",
    "a\u200bb\ufeffc",
    "\x7f",
    "\udcff\ud800",
    "\U000e0041",
    "\t\v\f",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_obeys_is_gone(text: str):
    for shown in (printable(text), one_line(text)):
        assert shown.isprintable()
        assert len(shown.splitlines()) <= 1
        shown.encode()
    assert len(printable(text)) == len(text)


def test_what_can_be_printed_stays():
    assert printable("Zoë  李 🐈 10 %") == "Zoë  李 🐈 10 %"
    assert one_line("  Zoë  李\n🐈 ") == "Zoë 李 🐈"


def test_bytes_that_were_no_text_are_marked():
    assert printable(b"Zo\xeb".decode("utf-8", "surrogateescape")) == "Zo\ufffd"


def test_what_is_too_long_is_shortened_and_says_so():
    assert one_line("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
    assert one_line("x" * LONGEST) == "x" * LONGEST
    assert one_line("abcdef", 5, more="..") == "abc.."
    assert one_line("abcdef", 3, more="") == "abc"
    assert one_line(" " * 10_000 + "x", 10) == "…"


def test_no_more_of_a_long_text_is_read_than_is_shown():
    class Counting(str):
        __slots__ = ()
        read = 0

        def __str__(self) -> str:  # a text stays what it is
            return self

        def __getitem__(self, part):
            Counting.read += len(got := super().__getitem__(part))
            return got

    one_line(Counting("\x1b" * 1_000_000), 50)
    assert 0 < Counting.read < 1000


def test_an_error_is_shown_by_its_text():
    assert one_line(ValueError("a\nb")) == "a b"


def test_lines_stay_lines():
    assert list(lines("a\x1b[0m\r\nb\u2028c\nxxxx", 3)) == ["a …", "b c", "xx…"]


@given(st.text(st.characters()), st.integers(1, 300))
def test_always_one_printable_line_of_that_length(text: str, longest: int):
    shown = one_line(text, longest)
    assert shown.isprintable()
    assert len(shown) <= longest
    assert one_line(shown, longest) == shown


def test_every_character_is_replaced_or_printable():
    text = "".join(map(chr, range(sys.maxunicode + 1)))
    assert printable(text).isprintable()


@given(st.dictionaries(st.text(), st.text()))
def test_plain_json_says_the_same(value: dict[str, str]):
    text = plain_json(json.dumps(value, ensure_ascii=False).encode())
    assert text.isprintable()
    assert json.loads(text) == value
