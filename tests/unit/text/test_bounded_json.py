"""Whatever is wrong with what comes from outside is one error."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.text.bounded_json import (
    Cut,
    Unreadable,
    claims,
    decoded,
    lenient,
    mapping,
    mappings,
    salvaged,
    whole,
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"1" * 10_000,
        b"[1e99999]",
        b'"\\ud800"',
        b"\xff\xfe",
        b"\0",
        b"NaN",
        b"{}x",
        "[" * 200_000,
        "\ud800",
    ],
)
def test_json_that_is_none(data: bytes | str) -> None:
    with pytest.raises(Unreadable) as caught:
        decoded(data)
    assert caught.value.args[0]


def test_json_of_another_kind() -> None:
    with pytest.raises(Unreadable, match="Expected `array`"):
        decoded(b"{}", list[int])
    assert decoded(b"[1]", list[int]) == [1]
    assert decoded('{"a": [null]}') == {"a": [None]}


def test_too_many_values_are_not_made() -> None:
    assert len(decoded(b"[" + b"1," * 99 + b"1]", most=100)) == 100
    with pytest.raises(Unreadable, match="more than 100 values"):
        decoded(b"[" + b"1," * 100 + b"1]", most=100)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "a.é.c", "a.W10.c", "a." + "W1" * 50_000])
def test_no_token(token: str) -> None:
    with pytest.raises(Unreadable):
        claims(token)


def test_random_tokens() -> None:
    random.seed(1)
    for _ in range(300):
        body = random.randbytes(random.randrange(40))
        with pytest.raises(Unreadable):
            claims(f"x.{base64.urlsafe_b64encode(b'{' + body).decode().rstrip('=')}.y")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        (12, 12),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, 0),
        ("9" * 5000, 0),
        pytest.param(10**5000, 0, id="5001 digits"),
        (-1, 0),
        ("-1", 0),
        ("²", 0),
        ("٣", 0),
        (True, 0),
        (None, 0),
        ([], 0),
        (1.5, 0),
        ("", 0),
    ],
)
def test_whole_numbers(value: object, number: int) -> None:
    assert whole(value) == number


def test_nothing_else_decodes_json(root: Path) -> None:
    package = root / "hook" / "zmhook"
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "json.decode(" in path.read_text(encoding="utf-8")
    }
    assert found == {"text/bounded_json.py"}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (
            b'{"a": NaN, "b": [Infinity, -Infinity, -nan, inf], "c": 1}',
            {"a": None, "b": [None] * 4, "c": 1},
        ),
        (
            b'{"a": 1e999, "b": .5, "c": 01, "d": 0x1F, "e": 1.5e3}',
            {"a": None, "b": None, "c": None, "d": None, "e": 1500.0},
        ),
        (b'{"a": "NaN, ]", "b": undefined}', {"a": "NaN, ]", "b": None}),
        (b'{"a": 1}\0\0', {"a": 1}),
        (b'{"a": 1}\r\nOK {', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "\u00e4"}'.encode("utf-16"), {"a": "\u00e4"}),
        (b'{"a": [1, 2,], "b": {"c": 1,},}', {"a": [1, 2], "b": {"c": 1}}),
        (b'{"a": 1,, "b": 2}', {"a": 1, "b": 2}),
        (b'{"a": "\xfc", "b": "x\ny"}', {"a": "\ufffd", "b": "x y"}),
        (b'{"a": "\\ud800!", "b": "\\ud83d\\ude00"}', {"a": "\ufffd!", "b": "\U0001f600"}),
        (b'{"a": "' + b"/9j/" * 500_000 + b'", "b": NaN}', {"a": "/9j/" * 500_000, "b": None}),
    ],
)
def test_json_with_flaws_is_read_without_them(data: bytes, found: object) -> None:
    with pytest.raises(Unreadable):
        decoded(data)
    assert lenient(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"online",
        b'{"a": "cut',
        b'{"a": {"b": 1}',
        b"{'a': 1}",
        b'{"a":' * 200_000,
        b"{x" * 500_000,
        b'{"' * 500_000,
        b"{," * 400_000,
        b"{" + b"," * 900_000,
        b'"' * 900_000,
        b'{"' + b'\\"' * 900_000,
        b"{" + b"- " * 900_000,
    ],
)
def test_what_has_no_whole_object_stays_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        lenient(data)
    with pytest.raises(Unreadable):
        lenient(data, anywhere=True)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"a": "x"', {"a": "x"}),
        (b'{"a": [{"b": "x"}, ', {"a": [{"b": "x"}]}),
        (b'{"a": 1', {"a": None}),
        (b'{"a": 1\n', {"a": 1}),
    ],
)
def test_brackets_that_are_missing_at_the_end(data: bytes, found: object) -> None:
    assert salvaged(data) == (found, True)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": "cut',
        b"{'a': 'cut",
        b'{"a"',
        b'{"a": ',
        b'{"a":' * 200_000,
        b"{'" * 500_000,
        b"{'" + b"\\'" * 900_000,
    ],
)
def test_what_ends_within_a_value_is_cut(data: bytes) -> None:
    with pytest.raises(Cut):
        salvaged(data)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda one: st.lists(one, max_size=4)))
def test_what_python_shows_of_a_dictionary_is_read(value: object) -> None:
    shown = repr({"a": value})
    if "\\x" not in shown and "\\U" not in shown:  # JSON has no such escapes
        assert salvaged(shown)[1] is False


@pytest.mark.parametrize(
    "before", ["<b>Warning</b>: {main} at 3\n", "Notice: {'x': 1} in y\n", "\ufeff", "{ Warning: "]
)
def test_json_among_other_things(before: str) -> None:
    text = before + '{"a": NaN, "b": {"c": 2}} and {"d": 3}'
    if before.startswith("{ "):  # what is in it would be a part of something
        with pytest.raises(Unreadable):
            lenient(text, anywhere=True)
    else:
        assert lenient(text, anywhere=True) == {"a": None, "b": {"c": 2}}
    with pytest.raises(Unreadable):
        lenient("x" + text)


@given(st.binary(max_size=200) | st.text('{}[]",:\\ 0-NaNx\0', max_size=60))
def test_reading_leniently_fails_in_one_way_only(data: bytes | str) -> None:
    with contextlib.suppress(Unreadable):
        lenient(data)
    with contextlib.suppress(Unreadable):
        lenient(data, anywhere=True)
    with contextlib.suppress(Unreadable):
        salvaged(data)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists))
def test_what_is_sound_reads_the_same(value: object) -> None:
    text = json.dumps({"a": value})
    assert lenient(text + "\0 rest") == {"a": value}


def test_members_of_another_kind_are_left_out():
    assert mappings([{"a": 1}, 2, None, "x", []]) == [{"a": 1}]
    assert mappings({"a": 1}) == mappings(None) == []
    assert mapping([1]) == {}
