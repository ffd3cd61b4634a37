from __future__ import annotations

import pytest

from zmhook.describe.description import DescriptionError, FormFallback, FormRefused, quoted
from zmhook.errors import ModelSkipped


def test_it_is_a_model_that_was_skipped() -> None:
    error = DescriptionError("blocked", "the answer is blocked", final=True)
    assert isinstance(error, ModelSkipped)
    assert (error.short, str(error)) == ("gemini skipped: blocked", "gemini: the answer is blocked")


def test_what_a_server_says_is_one_short_line_without_our_key() -> None:
    assert quoted("key AIza-1\n is\x1b[31m bad", "AIza-1") == "key *** is [31m bad"
    assert len(quoted("x" * 10_000)) == 200
    assert quoted(None) == ""


def server(takes: set[str], asked: list[str]):
    def ask(form: str) -> str:
        asked.append(form)
        if form not in takes:
            raise FormRefused("refused", f"no {form}")
        return form

    return ask


def test_the_strictest_that_is_taken_is_remembered() -> None:
    asked: list[str] = []
    forms, ask = FormFallback(("schema", "json", "plain")), server({"json", "plain"}, asked)
    assert [forms.first_accepted(ask), forms.first_accepted(ask)] == ["json", "json"]
    assert asked == ["schema", "json", "json"]


def test_a_server_that_takes_none_is_asked_anew_next_time() -> None:
    asked: list[str] = []
    forms = FormFallback(("schema", "plain"))
    for _ in range(2):
        with pytest.raises(FormRefused, match="no plain"):
            forms.first_accepted(server(set(), asked))
    assert asked == ["schema", "plain"] * 2


def test_another_failure_is_none_of_the_form() -> None:
    def ask(_: str) -> str:
        raise DescriptionError("no network", "there is no network")

    with pytest.raises(DescriptionError, match="there is no network"):
        FormFallback(("schema", "plain")).first_accepted(ask)
