from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detectors.alpr.services.base import (
    are_results,
    first,
    number,
    record,
    records,
    share,
    text,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(ANYTHING)
def test_anything_becomes_a_value_of_its_kind(value):
    found = number(value)
    assert found is None or math.isfinite(found)
    assert 0 <= share(value) <= 1
    assert text(value).isprintable()
    assert isinstance(first(value), dict)
    assert isinstance(record(value), dict)
    assert all(isinstance(one, dict) for one in records(value, 2))


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400])
def test_what_is_no_number(value):
    assert number(value) is None


def test_shares_of_a_whole():
    assert share(94.25, 100) == pytest.approx(0.9425)
    assert share(-3) == 0
    assert share(7) == 1


def test_texts_are_one_short_line():
    assert text(" a\nb\x00 " + "c" * 99).startswith("a b c")
    assert len(text("c" * 99)) == 60


def test_only_so_many():
    assert len(records([{}] * 9, 4)) == 4
    assert records([1, {}, None], 9) == [{}]


@pytest.mark.parametrize(
    "beside",
    [
        {"detail": "Monthly quota exceeded", "status": 0},
        {"errors": ["license expired"]},
        {"message": "License expired", "code": 7},
        {"error_msg": "no credits left"},
        {"status": {"code": 7, "message": "License expired"}},
        {"error": True},
        {"success": True, "message": "Too many requests"},
        {"message": "No plates left this month"},
        {"errors": [{"code": "E7"}]},
    ],
)
def test_an_error_beside_no_results_is_not_no_plate(beside):
    assert not are_results({"results": [], **beside}, bool)
    assert are_results({"results": [{"plate": "x"}], **beside}, bool)


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"error": False, "errors": [], "message": None, "detail": ""},
        {"message": "OK", "code": 200},
        {"msg": "success"},
        {"message": "No license plates found."},
        {"detail": "0 results"},
        {"status": "ok", "message": "took 3 ms"},
        {"usage": {"calls": 1, "max_calls": 2}, "filename": "a.jpg"},
    ],
)
def test_a_harmless_text_beside_no_results_is_no_plate(beside):
    assert are_results({"results": [], **beside}, bool)
