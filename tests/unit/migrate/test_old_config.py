"""Values of an old file that are written as Python writes them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmhook.migrate.old_config import parse_literal

# Python writes infinity as a name, which is no literal.
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False, width=32)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "{'a': [1, 2.5, -3], 'b': ('x', None, True)}",
            {"a": [1, 2.5, -3], "b": ("x", None, True)},
        ),
        ("  \n {'a': 1,  # a comment\n\n }  ", {"a": 1}),
        ("{'a': 'one'\n 'two'}", {"a": "onetwo"}),
        (r"{'a': '\d+'}", {"a": r"\d+"}),
        ("{1, 2}", {1, 2}),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert parse_literal(text) == value


@given(PLAIN)
@settings(max_examples=60, deadline=None)
def test_what_python_writes_is_read(value: object) -> None:
    assert parse_literal(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('touch x')", "line 1: only texts, numbers"),
        ("{'a': open('x')}", "line 1: only texts, numbers"),
        ("{\n'a': [b for b in 'c']}", "line 2: only texts, numbers"),
        ("{'a': 1 * 2}", "line 1: only texts, numbers"),
        ("{'a': --1}", "line 1: only texts, numbers"),
        ("{'a': x}", "line 1: only texts, numbers"),
        ("{'a': 1", "line 1: is no list or dict in Python's form .'{' was never closed"),
        ("{'a' 1}", "line 1: is no list or dict"),
        ("{'a': 1]", "line 1: is no list or dict"),
        ("", "line 1: is no list or dict"),
        ("{[]: 1}", "is no list or dict"),
        ("[" * 100_000, "is no list or dict"),
        ("-" * 100_000 + "1", "is no list or dict|only texts, numbers"),
        ("1" + "+1" * 50_000, "is no list or dict|only texts, numbers"),
        ("'" + "x" * 300_000 + "'", "is longer than 262144 characters"),
        ("9" * 5000, "integer string conversion|is no list or dict"),
    ],
)
def test_what_is_no_literal(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_literal(text)


@given(st.text(alphabet="{}[]():,'\"#\\\n \t0aTrueNone!-+.jxb\0", max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_a_value_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_literal(text)


def test_nothing_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    with pytest.raises(ValueError, match="line 1"):
        parse_literal(f"[open({str(touched)!r}, 'w')]")
    assert not touched.exists()
