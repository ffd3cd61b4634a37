from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detectors.alpr.services.values import (
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
