"""Whatever is wrong with what comes from outside is one error."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from zmhook.untrusted import Unreadable, claims, decoded, whole


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
    assert found == {"untrusted.py", "snapshots/formats/payload.py"}  # the latter with a word each
