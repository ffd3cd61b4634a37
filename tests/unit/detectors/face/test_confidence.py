from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detectors.face.confidence import of_known, of_unknown

distances = st.floats(0, 2)
thresholds = st.floats(0.01, 2)


def test_the_documented_points():
    assert of_known(0, 0.6) == 1
    assert of_known(0.6, 0.6) == 0.5
    assert of_known(math.inf, 0.6) == 0
    assert of_known(0.3, 0.6) == pytest.approx(0.94, abs=0.005)
    assert of_known(0.5, 0.6) == pytest.approx(0.67, abs=0.01)
    assert of_unknown(0.7, 0.6, 1) == pytest.approx(0.65, abs=0.005)
    assert of_unknown(0.9, 0.6, 1) == pytest.approx(0.83, abs=0.01)


@given(distances, distances, thresholds)
def test_a_larger_distance_never_makes_us_surer(one, other, threshold):
    near, far = sorted((one, other))
    assert 0 <= of_known(far, threshold) <= of_known(near, threshold) <= 1
    assert of_unknown(near, threshold, 0.9) <= of_unknown(far, threshold, 0.9) <= 0.9


def test_where_nobody_is_known_the_finder_has_the_word():
    assert of_unknown(math.inf, 0.6, 0.87) == 0.87
