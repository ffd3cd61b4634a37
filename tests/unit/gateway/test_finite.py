"""Numbers that strangers send."""

from __future__ import annotations

import math

import pytest

from zmhook.gateway.finite import finite


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (5, 5.0),
        (-0.5, -0.5),
        (True, None),
        ("5", None),
        (None, None),
        (math.nan, None),
        (-math.inf, None),
        (10**400, None),
    ],
)
def test_a_number_is_one_that_can_be_reckoned_with(said: object, number: float | None) -> None:
    assert finite(said) == number
