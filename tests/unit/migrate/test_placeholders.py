from __future__ import annotations

import pytest

from zmhook.migrate.old import Given
from zmhook.migrate.placeholders import Placeholders


def named(**values: object) -> Placeholders:
    flat = {name: Given("[x]", name, value) for name, value in values.items()}
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
