from __future__ import annotations

import pytest

from zmhook.describe.steps import FormRefused, Steps, is_about_form
from zmhook.describe.unanswered import Unanswered


def server(takes: set[str], asked: list[str]):
    def ask(form: str) -> str:
        asked.append(form)
        if form not in takes:
            raise FormRefused("refused", f"no {form}")
        return form

    return ask


def test_the_strictest_that_is_taken_is_remembered() -> None:
    asked: list[str] = []
    steps, ask = Steps(("schema", "json", "plain")), server({"json", "plain"}, asked)
    assert [steps.climb(ask), steps.climb(ask)] == ["json", "json"]
    assert asked == ["schema", "json", "json"]


def test_a_server_that_takes_none_is_asked_anew_next_time() -> None:
    asked: list[str] = []
    steps = Steps(("schema", "plain"))
    for _ in range(2):
        with pytest.raises(FormRefused, match="no plain"):
            steps.climb(server(set(), asked))
    assert asked == ["schema", "plain"] * 2


def test_another_failure_is_none_of_the_form() -> None:
    def ask(_: str) -> str:
        raise Unanswered("no network", "there is no network")

    with pytest.raises(Unanswered, match="there is no network"):
        Steps(("schema", "plain")).climb(ask)


@pytest.mark.parametrize(
    ("message", "is_one"),
    [
        ("Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field.", True),
        ('Unknown name "responseMimeType"', True),
        ("response_format.type must be one of 'json_object', 'text'", True),
        ("json_schema is not supported by this model", True),
        ("JSON mode is not enabled for this model", True),
        ("failed to parse grammar", True),
        ("'response_format.type' : value is not one of the allowed values", True),
        ('Invalid JSON payload received. Unknown name "store": Cannot find field.', False),
        ("Unable to process input image.", False),
        ("API key not valid", False),
        ("model 'llava' not found", False),
    ],
)
def test_what_is_about_the_form(message: str, is_one: bool) -> None:
    assert is_about_form(message) is is_one
