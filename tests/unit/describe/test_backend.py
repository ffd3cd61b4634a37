from __future__ import annotations

import pytest

from zmhook.describe.backend import FormFallback
from zmhook.describe.description_error import DescriptionError, FormRefused


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
