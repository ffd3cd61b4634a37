from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmhook.migrate.old_config import OldSetting
from zmhook.migrate.placeholders import Placeholders, parse_literal


def named(**values: object) -> Placeholders:
    flat = {name: OldSetting("[x]", name, value) for name, value in values.items()}
    return Placeholders(flat, {"face_model": "hog"}.get)


def test_within_quotes_a_value_stays_in_them() -> None:
    found = named(mine="it's \\ 'x', 'y': 1").parse("{'a': '{{mine}}'}")
    assert found == {"a": "it's \\ 'x', 'y': 1"}


def test_without_quotes_it_is_part_of_the_literal() -> None:
    found = named(least="0.6", labels="['a', 'b']")
    assert found.parse("{'a': {{least}}, 'b': {{ labels }}}") == {"a": 0.6, "b": ["a", "b"]}
    assert found.used == {"least", "labels"}


def test_it_may_name_another() -> None:
    assert named(a="<{{b}}>", b="{{c}}", c="x").fill("{{a}}") == "<x>"


def test_in_lists_and_dicts() -> None:
    assert named(a="x").fill({"k": ["{{a}}", ("{{A}}", 1)]}) == {"k": ["x", ["x", 1]]}


def test_paths_that_mean_the_same_here_stay() -> None:
    found = named(base_data_path="/data", mine="{{base_data_path}}/m")
    assert found.fill("{{mine}}/yolo") == "{{base_data_path}}/m/yolo"


def test_what_an_old_program_took_without_being_told() -> None:
    assert named().parse("{'a': '{{face_model}}'}") == {"a": "hog"}


def test_what_nobody_knows_stays() -> None:
    assert named().fill("{{what}}") == "{{what}}"
    assert named().parse("{'a': {{what}}}") == {"a": "{{what}}"}


def test_a_token_within_a_text_is_left_to_our_reader() -> None:
    found = named(portal="!ZM_PORTAL")
    assert found.fill("{{portal}}/api") == "{{portal}}/api"
    assert found.fill("{{portal}}") == "!ZM_PORTAL"


def test_comments_are_no_places() -> None:
    assert named(a="1\n, 'evil': 2").parse("{ # {{a}}\n 'b': 1 }") == {"b": 1}


def test_a_circle_ends() -> None:
    assert "{{" in named(a="{{b}}", b="{{a}}").fill("{{a}}")


def test_values_that_double_each_other_end() -> None:
    flat = {f"a{i}": f"{{{{a{i + 1}}}}}" * 8 for i in range(9)}
    with pytest.raises(ValueError, match="longer than"):
        named(**flat, a9="x" * 100).fill("{{a0}}")


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
