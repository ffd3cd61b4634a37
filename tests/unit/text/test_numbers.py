from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.text import numbers
from zmhook.text.numbers import apart, exact, is_above, is_below, percent

NUMBERS = st.floats(-1e9, 1e9) | st.floats(-1, 1)


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (0.4, 0.5, "0.40"),
        (0.299, 0.3, "0.299"),
        (0.2999961, 0.3, "0.299996"),
        (0.3001, 0.3, "0.3001"),
        (0.3, 0.3, "0.30"),
        (59.7, 60.0, "59.70"),
    ],
)
def test_as_many_digits_as_it_takes(value: float, limit: float, text: str) -> None:
    assert apart(value, limit) == text


@given(NUMBERS, NUMBERS | st.none(), st.sampled_from([0.0, 1e-12, 1e-7, 1e-3]))
def test_it_reads_on_the_side_that_it_is_on(value: float, other: float | None, away: float) -> None:
    limit = value * (1 + away) if other is None else other
    printed = float(exact(limit))
    if math.isclose(value, printed, rel_tol=1e-12):
        value = printed
    text = float(apart(value, limit, 0))
    assert (text < printed, text > printed) == (value < printed, value > printed)


@given(NUMBERS, NUMBERS)
def test_what_is_judged_apart_is_printed_apart(value: float, limit: float) -> None:
    if is_below(value, limit):
        assert float(apart(value, limit)) < float(exact(limit))
    if is_above(value, limit):
        assert float(apart(value, limit)) > float(exact(limit))


def test_rounding_is_no_difference() -> None:
    for limit in (0.1, 0.3, 0.7, 1.0, 33.3, 1e6):
        for value in (limit * (1 - 1e-10), limit, limit * (1 + 1e-10)):
            assert not is_below(value, limit)
            assert not is_above(value, limit)
    assert is_below(0.29, 0.3)
    assert is_above(0.31, 0.3)
    assert is_below(999_999, 1_000_000)


def test_what_is_no_number_passes_nothing() -> None:
    assert is_below(math.nan, 0.5)
    assert is_above(math.nan, 0.5)
    assert apart(math.inf, 0.5) == "inf"


def test_percent() -> None:
    assert percent(0.25) == percent(0.25, 0.3) == "25%"
    assert percent(0.2996, 0.3) == "29.96%"
    assert percent(0.29, 0.29) == "29%"
    assert exact(0.29 * 100) == "29"
    assert exact(1_234_567.0) == "1234567"


ODD = [
    "",
    "-1",
    "+5",
    " 5",
    "5 ",
    "5\n",
    "5.0",
    "5e0",
    "0x5",
    "007",
    "1_000",
    "\u0663",
    "\u00b2",
    "\uff15",
    str(2**63),
    "9" * 30,
    "9" * 5000,
    "seven",
    "\udcff",
]


@pytest.mark.parametrize("text", ["0", "1", "5", "4711", str(2**53), str(2**63 - 1)])
def test_a_number_is_one(text: str) -> None:
    assert numbers.parsed(text, "event") == int(text)
    assert numbers.parsed_or_none(text, "event") == int(text)


@pytest.mark.parametrize("text", ODD)
def test_what_is_none_is_told_in_a_short_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^monitor: expected a whole number, got '") as no:
        numbers.parsed(text, "monitor")

    assert len(str(no.value)) < 120
    assert str(no.value).isprintable()


def test_none_at_all_may_be_allowed() -> None:
    assert numbers.parsed_or_none("", "monitor") is None
    with pytest.raises(ValueError, match="monitor"):
        numbers.parsed_or_none(" ", "monitor")
